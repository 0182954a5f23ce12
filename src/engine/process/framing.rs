//! Messages as lines of bytes: read with a bound on their length, written one after the other.

use std::io;

use bytes::{Bytes, BytesMut};
use suitesync_contract::rpc::{MAX_LINE, Message};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// Bytes asked for at once.
const PIECE: usize = 64 * 1024;

/// Why no further line can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineFault {
    #[error("a line has more than {0} bytes")]
    TooLong(usize),
    #[error("the last line has no end")]
    Cut,
    #[error("failed to read: {0}")]
    Read(#[from] io::Error),
}

/// The lines of a stream.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no end of a line.
    looked_at: usize,
    limit: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: BytesMut::new(), looked_at: 0, limit: MAX_LINE }
    }

    /// The next line without its end; nothing where the stream ends. A call that is given up loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, LineFault> {
        loop {
            let fresh = self.buffer.get(self.looked_at..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let mut line = self.buffer.split_to(self.looked_at + at + 1);
                self.looked_at = 0;
                line.truncate(line.trim_ascii_end().len());
                return Ok(Some(line.freeze()));
            }
            self.looked_at = self.buffer.len();
            if self.buffer.len() > self.limit {
                return Err(LineFault::TooLong(self.limit));
            }
            self.buffer.reserve(PIECE);
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(LineFault::Cut) };
            }
        }
    }
}

/// Writes messages until nobody can send any more, then says so to the reader.
pub(super) async fn write(
    mut writer: impl AsyncWrite + Unpin,
    mut messages: mpsc::UnboundedReceiver<Message>,
) -> io::Result<()> {
    while let Some(message) = messages.recv().await {
        let mut line = serde_json::to_vec(&message)?;
        line.push(b'\n');
        writer.write_all(&line).await?;
        writer.flush().await?;
    }
    writer.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8], limit: usize) -> (Vec<String>, Option<String>) {
        // Read in small pieces: ends of lines lie anywhere in them.
        let pieces = in_pieces(text);
        let mut lines = Lines { limit, ..Lines::new(pieces) };
        let mut found = Vec::new();
        loop {
            match lines.next().await {
                Ok(Some(line)) => found.push(String::from_utf8(line.to_vec()).unwrap()),
                Ok(None) => return (found, None),
                Err(fault) => return (found, Some(fault.to_string())),
            }
        }
    }

    /// A stream that hands out three bytes at a time.
    fn in_pieces(text: &[u8]) -> impl AsyncRead + Unpin {
        let (mut near, far) = tokio::io::duplex(3);
        let text = text.to_vec();
        tokio::spawn(async move { near.write_all(&text).await });
        far
    }

    async fn check(text: &str, limit: usize, expect: &[&str], fault: Option<&str>) {
        let (found, told) = lines(text.as_bytes(), limit).await;
        assert_eq!((found.iter().map(String::as_str).collect::<Vec<_>>(), told.as_deref()), (expect.to_vec(), fault));
    }

    #[tokio::test]
    async fn a_stream_is_its_lines() {
        check("", 10, &[], None).await;
        check("a\nbcdef\r\n\nx\n", 10, &["a", "bcdef", "", "x"], None).await;
        check("whole\nhal", 10, &["whole"], Some("the last line has no end")).await;
        check("1234567890\n12345678901234\n", 10, &["1234567890"], Some("a line has more than 10 bytes")).await;
    }

    #[tokio::test]
    async fn what_is_written_is_read() {
        let (near, far) = tokio::io::duplex(16);
        let (sender, messages) = mpsc::unbounded_channel();
        sender.send(Message::notification("a\nb", &1)).unwrap();
        drop(sender);
        let (written, line) = tokio::join!(write(near, messages), async { Lines::new(far).next().await });
        written.unwrap();
        let line = line.unwrap().unwrap();
        assert_eq!(serde_json::from_slice::<Message>(&line).unwrap(), Message::notification("a\nb", &1));
    }
}
