//! The body of Git's answer, on its way from the child to the client at the pace that was asked for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame};
use tokio::io::{AsyncReadExt, BufReader};
use tokio::process::ChildStdout;
use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;

use crate::answer::Pace;
use crate::ledger::Ledger;
use crate::shared::Shared;

/// A pipe's capacity on Linux: reading more at once brings nothing.
const CHUNK: usize = 64 * 1024;
/// One chunk on its way and one being read: the child is held back by a slow client, never by us.
const CHUNKS_AHEAD: usize = 1;

type Sender = mpsc::Sender<io::Result<Bytes>>;

/// The body that reads from a child; the child's guard lives as long as the body is wanted.
pub(super) fn answer_body(
    shared: &Arc<Shared>,
    stdout: BufReader<ChildStdout>,
    pace: Pace,
    guard: DropGuard,
) -> AnswerBody {
    let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
    shared.tasks.track(pump(Arc::clone(shared), stdout, pace, sender));
    AnswerBody { chunks, held_error: None, _guard: guard }
}

/// Reads until the child ends, the client is gone or the pace says that it is enough.
async fn pump(shared: Arc<Shared>, mut stdout: BufReader<ChildStdout>, pace: Pace, sender: Sender) {
    let mut sent: u64 = 0;
    loop {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let read = tokio::select! {
            read = stdout.read_buf(&mut chunk) => read,
            () = sender.closed() => return,
        };
        let mut bytes = match read {
            Ok(0) => return,
            Ok(_) => chunk.freeze(),
            Err(error) => return send_last(&sender, error).await,
        };
        if let Pace::CutAfter(limit) = pace {
            bytes.truncate(usize::try_from(limit - sent).unwrap_or(usize::MAX));
        }
        sent += bytes.len() as u64;
        if send(&shared.ledger, &sender, bytes, pace).await.is_err() {
            return;
        }
        if pace == Pace::CutAfter(sent) {
            return send_last(&sender, io::Error::other("the connection is cut, as asked")).await;
        }
    }
}

async fn send(ledger: &Ledger, sender: &Sender, mut bytes: Bytes, pace: Pace) -> Result<(), Gone> {
    if let Pace::Drip { bytes_per_second } = pace {
        let pause = Duration::from_secs(1) / bytes_per_second.max(1);
        while !bytes.is_empty() {
            sender.send(Ok(bytes.split_to(1))).await?;
            ledger.sent(1);
            tokio::time::sleep(pause).await;
        }
        return Ok(());
    }
    ledger.sent(bytes.len());
    Ok(sender.send(Ok(bytes)).await?)
}

async fn send_last(sender: &Sender, error: io::Error) {
    // A client that is gone needs no error.
    let _ = sender.send(Err(error)).await;
}

/// The client wants no more.
struct Gone;

impl From<mpsc::error::SendError<io::Result<Bytes>>> for Gone {
    fn from(_: mpsc::error::SendError<io::Result<Bytes>>) -> Self {
        Self
    }
}

pub(super) struct AnswerBody {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    held_error: Option<io::Error>,
    _guard: DropGuard,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(error) = self.held_error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match self.chunks.poll_recv(context) {
            Poll::Ready(Some(Err(error))) => {
                // hyper drops what it has not flushed when a body fails; one more turn lets it flush first.
                self.held_error = Some(error);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(next) => Poll::Ready(next.map(|chunk| chunk.map(Frame::data))),
            Poll::Pending => Poll::Pending,
        }
    }
}
