//! What reads the answers of servers, as fuzzers and the seeded tests (`fuzzed`) call it: any bytes go in, and what must
//! hold whatever they are is asserted. Built for tests and with the feature `fuzzing` only.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use suitesync_contract::{Failure, FailureClass, Provider, RepoUrl};
use suitesync_reach::{Place, TimeLimits};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::body::{Body, Meter, Reading};
use crate::packets::Packets;
use crate::pkt_line::{Decoder, Packet};
use crate::protocol;
use crate::protocol_v0::Framing;
use crate::remote::{Opened, Pack, listed};

/// More than any answer of the tests has, less than what a mutation could claim.
const MOST: u64 = 1 << 16;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread().enable_time().build().expect("a runtime without I/O asks nothing of the system")
});

/// The framing: packets are the same however the bytes are cut, and hold no more than came.
pub fn pkt_line(bytes: &[u8]) {
    let (whole, cut) = (packets(bytes.chunks(bytes.len().max(1))), packets(bytes.chunks(1)));
    assert_eq!(whole, cut, "the packets depend on how the bytes were cut");
    let held: usize = whole.0.iter().map(|packet| if let Packet::Line(line) = packet { line.len() } else { 0 }).sum();
    assert!(held <= bytes.len(), "{held} bytes came out of {}", bytes.len());
}

/// The answer to a fetch, in bands and raw, of both protocols.
pub fn side_band(bytes: &[u8]) {
    for reader in [Reader::PackV2, Reader::PackV0, Reader::RawPackV0] {
        RUNTIME.block_on(check(reader, bytes.to_vec()));
    }
}

/// The advertisement, and the listing of refs that may follow it.
pub fn advertisement(bytes: &[u8]) {
    for reader in [Reader::Advertisement, Reader::Listing] {
        RUNTIME.block_on(check(reader, bytes.to_vec()));
    }
}

/// Readers of answers; each gives the size of what it made of one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reader {
    Advertisement,
    Listing,
    PackV2,
    PackV0,
    RawPackV0,
}

impl Reader {
    pub(crate) async fn read(self, answer: Vec<u8>) -> Result<usize, Failure> {
        let packets = in_memory(answer);
        match self {
            Self::Advertisement => protocol::read(packets, &["refs/".to_owned()]).await.map(|_| 0),
            Self::Listing => listed(packets).await.map(|refs| refs.len()),
            Self::PackV2 => drained(Pack::open_v2(packets).await?).await,
            Self::PackV0 => drained(Pack::open_v0(packets, Framing::Bands).await?).await,
            Self::RawPackV0 => drained(Pack::open_v0(packets, Framing::Raw).await?).await,
        }
    }
}

/// Reading ends, in a value that is no larger than the answer or in a failure that speaks of the server.
pub(crate) async fn check(reader: Reader, answer: Vec<u8>) {
    let length = answer.len();
    match reader.read(answer).await {
        Ok(made) => assert!(made <= length, "{reader:?} made {made} of {length} bytes"),
        Err(failure) => assert!(speaks_of_the_server(&failure), "{reader:?}: {failure}"),
    }
}

/// The packets of a stream that comes in pieces, and whether it was framed up to its end.
fn packets<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Packet>, bool) {
    let mut decoder = Decoder::default();
    let mut found = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.take() {
                Ok(Some(packet)) => found.push(packet),
                Ok(None) => break,
                Err(_) => return (found, false),
            }
        }
    }
    (found, true)
}

async fn drained(opened: Opened) -> Result<usize, Failure> {
    let mut pack = match opened {
        Opened::Pack(pack) => pack,
        Opened::Refused(failure) => return Err(failure),
    };
    let mut count = 0;
    while let Some(bytes) = pack.chunk().await? {
        count += bytes.len();
    }
    Ok(count)
}

fn in_memory(answer: Vec<u8>) -> Packets {
    let url = RepoUrl::parse("https://git.example.org/a/b", Provider::Git).expect("the URL is one").repository;
    let place = Arc::new(Place::new(&url, &"local".parse().expect("the name is one")));
    let response = reqwest::Response::from(hyper::Response::new(reqwest::Body::from(Bytes::from(answer))));
    let (limits, meter, cancel) = (TimeLimits::default(), Arc::new(Meter::default()), CancellationToken::new());
    Packets::new(Body::of_response(response, Reading { limits, place, meter, cancel }), MOST)
}

/// A server may also name one of its provider's codes, which have classes of their own.
fn speaks_of_the_server(failure: &Failure) -> bool {
    matches!(
        failure.class,
        FailureClass::Protocol
            | FailureClass::ServerError
            | FailureClass::RepositoryNotFound
            | FailureClass::ProjectNotFound
            | FailureClass::Forbidden
            | FailureClass::AuthRejected
            | FailureClass::RateLimited
    )
}
