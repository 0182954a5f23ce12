//! Takes a pack in as it comes: a blocking thread hands it to libgit2's indexer, fed through a bounded channel.
//!
//! libgit2 writes to a temporary file and removes it when the pack is not committed, so an abandoned pack leaves
//! nothing. The thread keeps the mirror's lock, whatever becomes of the task that started it.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use suitesync_contract::ObjectId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::delta_guard::DeltaGuard;
use super::fault::Fault;
use super::folder::Folder;
use super::lock::Lock;
use crate::limits::Limits;

/// Packets under way between network and disk: half a megabyte at most.
const QUEUE: usize = 8;
const HEADER: usize = 12;

/// The entrance for one pack.
#[derive(Debug)]
pub(crate) struct Sink {
    pieces: mpsc::Sender<Piece>,
    thread: JoinHandle<Result<(), Fault>>,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    /// The pack is whole. Without it nothing is kept.
    End,
}

impl Sink {
    pub(crate) fn start(folder: &Folder, lock: &Arc<Lock>, limits: &Limits, cancel: &CancellationToken) -> Self {
        let (pieces, receiver) = mpsc::channel(QUEUE);
        let (path, lock, limits, cancel) = (folder.path().to_owned(), Arc::clone(lock), *limits, cancel.clone());
        let thread = tokio::task::spawn_blocking(move || {
            let stored = Storing { path, limits, cancel }.run(receiver);
            drop(lock);
            stored
        });
        Self { pieces, thread }
    }

    /// Hands on a piece; `false` when the pack was given up, and [`Sink::finish`] says why.
    pub(crate) async fn push(&mut self, bytes: Bytes) -> bool {
        self.pieces.send(Piece::Bytes(bytes)).await.is_ok()
    }

    /// Waits until the pack is indexed and in place.
    pub(crate) async fn finish(self) -> Result<(), Fault> {
        // A closed channel means that the thread has ended with a fault, which is what is returned.
        let _closed = self.pieces.send(Piece::End).await;
        ended(self.thread).await
    }

    /// Gives the pack up and waits until nothing of it is left.
    pub(crate) async fn abandon(self) {
        drop(self.pieces);
        if let Err(fault) = ended(self.thread).await {
            tracing::trace!(%fault, "a pack was abandoned");
        }
    }
}

async fn ended(thread: JoinHandle<Result<(), Fault>>) -> Result<(), Fault> {
    thread.await.unwrap_or_else(|error| Err(Fault::Local(format!("storing the pack broke off: {error}"))))
}

/// The thread's side.
struct Storing {
    path: PathBuf,
    limits: Limits,
    cancel: CancellationToken,
}

impl Storing {
    fn run(&self, mut pieces: mpsc::Receiver<Piece>) -> Result<(), Fault> {
        let local = |error: git2::Error| Fault::writing(&self.path, &error);
        let repository = super::store::open_repository(&self.path).map_err(local)?;
        let odb = repository.odb().map_err(local)?;
        let mut writer = odb.packwriter().map_err(local)?;
        let cancel = self.cancel.clone();
        writer.progress(move |_| !cancel.is_cancelled());
        let mut header = Header::default();
        let stored = |id: ObjectId| {
            let (size, _) = odb.read_header(git2::Oid::from_bytes(id.as_bytes()).ok()?).ok()?;
            Some(size as u64)
        };
        let mut guard = DeltaGuard::new(self.limits.delta_bytes, &stored);
        let mut received = 0;
        while let Some(piece) = pieces.blocking_recv() {
            let Piece::Bytes(bytes) = piece else {
                return self.commit(&mut writer, &header);
            };
            received += bytes.len() as u64;
            if received > self.limits.pack_bytes {
                return Err(Fault::TooLarge(format!("the pack has more than {} bytes", self.limits.pack_bytes)));
            }
            header.take(&bytes);
            header.check(self.limits.pack_objects)?;
            guard.take(&bytes)?;
            writer.write_all(&bytes).map_err(|_| self.refused())?;
        }
        Err(Fault::Canceled)
    }

    fn commit(&self, writer: &mut git2::OdbPackwriter<'_>, header: &Header) -> Result<(), Fault> {
        match header.objects() {
            None => Err(Fault::NoPack("the pack has no header".to_owned())),
            Some(0) => Ok(()),
            Some(_) => writer.commit().map(drop).map_err(|error| self.fault(&error)),
        }
    }

    /// The writer's errors come as `io::Error` without content; libgit2 has the last one at hand.
    fn refused(&self) -> Fault {
        self.fault(&git2::Error::last_error(-1))
    }

    fn fault(&self, error: &git2::Error) -> Fault {
        if self.cancel.is_cancelled() { Fault::Canceled } else { Fault::writing(&self.path, error) }
    }
}

/// The first 12 bytes of a pack (gitformat-pack): `PACK`, version, number of objects.
#[derive(Debug, Default)]
struct Header {
    bytes: Vec<u8>,
}

impl Header {
    fn take(&mut self, piece: &[u8]) {
        let lacking = HEADER - self.bytes.len();
        self.bytes.extend_from_slice(piece.get(..lacking).unwrap_or(piece));
    }

    fn objects(&self) -> Option<u32> {
        let header = self.bytes.first_chunk::<HEADER>()?;
        header.last_chunk::<4>().map(|count| u32::from_be_bytes(*count))
    }

    fn check(&self, most: u32) -> Result<(), Fault> {
        let Some(objects) = self.objects() else { return Ok(()) };
        if !self.bytes.starts_with(b"PACK") {
            return Err(Fault::NoPack("the pack has no header".to_owned()));
        }
        if objects > most {
            return Err(Fault::TooLarge(format!("the pack has {objects} objects, more than {most}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_however_it_is_cut() {
        let mut header = Header::default();
        for byte in b"PACK\0\0\0\x02\0\0\x01\x02rest" {
            header.take(&[*byte]);
        }
        assert_eq!(header.objects(), Some(258));
        assert!(header.check(258).is_ok());
        assert!(matches!(header.check(257), Err(Fault::TooLarge(_))));
    }

    #[test]
    fn what_is_no_pack_is_refused_at_once() {
        let mut header = Header::default();
        header.take(b"<html><body>");
        assert!(matches!(header.check(1), Err(Fault::NoPack(_))));
    }
}
