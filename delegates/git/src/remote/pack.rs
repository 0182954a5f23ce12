//! The answer to a fetch: which commits are cut off from their parents, then the pack as it comes.

use bytes::{Buf, Bytes};
use suitesync_contract::{Failure, FailureClass};

use crate::fetching::{ShallowLine, parse_shallow};
use crate::packets::{Packets, Said, server_said};
use crate::pkt_line::Packet;
use crate::protocol_v0::Framing;

/// Lines before a pack: a few for each commit that is fetched or offered.
const MAX_LINES: usize = 100_000;
/// What a server may tell people while it packs. Ours is asked not to, and what it says is not shown.
const MAX_PROGRESS: usize = 1 << 20;
/// The channels of side-band and side-band-64k.
const PACK_BAND: u8 = 1;
const PROGRESS_BAND: u8 = 2;
const ERROR_BAND: u8 = 3;
/// How every pack begins.
const SIGNATURE: &[u8] = b"PACK";

/// A pack in the course of being received.
#[derive(Debug)]
pub(crate) struct Pack {
    /// Nothing once the pack is whole.
    packets: Option<Packets>,
    framing: Framing,
    shallow: Vec<ShallowLine>,
    /// A packet of the pack that was met while lines were read.
    first: Option<Bytes>,
    /// Whether anything of the pack itself has come.
    has_begun: bool,
    progress_bytes: usize,
}

/// What a server makes of a fetch.
#[derive(Debug)]
pub(crate) enum Opened {
    Pack(Box<Pack>),
    /// It does not do what was asked, and says so in place of an answer.
    Refused(Failure),
}

impl Pack {
    /// Reads an answer of protocol v2 up to where the pack begins.
    pub(crate) async fn open_v2(mut packets: Packets) -> Result<Opened, Failure> {
        let mut shallow = Vec::new();
        for _ in 0..MAX_LINES {
            match packets.next_or_error().await? {
                Some(Said::Packet(Packet::Line(line))) if line.trim_ascii_end() == b"packfile" => {
                    return Ok(Self::opened(packets, Framing::Bands, shallow, None));
                }
                Some(Said::Packet(Packet::Line(line))) => shallow.extend(parse_shallow(&line)),
                Some(Said::Packet(Packet::Delimiter)) => {}
                Some(Said::Packet(Packet::Flush | Packet::End)) | None => return Err(packets.cut()),
                Some(Said::Error(failure)) => return refused(failure),
            }
        }
        Err(endless(&packets))
    }

    /// Reads an answer of protocol v0 up to where the pack begins: shallow lines and a flush, then `ACK` and `NAK`.
    pub(crate) async fn open_v0(mut packets: Packets, framing: Framing) -> Result<Opened, Failure> {
        let mut shallow = Vec::new();
        for _ in 0..MAX_LINES {
            if framing == Framing::Raw && packets.goes_on_with(SIGNATURE).await? {
                return Ok(Self::opened(packets, framing, shallow, None));
            }
            match packets.next_or_error().await? {
                Some(Said::Packet(Packet::Line(line))) if framing == Framing::Bands && is_banded(&line) => {
                    return Ok(Self::opened(packets, framing, shallow, Some(line)));
                }
                Some(Said::Packet(Packet::Line(line))) => shallow.extend(parse_shallow(&line)),
                Some(Said::Packet(Packet::Flush)) => {}
                Some(Said::Packet(Packet::Delimiter | Packet::End)) | None => return Err(packets.cut()),
                Some(Said::Error(failure)) => return refused(failure),
            }
        }
        Err(endless(&packets))
    }

    /// Where the server cut history off.
    pub(crate) fn shallow(&self) -> &[ShallowLine] {
        &self.shallow
    }

    /// The next bytes of the pack, or `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        while let Some(packets) = &mut self.packets {
            if self.framing == Framing::Raw {
                return packets.next_bytes().await;
            }
            let packet = match self.first.take() {
                Some(line) => Some(Packet::Line(line)),
                None => packets.next().await?,
            };
            match packet {
                Some(Packet::Line(line)) => {
                    if let Some(bytes) = self.of_band(line)? {
                        return Ok(Some(bytes));
                    }
                }
                Some(Packet::Flush) => self.finish().await?,
                Some(Packet::Delimiter | Packet::End) | None => return Err(packets.cut()),
            }
        }
        Ok(None)
    }

    /// What a packet holds of the pack, if it holds any.
    fn of_band(&mut self, mut line: Bytes) -> Result<Option<Bytes>, Failure> {
        let Some(packets) = &mut self.packets else { return Ok(None) };
        match line.first() {
            // Sent every few seconds while the pack is made, which takes minutes in a large repository.
            Some(&PACK_BAND) if line.len() == 1 && !self.has_begun => packets.note_life(),
            Some(&PACK_BAND) => {
                self.has_begun = true;
                line.advance(1);
                return Ok(Some(line));
            }
            Some(&PROGRESS_BAND) => self.progress_bytes += line.len(),
            Some(_) => return Err(server_said(packets.place(), line.get(1..).unwrap_or_default())),
            None => {}
        }
        if self.progress_bytes > MAX_PROGRESS {
            return Err(packets.place().protocol_failure("it tells of its progress without end"));
        }
        Ok(None)
    }

    fn opened(packets: Packets, framing: Framing, shallow: Vec<ShallowLine>, first: Option<Bytes>) -> Opened {
        Opened::Pack(Box::new(Self {
            packets: Some(packets),
            framing,
            shallow,
            first,
            has_begun: false,
            progress_bytes: 0,
        }))
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        match self.packets.take() {
            Some(packets) => packets.finish().await,
            None => Ok(()),
        }
    }
}

fn is_banded(line: &[u8]) -> bool {
    line.first().is_some_and(|band| (PACK_BAND..=ERROR_BAND).contains(band))
}

/// A server that gives up with a code of its own means something else than how it was asked.
fn refused(failure: Failure) -> Result<Opened, Failure> {
    if failure.class == FailureClass::ServerError { Ok(Opened::Refused(failure)) } else { Err(failure) }
}

fn endless(packets: &Packets) -> Failure {
    packets.place().protocol_failure("it describes a pack without end")
}
