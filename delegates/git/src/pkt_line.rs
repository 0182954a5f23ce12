//! pkt-line, the framing of Git's protocol (gitprotocol-common): four hexadecimal digits of length, then the bytes.
//!
//! No I/O here: bytes are pushed in as they come and packets are taken out, so the same code serves every transport.

use bytes::{Buf, Bytes, BytesMut};

/// Longest packet with its length field, as the protocol sets it.
const MAX_PACKET: usize = 65_520;
const LENGTH_FIELD: usize = 4;

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    /// `0000`, the end of a message.
    Flush,
    /// `0001`, between the sections of a message.
    Delimiter,
    /// `0002`, the end of an answer over a connection without one of its own.
    End,
    Line(Bytes),
}

/// The bytes are no pkt-line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not framed as Git frames it")]
pub(crate) struct Unframed;

/// Takes packets out of a stream of bytes.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole packet, or `None` until more bytes are pushed.
    pub(crate) fn take(&mut self) -> Result<Option<Packet>, Unframed> {
        let Some(field) = self.buffer.first_chunk::<LENGTH_FIELD>() else { return Ok(None) };
        let length = length(*field)?;
        let control = match length {
            0 => Packet::Flush,
            1 => Packet::Delimiter,
            2 => Packet::End,
            LENGTH_FIELD..=MAX_PACKET => return Ok(self.take_line(length)),
            _ => return Err(Unframed),
        };
        self.buffer.advance(LENGTH_FIELD);
        Ok(Some(control))
    }

    /// What was pushed and not taken yet: what follows the packets where an answer goes on without them.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes everything that is left as it is.
    pub(crate) fn take_rest(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// Whether nothing is left: a stream that ends otherwise was cut.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    fn take_line(&mut self, length: usize) -> Option<Packet> {
        if self.buffer.len() < length {
            return None;
        }
        let mut packet = self.buffer.split_to(length).freeze();
        packet.advance(LENGTH_FIELD);
        Some(Packet::Line(packet))
    }
}

fn length(field: [u8; LENGTH_FIELD]) -> Result<usize, Unframed> {
    field.iter().try_fold(0, |sum, byte| {
        let digit = char::from(*byte).to_digit(16).ok_or(Unframed)?;
        Ok(sum << 4 | digit as usize)
    })
}

/// Writes packets.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// A line with its line feed. Ours are ref names and ids, all far shorter than a packet.
    pub(crate) fn line(&mut self, text: &str) -> &mut Self {
        let length = LENGTH_FIELD + text.len() + 1;
        self.bytes.extend_from_slice(format!("{length:04x}{text}\n").as_bytes());
        self
    }

    pub(crate) fn delimiter(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(b"0001");
        self
    }

    pub(crate) fn flush(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(b"0000");
        self
    }

    pub(crate) fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], expect: Result<&[Packet], Unframed>) {
        let mut decoder = Decoder::default();
        decoder.push(input);
        let packets: Result<Vec<_>, _> = std::iter::from_fn(|| decoder.take().transpose()).collect();
        assert_eq!(packets.as_deref().map_err(|error| *error), expect, "{input:?}");
    }

    fn line(text: &'static str) -> Packet {
        Packet::Line(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn packets_are_taken_out_whole() {
        check(
            b"0009hello00010004000000021",
            Ok(&[line("hello"), Packet::Delimiter, line(""), Packet::Flush, Packet::End]),
        );
        check(b"000ahel", Ok(&[]));
        check(b"", Ok(&[]));
    }

    #[test]
    fn lengths_that_git_never_writes_are_refused() {
        for input in [b"0003", b"fff1", b"ffff", b"+001", b"<htm", b"00 1"] {
            check(input, Err(Unframed));
        }
    }

    #[test]
    fn bytes_may_come_one_by_one() {
        let mut decoder = Decoder::default();
        let mut taken = Vec::new();
        for byte in b"0006a\n0000" {
            decoder.push(&[*byte]);
            taken.extend(decoder.take().unwrap());
        }
        assert_eq!(taken, [line("a\n"), Packet::Flush]);
        assert!(decoder.is_empty());
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let bytes = Encoder::default().line("command=ls-refs").delimiter().line("peel").flush().finish();
        check(&bytes, Ok(&[line("command=ls-refs\n"), Packet::Delimiter, line("peel\n"), Packet::Flush]));
    }
}
