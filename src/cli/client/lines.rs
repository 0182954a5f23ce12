//! An answer that goes on: one JSON value a line.

use std::marker::PhantomData;

use bytes::{Buf, BytesMut};
use serde::de::DeserializeOwned;

use super::{Answer, Pieces};
use crate::cli::fault::Fault;

/// Longest line that is read: no news is near it, and what is not our agent shall not fill the memory.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// Values as they come in.
#[derive(Debug)]
pub(in crate::cli) struct Lines<T> {
    pieces: Pieces,
    buffer: Buffer,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn of(answer: Answer) -> Self {
        Self { pieces: Pieces::of(answer), buffer: Buffer::default(), value: PhantomData }
    }

    /// The next value; nothing after the last.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<T>, Fault> {
        loop {
            if let Some(line) = self.buffer.take_line()? {
                return serde_json::from_slice(&line).map(Some).map_err(|source| Fault::NotUnderstood { source });
            }
            let Some(piece) = self.pieces.next().await? else {
                return Ok(None);
            };
            self.buffer.bytes.extend_from_slice(&piece);
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
