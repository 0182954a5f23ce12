//! The answer to `fetch`: which commits are cut off from their parents, then the pack as it comes.

use bytes::{Buf, Bytes};
use suitesync_contract::Failure;

use crate::packets::{Packets, server_said};
use crate::pkt_line::Packet;
use crate::protocol_v2::{ShallowLine, parse_shallow};

/// Lines before a pack: a few for each commit that is fetched.
const MAX_LINES: usize = 100_000;
/// The channels of side-band-64k.
const PACK_BAND: u8 = 1;
const PROGRESS_BAND: u8 = 2;

/// A pack in the course of being received.
#[derive(Debug)]
pub(crate) struct Pack {
    packets: Option<Packets>,
    shallow: Vec<ShallowLine>,
}

impl Pack {
    /// Reads up to where the pack begins.
    pub(crate) async fn open(mut packets: Packets) -> Result<Self, Failure> {
        let mut shallow = Vec::new();
        for _ in 0..MAX_LINES {
            match packets.next().await? {
                Some(Packet::Line(line)) if line.trim_ascii_end() == b"packfile" => {
                    return Ok(Self { packets: Some(packets), shallow });
                }
                Some(Packet::Line(line)) => shallow.extend(parse_shallow(&line)),
                Some(Packet::Delimiter) => {}
                Some(Packet::Flush | Packet::End) | None => return Err(packets.cut()),
            }
        }
        Err(packets.place().protocol_failure("it describes a pack without end"))
    }

    /// The lines of `shallow-info`.
    pub(crate) fn shallow(&self) -> &[ShallowLine] {
        &self.shallow
    }

    /// The next bytes of the pack, or `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let Some(packets) = &mut self.packets else { return Ok(None) };
            match packets.next().await? {
                Some(Packet::Line(mut line)) => match line.first() {
                    Some(&PACK_BAND) => {
                        line.advance(1);
                        return Ok(Some(line));
                    }
                    Some(&PROGRESS_BAND) | None => {}
                    Some(_) => return Err(server_said(packets.place(), line.get(1..).unwrap_or_default())),
                },
                Some(Packet::Flush) => self.finish().await?,
                Some(Packet::Delimiter | Packet::End) | None => return Err(packets.cut()),
            }
        }
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        match self.packets.take() {
            Some(packets) => packets.finish().await,
            None => Ok(()),
        }
    }
}
