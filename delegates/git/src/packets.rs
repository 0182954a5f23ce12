//! The packets of an answer, bounded.

use bytes::Bytes;
use suitesync_contract::{Failure, FailureClass};

use crate::classify::answer::ProviderCode;
use crate::http::Body;
use crate::pkt_line::{Decoder, Packet};
use crate::place::{Place, shown};

/// Packets as they come out of a body.
#[derive(Debug)]
pub(crate) struct Packets {
    body: Body,
    decoder: Decoder,
    /// Bytes that may still come.
    left: u64,
}

impl Packets {
    /// `most` bounds the whole answer in bytes, and with it the number of packets.
    pub(crate) fn new(body: Body, most: u64) -> Self {
        Self { body, decoder: Decoder::default(), left: most }
    }

    pub(crate) fn place(&self) -> &Place {
        self.body.place()
    }

    /// The next packet, or `None` where the answer ends. An `ERR` packet is a failure.
    pub(crate) async fn next(&mut self) -> Result<Option<Packet>, Failure> {
        loop {
            let taken = self.decoder.take().map_err(|error| self.place().protocol_failure(error))?;
            match taken {
                Some(Packet::Line(line)) => return self.unless_error(line).map(Some),
                Some(control) => return Ok(Some(control)),
                None => {}
            }
            let Some(piece) = self.body.chunk().await? else {
                return if self.decoder.is_empty() { Ok(None) } else { Err(self.cut()) };
            };
            self.left = self
                .left
                .checked_sub(piece.len() as u64)
                .ok_or_else(|| self.place().protocol_failure("the answer is longer than it may be"))?;
            self.decoder.push(&piece);
        }
    }

    /// Reads up to the end of the answer, where nothing may follow, so that the connection can be kept.
    pub(crate) async fn finish(mut self) -> Result<(), Failure> {
        match self.next().await? {
            None => Ok(()),
            Some(_) => Err(self.place().protocol_failure("the answer goes on after its end")),
        }
    }

    /// The answer ended before it was whole.
    pub(crate) fn cut(&self) -> Failure {
        self.place().protocol_failure("the answer ended in its middle")
    }

    fn unless_error(&self, line: Bytes) -> Result<Packet, Failure> {
        match line.strip_prefix(b"ERR ") {
            Some(text) => Err(server_said(self.place(), text)),
            None => Ok(Packet::Line(line)),
        }
    }
}

/// The server gave up with a text, whose provider's code tells the class if it begins with one.
pub(crate) fn server_said(place: &Place, text: &[u8]) -> Failure {
    let class = ProviderCode::at_start_of(text).and_then(ProviderCode::class).unwrap_or(FailureClass::ServerError);
    place.repository_failure(class, "read", format_args!("the server says: {}", shown(text)))
}
