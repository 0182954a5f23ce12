//! Which protocol a remote speaks, learnt from the advertisement that answers `info/refs` (gitprotocol-v2,
//! gitprotocol-pack). Where the versions part.

use bytes::Bytes;
use reqwest::Url;
use suitesync_contract::Failure;
use tokio_util::sync::CancellationToken;

use crate::fetching::{FetchRequest, Rung};
use crate::knowledge::Known;
use crate::packets::Packets;
use crate::pkt_line::Packet;
use crate::protocol_v0::{self, Advertisement};
use crate::protocol_v2;
use crate::refs::Ref;
use crate::transport::{Call, Transport, Version};

/// Bound of an advertisement. That of version 2 is some 200 bytes, that of version 0 lists every ref: a million.
const MAX_ADVERTISEMENT: u64 = 64 << 20;
/// Lines of a version 2 advertisement: a dozen today.
const MAX_CAPABILITIES: usize = 256;

/// The protocol of a remote with what it is able to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Versions 0 and 1, which differ by one line.
    V0(protocol_v0::Capabilities),
    V2(protocol_v2::Capabilities),
}

/// What an advertisement says.
#[derive(Debug)]
pub(crate) struct Learnt {
    pub(crate) known: Known,
    pub(crate) refs: Refs,
}

/// Where the refs that were asked for are.
#[derive(Debug)]
pub(crate) enum Refs {
    /// The advertisement named them itself.
    Named(Vec<Ref>),
    /// They are listed when they are asked for.
    Listed(protocol_v2::Capabilities),
}

impl Protocol {
    /// The best way to ask for commits, going by what the remote says.
    pub(crate) fn rung(&self) -> Rung {
        match self {
            Self::V0(capabilities) => capabilities.rung(),
            Self::V2(capabilities) => capabilities.rung(),
        }
    }

    /// Whether more may be wanted than what refs point to.
    pub(crate) fn gives_any_object(&self) -> bool {
        match self {
            Self::V0(capabilities) => capabilities.gives_any_object(),
            Self::V2(_) => true,
        }
    }

    /// The request for objects.
    pub(crate) fn fetch(&self, asked: &FetchRequest) -> Call {
        let (packets, version) = match self {
            Self::V0(capabilities) => (protocol_v0::fetch(capabilities, asked), Version::V0),
            Self::V2(capabilities) => (protocol_v2::fetch(capabilities, asked), Version::V2),
        };
        Call::UploadPack { packets, version }
    }
}

/// Asks the remote what it speaks and where it is after redirects; of refs, those that begin with any of `prefixes`.
pub(crate) async fn learn(
    transport: &Transport,
    base: &Url,
    prefixes: &[String],
    cancel: &CancellationToken,
) -> Result<Learnt, Failure> {
    let answer = transport.exchange(base, &Call::Advertisement, cancel).await?;
    let packets = Packets::new(answer.body, MAX_ADVERTISEMENT);
    let (protocol, refs) = read(packets, prefixes).await?;
    Ok(Learnt { known: Known { base: answer.base, rung: protocol.rung(), protocol }, refs })
}

/// Reads an advertisement of any version.
pub(crate) async fn read(mut packets: Packets, prefixes: &[String]) -> Result<(Protocol, Refs), Failure> {
    let Some(first) = first_line(&mut packets).await? else {
        packets.finish().await?;
        return Ok((Protocol::V0(protocol_v0::Capabilities::default()), Refs::Named(Vec::new())));
    };
    match first.trim_ascii_end() {
        b"version 2" => {
            let capabilities = capabilities(packets).await?;
            Ok((Protocol::V2(capabilities.clone()), Refs::Listed(capabilities)))
        }
        b"version 1" => refs(packets, None, prefixes).await,
        _ => refs(packets, Some(first), prefixes).await,
    }
}

/// The first line that says something: smart HTTP may put `# service=…` and a flush before it. There is none where a
/// repository has no refs and the server is an older Git that speaks version 0, as it leaves its capabilities out then.
async fn first_line(packets: &mut Packets) -> Result<Option<Bytes>, Failure> {
    let mut first = packets.next().await?;
    if matches!(&first, Some(Packet::Line(line)) if line.starts_with(b"#")) {
        first = packets.next().await?;
        if first == Some(Packet::Flush) {
            first = packets.next().await?;
        }
    }
    match first {
        Some(Packet::Line(line)) => Ok(Some(line)),
        Some(Packet::Flush) => Ok(None),
        Some(Packet::Delimiter | Packet::End) | None => Err(packets.place().protocol_failure("it advertises nothing")),
    }
}

async fn capabilities(mut packets: Packets) -> Result<protocol_v2::Capabilities, Failure> {
    let mut capabilities = protocol_v2::Capabilities::default();
    for _ in 0..MAX_CAPABILITIES {
        match packets.next().await? {
            Some(Packet::Line(line)) => capabilities.note(line.trim_ascii_end()),
            Some(Packet::Flush) => {
                capabilities.check().map_err(|error| error.failure(packets.place()))?;
                packets.finish().await?;
                return Ok(capabilities);
            }
            Some(Packet::Delimiter | Packet::End) | None => return Err(packets.cut()),
        }
    }
    Err(packets.place().protocol_failure("it advertises capabilities without end"))
}

/// The rest of an advertisement of version 0, the first line of which may have been taken already.
async fn refs(
    mut packets: Packets,
    mut first: Option<Bytes>,
    prefixes: &[String],
) -> Result<(Protocol, Refs), Failure> {
    let mut advertisement = Advertisement::new(prefixes);
    loop {
        let packet = match first.take() {
            Some(line) => Some(Packet::Line(line)),
            None => packets.next().await?,
        };
        match packet {
            Some(Packet::Line(line)) => {
                advertisement.take(&line).map_err(|error| error.failure(packets.place()))?;
            }
            Some(Packet::Flush) => break,
            Some(Packet::Delimiter | Packet::End) | None => return Err(packets.cut()),
        }
    }
    packets.finish().await?;
    let (capabilities, refs) = advertisement.finish();
    Ok((Protocol::V0(capabilities), Refs::Named(refs)))
}
