//! An answer that goes on: one JSON value a line.

use std::marker::PhantomData;
use std::path::PathBuf;

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::Answer;
use crate::cli::fault::Fault;

/// Longest line that is read: no news is near it, and what is not our agent shall not fill the memory.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// Values as they come in.
#[derive(Debug)]
pub(in crate::cli) struct Lines<T> {
    socket: PathBuf,
    body: Incoming,
    buffer: Buffer,
    /// Drives the connection; ends with this.
    _driver: JoinSet<()>,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn of(answer: Answer) -> Self {
        let Answer { socket, response, driver } = answer;
        let body = response.into_body();
        Self { socket, body, buffer: Buffer::default(), _driver: driver, value: PhantomData }
    }

    /// The next value; nothing after the last.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<T>, Fault> {
        loop {
            if let Some(line) = self.buffer.take_line()? {
                return serde_json::from_slice(&line).map(Some).map_err(|source| Fault::NotUnderstood { source });
            }
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let frame = frame.map_err(|source| Fault::BrokenOff { socket: self.socket.clone(), source })?;
            if let Ok(bytes) = frame.into_data() {
                self.buffer.bytes.extend_from_slice(&bytes);
            }
        }
    }
}

/// What came in and was not taken yet.
#[derive(Debug, Default)]
struct Buffer {
    bytes: BytesMut,
    /// How many of `bytes` are known to hold no line end.
    searched: usize,
}

impl Buffer {
    /// A whole line without its end, if there is one.
    fn take_line(&mut self) -> Result<Option<BytesMut>, Fault> {
        let rest = self.bytes.get(self.searched..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return if self.searched > MAX_LINE { Err(Fault::LineTooLong { limit: MAX_LINE }) } else { Ok(None) };
        };
        let line = self.bytes.split_to(self.searched + end);
        self.bytes.advance(1);
        self.searched = 0;
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_as_they_become_whole() {
        let mut buffer = Buffer::default();
        let mut taken = Vec::new();
        for piece in ["on", "e\ntwo\nthr", "ee", "\n"] {
            buffer.bytes.extend_from_slice(piece.as_bytes());
            while let Some(line) = buffer.take_line().unwrap() {
                taken.push(String::from_utf8(line.to_vec()).unwrap());
            }
        }
        assert_eq!(taken, ["one", "two", "three"]);
    }

    #[test]
    fn a_line_without_end_is_refused_once_it_is_too_long() {
        let mut buffer = Buffer { bytes: BytesMut::zeroed(MAX_LINE), searched: 0 };
        assert!(buffer.take_line().unwrap().is_none());
        buffer.bytes.extend_from_slice(b"0");
        assert!(matches!(buffer.take_line(), Err(Fault::LineTooLong { .. })));
    }
}
