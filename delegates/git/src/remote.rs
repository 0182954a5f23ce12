//! One repository on its server: what its refs point to, and its objects as a pack.
//!
//! A known remote is polled with exactly one request: a `POST` of `ls-refs` with protocol v2, else a `GET` of the
//! advertisement. When that surprises (moved, replaced, downgraded), what was known is dropped and the remote is asked
//! from the start, once.

mod pack;
mod refusal;
mod resolving;
mod way;

use std::sync::Arc;

use reqwest::Url;
use suitesync_contract::{DelegateName, Failure, FailureClass, HostKeys, RepoUrl, Transfer};
use suitesync_reach::{Client, Dial, Place};
use tokio_util::sync::CancellationToken;

use crate::authorization::Authorization;
use crate::fetching::{FetchRequest, Rung};
use crate::knowledge::{Knowledge, Known};
use crate::packets::Packets;
use crate::pkt_line::Packet;
use crate::protocol::{self, Learnt, Protocol, Refs};
use crate::protocol_v2;
use crate::refs::Ref;
use crate::ssh::Sessions;
use crate::transport::{Call, Transport, Version};

pub(crate) use pack::{Opened, Pack};

pub use resolving::Resolved;

/// Bound of a list of refs: a million of them.
const MAX_LISTING: u64 = 64 << 20;

/// Whether credentials may travel unencrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlainHttp {
    #[default]
    Refused,
    /// The operator set `allow_plain_http`.
    Allowed,
}

/// Which repository, who asks, and as whom.
#[derive(Debug, Clone)]
pub struct RemoteSettings {
    pub url: RepoUrl,
    pub authorization: Option<Authorization>,
    pub plain_http: PlainHttp,
    /// Which keys a server may show over SSH.
    pub host_keys: HostKeys,
    /// Named in messages.
    pub delegate: DelegateName,
}

/// The remotes of a process: what is learnt about each, and sessions of SSH, are there for all tasks. Sessions end when
/// the last clone is dropped.
#[derive(Debug, Clone, Default)]
pub struct Remotes {
    knowledge: Knowledge,
    sessions: Sessions,
}

/// A repository on its server.
#[derive(Debug, Clone)]
pub struct Remote {
    transport: Transport,
    knowledge: Knowledge,
    place: Arc<Place>,
    base: Url,
    url: RepoUrl,
}

impl Remotes {
    /// Sends nothing yet. Fails where credentials would travel unencrypted or cannot be sent at all.
    pub fn remote(&self, client: Client, settings: RemoteSettings) -> Result<Remote, Failure> {
        let url = settings.url.clone();
        let place = Arc::new(client.place(&url, &settings.delegate));
        let transport = way::transport(client, &place, settings, &self.sessions)?;
        let base = Url::parse(&url.request_url())
            .map_err(|error| place.repository_failure(FailureClass::Internal, "address", error))?;
        Ok(Remote { transport, knowledge: self.knowledge.clone(), place, base, url })
    }
}

impl Remote {
    pub fn url(&self) -> &RepoUrl {
        &self.url
    }

    /// What was sent and received since this value was made.
    pub fn transfer(&self) -> Transfer {
        self.transport.transfer()
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The same repository on another way.
    pub(crate) fn over(&self, transport: Transport) -> Self {
        Self { transport, ..self.clone() }
    }

    /// The way to the server, by hand.
    pub(crate) fn dial(&self) -> Dial<'_> {
        Dial { client: self.transport.client(), place: &self.place, origin: self.url.origin() }
    }

    /// Asks the remote from the start what it speaks.
    pub(crate) async fn learn(&self, cancel: &CancellationToken) -> Result<(), Failure> {
        self.ask(&self.base, &[], cancel).await.map(drop)
    }

    /// The refs that begin with any of `prefixes`.
    pub(crate) async fn list(&self, prefixes: &[String], cancel: &CancellationToken) -> Result<Vec<Ref>, Failure> {
        if let Some(known) = self.known() {
            match self.list_again(known, prefixes, cancel).await {
                Err(failure) if is_surprise(&failure) => self.forget(),
                expected => return expected,
            }
        }
        let learnt = self.ask(&self.base, prefixes, cancel).await?;
        self.list_from(learnt, prefixes, cancel).await
    }

    /// How commits are asked for, the best way first.
    pub(crate) async fn rung(&self, cancel: &CancellationToken) -> Result<Rung, Failure> {
        self.known_or_learnt(cancel).await.map(|known| known.rung)
    }

