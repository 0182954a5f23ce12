//! The packets of an answer, bounded.

use bytes::Bytes;
use suitesync_contract::{Failure, FailureClass};
use suitesync_reach::{Place, ProviderCode, shown};

use crate::body::Body;
use crate::pkt_line::{Decoder, Packet};

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
        match self.next_or_error().await? {
            Some(Said::Packet(packet)) => Ok(Some(packet)),
            Some(Said::Error(failure)) => Err(failure),
            None => Ok(None),
        }
    }

    /// The same, an `ERR` packet told apart from all else that may fail.
    pub(crate) async fn next_or_error(&mut self) -> Result<Option<Said>, Failure> {
        loop {
            let taken = self.decoder.take().map_err(|error| self.place().protocol_failure(error))?;
            match taken {
                Some(Packet::Line(line)) => return Ok(Some(self.said(line))),
                Some(control) => return Ok(Some(Said::Packet(control))),
                None => {}
            }
            if !self.fill().await? {
                return if self.decoder.is_empty() { Ok(None) } else { Err(self.cut()) };
            }
        }
    }

    /// Whether what comes next, as it is, begins with `bytes`. Nothing is taken.
    pub(crate) async fn goes_on_with(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        while self.decoder.rest().len() < bytes.len() && self.fill().await? {}
        Ok(self.decoder.rest().starts_with(bytes))
    }

    /// The next bytes as they are, or `None` at the end: for an answer that goes on without packets.
    pub(crate) async fn next_bytes(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.decoder.is_empty() && !self.fill().await? {
            return Ok(None);
        }
        Ok(Some(self.decoder.take_rest()))
    }

    /// Reads up to the end of the answer, where nothing may follow, so that the connection can be kept.
    pub(crate) async fn finish(mut self) -> Result<(), Failure> {
        match self.next().await? {
            None => Ok(()),
            Some(_) => Err(self.place().protocol_failure("the answer goes on after its end")),
        }
    }

    /// What came says that the server is at work: from here on it has its time again.
    pub(crate) fn note_life(&mut self) {
        self.body.begin_window();
    }

    /// The rest as it is: for an answer that goes on with another one's packets.
    pub(crate) fn into_rest(mut self) -> (Bytes, Body) {
        (self.decoder.take_rest(), self.body)
    }

    /// The answer ended before it was whole.
    pub(crate) fn cut(&self) -> Failure {
        self.place().protocol_failure("the answer ended in its middle")
    }

    /// Takes in what came, `false` at the end of the answer.
    async fn fill(&mut self) -> Result<bool, Failure> {
        let Some(piece) = self.body.chunk().await? else { return Ok(false) };
        self.left = self
            .left
            .checked_sub(piece.len() as u64)
            .ok_or_else(|| self.place().protocol_failure("the answer is longer than it may be"))?;
        self.decoder.push(&piece);
        Ok(true)
    }

    fn said(&self, line: Bytes) -> Said {
        match line.strip_prefix(b"ERR ") {
            Some(text) => Said::Error(server_said(self.place(), text)),
            None => Said::Packet(Packet::Line(line)),
        }
    }
}

/// A packet, or the server's word that it gives up.
#[derive(Debug)]
pub(crate) enum Said {
    Packet(Packet),
    Error(Failure),
}

/// The server gave up with a text, whose provider's code tells the class if it begins with one.
pub(crate) fn server_said(place: &Place, text: &[u8]) -> Failure {
    let class = ProviderCode::at_start_of(text).and_then(ProviderCode::class).unwrap_or(FailureClass::ServerError);
    place.repository_failure(class, "read", format_args!("the server says: {}", shown(text)))
}
