//! The TCP stream below everything, which can be told to end in a reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How a connection is to end: politely, unless a reset was asked for.
#[derive(Debug, Default)]
pub(crate) struct ConnectionEnd(AtomicBool);

impl ConnectionEnd {
    /// Lets the connection end by a reset as soon as it is dropped.
    pub(crate) fn reset(&self) -> Reset {
        self.0.store(true, Ordering::Relaxed);
        Reset
    }
}

/// Tells hyper to drop the connection without a word.
#[derive(Debug, thiserror::Error)]
#[error("the connection is to be reset")]
pub(crate) struct Reset;

/// A TCP stream that looks how it is to end when it is dropped.
pub(crate) struct Wire {
    stream: TcpStream,
    end: Arc<ConnectionEnd>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, end: Arc<ConnectionEnd>) -> Self {
        Self { stream, end }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.end.0.load(Ordering::Relaxed) {
            // Without the time to linger the kernel sends RST; if it refuses, the client still sees an end.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