    /// Commits are to be asked for like this from now on.
    pub(crate) fn settle(&self, rung: Rung) {
        self.knowledge.settle(&self.base, rung);
    }

    /// Asks for objects and opens the pack that they come in, of at most `most` bytes.
    pub(crate) async fn fetch(
        &self,
        asked: &FetchRequest,
        most: u64,
        cancel: &CancellationToken,
    ) -> Result<Opened, Failure> {
        let known = self.known_or_learnt(cancel).await?;
        let opened = self.open(&known, asked, most, cancel).await;
        let refused = match &opened {
            Ok(Opened::Pack(_)) => return opened,
            Ok(Opened::Refused(failure)) | Err(failure) => failure,
        };
        if opened.is_err() && is_surprise(refused) {
            self.forget();
        }
        match self.ungiven(&known, asked, refused, cancel).await {
            Some(commit) => Err(self.not_given(&known, commit)),
            None => opened,
        }
    }

    async fn open(
        &self,
        known: &Known,
        asked: &FetchRequest,
        most: u64,
        cancel: &CancellationToken,
    ) -> Result<Opened, Failure> {
        let call = known.protocol.fetch(asked);
        let packets = Packets::new(self.transport.exchange(&known.base, &call, cancel).await?.body, most);
        match &known.protocol {
            Protocol::V2(_) => Pack::open_v2(packets).await,
            Protocol::V0(capabilities) => Pack::open_v0(packets, capabilities.framing()).await,
        }
    }

    /// Refs of a remote whose protocol is known, with one request.
    async fn list_again(
        &self,
        known: Known,
        prefixes: &[String],
        cancel: &CancellationToken,
    ) -> Result<Vec<Ref>, Failure> {
        let learnt = match &known.protocol {
            Protocol::V0(_) => self.ask(&known.base, prefixes, cancel).await?,
            Protocol::V2(capabilities) => {
                let refs = Refs::Listed(capabilities.clone());
                Learnt { known, refs }
            }
        };
        self.list_from(learnt, prefixes, cancel).await
    }

    /// The refs that an advertisement named, or else those that the remote lists.
    async fn list_from(
        &self,
        learnt: Learnt,
        prefixes: &[String],
        cancel: &CancellationToken,
    ) -> Result<Vec<Ref>, Failure> {
        match learnt.refs {
            Refs::Named(refs) => Ok(refs),
            Refs::Listed(capabilities) => {
                let packets = protocol_v2::ls_refs(&capabilities, prefixes);
                let call = Call::UploadPack { packets, version: Version::V2 };
                let answer = self.transport.exchange(&learnt.known.base, &call, cancel).await?;
                listed(Packets::new(answer.body, MAX_LISTING)).await
            }
        }
    }

    async fn ask(&self, base: &Url, prefixes: &[String], cancel: &CancellationToken) -> Result<Learnt, Failure> {
        let learnt = protocol::learn(&self.transport, base, prefixes, cancel).await?;
        self.knowledge.remember(&self.base, &learnt.known);
        Ok(learnt)
    }

    fn known(&self) -> Option<Known> {
        self.knowledge.get(&self.base)
    }

    async fn known_or_learnt(&self, cancel: &CancellationToken) -> Result<Known, Failure> {
        match self.known() {
            Some(known) => Ok(known),
            None => self.ask(&self.base, &[], cancel).await.map(|learnt| learnt.known),
        }
    }

    fn forget(&self) {
        self.knowledge.forget(&self.base);
    }
}

/// The answer to `ls-refs`.
pub(crate) async fn listed(mut packets: Packets) -> Result<Vec<Ref>, Failure> {
    let mut refs = Vec::new();
    loop {
        match packets.next().await? {
            Some(Packet::Line(line)) => {
                refs.push(protocol_v2::parse_ref(&line).map_err(|error| packets.place().protocol_failure(error))?);
            }
            Some(Packet::Flush) => break,
            Some(Packet::Delimiter | Packet::End) | None => return Err(packets.cut()),
        }
    }
    packets.finish().await?;
    Ok(refs)
}

/// Whether an answer speaks against what was known of the remote.
fn is_surprise(failure: &Failure) -> bool {
    matches!(failure.class, FailureClass::Protocol | FailureClass::NotGit | FailureClass::RepositoryNotFound)
}
