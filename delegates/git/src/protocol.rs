//! Which protocol a remote speaks, learnt from the advertisement that answers `info/refs` (gitprotocol-v2).

use reqwest::Url;
use suitesync_contract::Failure;
use tokio_util::sync::CancellationToken;

use crate::http::{Call, Http};
use crate::knowledge::Known;
use crate::packets::Packets;
use crate::pkt_line::Packet;
use crate::place::{Place, shown};
use crate::protocol_v2::Capabilities;

/// Bound of an advertisement. That of version 2 is some 200 bytes, that of version 0 lists every ref.
const MAX_ADVERTISEMENT: u64 = 64 << 20;
/// Lines of a version 2 advertisement: a dozen today.
const MAX_CAPABILITIES: usize = 256;

/// The protocol of a remote with what it is able to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Protocol {
    V2(Capabilities),
}

/// Asks the remote what it speaks and where it is after redirects.
pub(crate) async fn learn(http: &Http, base: &Url, cancel: &CancellationToken) -> Result<Known, Failure> {
    let answer = http.exchange(base, &Call::Advertisement, cancel).await?;
    let mut packets = Packets::new(answer.body, MAX_ADVERTISEMENT);
    let first = first_line(&mut packets).await?;
    let protocol = if first == b"version 2" {
        Protocol::V2(capabilities(packets).await?)
    } else {
        return Err(only_version_0(packets.place(), &first));
    };
    Ok(Known { base: answer.base, protocol })
}

/// The first line that says something: smart HTTP may put `# service=…` and a flush before it.
async fn first_line(packets: &mut Packets) -> Result<Vec<u8>, Failure> {
    for _ in 0..3 {
        match packets.next().await? {
            Some(Packet::Line(line)) if !line.starts_with(b"#") => return Ok(line.trim_ascii_end().to_vec()),
            Some(Packet::Line(_) | Packet::Flush) => {}
            Some(Packet::Delimiter | Packet::End) | None => break,
        }
    }
    Err(packets.place().protocol_failure("it advertises nothing"))
}

async fn capabilities(mut packets: Packets) -> Result<Capabilities, Failure> {
    let mut capabilities = Capabilities::default();
    for _ in 0..MAX_CAPABILITIES {
        match packets.next().await? {
            Some(Packet::Line(line)) => capabilities.note(line.trim_ascii_end()),
            Some(Packet::Flush) => {
                capabilities.check().map_err(|error| packets.place().protocol_failure(error))?;
                packets.finish().await?;
                return Ok(capabilities);
            }
            Some(Packet::Delimiter | Packet::End) | None => return Err(packets.cut()),
        }
    }
    Err(packets.place().protocol_failure("it advertises capabilities without end"))
}

/// The one place where an older server is met.
fn only_version_0(place: &Place, first: &[u8]) -> Failure {
    let line = shown(first.split(|byte| *byte == 0).next().unwrap_or_default());
    let cause = format!("it speaks only Git protocol v0 (its answer begins with `{line}`), and v2 is needed");
    place.protocol_failure(cause).with_hint("update the Git server to one that speaks protocol v2 (Git 2.18 or later)")
}
