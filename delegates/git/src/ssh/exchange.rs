//! One command on a session, as two sides see it: who asks and reads, and the thread that drives the session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::fault::{Ending, Fault};
use super::waker::Waker;

/// Pieces that may wait to be read: some 256 KiB, enough to keep both sides busy.
const MAX_PIECES: usize = 8;

/// A command to be run, with all of its input.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) command: Arc<str>,
    pub(super) input: Bytes,
    pub(super) reply: Reply,
}

/// The writing end of a command's output. Dropping it ends the output.
#[derive(Debug)]
pub(super) struct Reply {
    pieces: mpsc::Sender<Bytes>,
    started: Option<oneshot::Sender<()>>,
    common: Arc<Common>,
}

/// The reading end. Dropping it ends the command.
#[derive(Debug)]
pub(crate) struct Pieces {
    pieces: mpsc::Receiver<Bytes>,
    started: Option<oneshot::Receiver<()>>,
    common: Arc<Common>,
    waker: Arc<Waker>,
}

#[derive(Debug, Default)]
struct Common {
    /// How the command ended; set before the writing end goes.
    ending: OnceLock<Result<Ending, Fault>>,
    /// The writing end waits for room.
    is_full: AtomicBool,
}

/// Both ends of a command's output.
pub(super) fn output(waker: Arc<Waker>) -> (Reply, Pieces) {
    let (sender, receiver) = mpsc::channel(MAX_PIECES);
    let (started, starting) = oneshot::channel();
    let common = Arc::<Common>::default();
    let reply = Reply { pieces: sender, started: Some(started), common: Arc::clone(&common) };
    (reply, Pieces { pieces: receiver, started: Some(starting), common, waker })
}

impl Reply {
    /// The command's turn has come.
    pub(super) fn start(&mut self) {
        if let Some(started) = self.started.take() {
            // Nobody listens any more when the command was given up while it waited.
            let _ = started.send(());
        }
    }

    /// Whether nobody reads any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.pieces.is_closed()
    }

    /// A place for one piece; where there is none, the reader calls as soon as there is.
    pub(super) fn place(&self) -> Option<mpsc::Permit<'_, Bytes>> {
        self.pieces.try_reserve().ok().or_else(|| {
            self.common.is_full.store(true, Ordering::SeqCst);
            // The reader may have made room before it could see that it has to call.
            self.pieces.try_reserve().ok()
        })
    }

    pub(super) fn end(self, ending: Result<Ending, Fault>) {
        // It ends once, as this takes the value.
        let _ = self.common.ending.set(ending);
    }
}

impl Pieces {
    /// Waits until the command's turn has come, or its end.
    pub(super) async fn started(&mut self) {
        if let Some(started) = self.started.take() {
            // An error is an end, which the next piece tells of.
            let _ = started.await;
        }
    }

    /// The next piece, or `None` where the command ended.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let piece = self.pieces.recv().await;
        if self.common.is_full.swap(false, Ordering::SeqCst) {
            self.waker.wake();
        }
        match piece {
            Some(piece) => Ok(Some(piece)),
            None => self.ending().map(|_| None),
        }
    }

    /// How the command ended, once there are no more pieces.
    pub(super) fn ending(&self) -> Result<Ending, Fault> {
        self.common.ending.get().cloned().unwrap_or(Err(Fault::Closed))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.pieces.close();
        self.waker.wake();
    }
}
