//! One repository on its server: what its refs point to, and its objects as a pack.
//!
//! A known remote is polled with exactly one request: a `POST` of `ls-refs` with protocol v2, else a `GET` of the
//! advertisement. When that surprises (moved, replaced, downgraded), what was known is dropped and the remote is asked
//! from the start, once.

mod pack;
mod refusal;

use std::sync::Arc;

use reqwest::Url;
use suitesync_contract::{DelegateName, Failure, FailureClass, RefSpec, RepoUrl, Scheme, Transfer};
use tokio_util::sync::CancellationToken;

use crate::authorization::Authorization;
use crate::client::Client;
use crate::fetching::{FetchRequest, Rung};
use crate::http::{Call, Http};
use crate::knowledge::Known;
use crate::packets::Packets;
use crate::pkt_line::Packet;
use crate::place::Place;
use crate::protocol::{self, Learnt, Protocol, Refs};
use crate::protocol_v2;
use crate::refs::{self, Ref, Tip};

pub(crate) use pack::{Opened, Pack};

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
    /// Named in messages.
    pub delegate: DelegateName,
}

/// A repository on its server.
#[derive(Debug, Clone)]
pub struct Remote {
    http: Http,
    place: Arc<Place>,
    base: Url,
    url: RepoUrl,
}

/// What refs point to, in the order they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    pub tips: Vec<(RefSpec, Result<Tip, Failure>)>,
}

impl Remote {
    /// Sends nothing yet. Fails where credentials would travel unencrypted or cannot be sent at all.
    pub fn new(client: Client, settings: RemoteSettings) -> Result<Self, Failure> {
        let RemoteSettings { url, authorization, plain_http, delegate } = settings;
        let place = Arc::new(Place::new(&url, &delegate));
        match (url.origin().scheme, plain_http, &authorization) {
            (Scheme::Http, PlainHttp::Refused, Some(_)) => return Err(unencrypted(&place)),
            (Scheme::Https | Scheme::Http, _, _) => {}
            (Scheme::Ssh | Scheme::File, _, _) => {
                let cause = "only https and http are supported";
                return Err(place.repository_failure(FailureClass::Protocol, "reach", cause));
            }
        }
        let base = Url::parse(&url.request_url())
            .map_err(|error| place.repository_failure(FailureClass::Internal, "address", error))?;
        let header = authorization.map(|authorization| authorization.header()).transpose();
        let header =
            header.map_err(|error| place.repository_failure(FailureClass::SecretUnavailable, "sign in to", error))?;
        Ok(Self { http: Http::new(client, Arc::clone(&place), header), place, base, url })
    }

    pub fn url(&self) -> &RepoUrl {
        &self.url
    }

    /// What was sent and received since this value was made.
    pub fn transfer(&self) -> Transfer {
        self.http.transfer()
    }

    /// What each of `wanted` points to, with one request for all. A commit id is its own answer and needs none.
    ///
    /// A branch, or the default one, of a repository without any commit is [`Tip::Empty`].
    pub async fn resolve(&self, wanted: &[RefSpec], cancel: &CancellationToken) -> Result<Resolved, Failure> {
        let names: Vec<_> = wanted.iter().filter_map(RefSpec::full_name).collect();
        let listed = if names.is_empty() { Vec::new() } else { self.list(&names, cancel).await? };
        let found = |wanted: &RefSpec| refs::find(wanted, &listed);
        let all = if wanted.iter().all(|wanted| found(wanted).is_some()) {
            Vec::new()
        } else {
            self.list(&["refs/heads/".to_owned(), "refs/tags/".to_owned()], cancel).await?
        };
        let tip = |wanted: &RefSpec| match found(wanted) {
            Some(commit) => Ok(Tip::Commit(commit)),
            None => refs::missing(&self.place, wanted, &all),
        };
        Ok(Resolved { tips: wanted.iter().map(|wanted| (wanted.clone(), tip(wanted))).collect() })
    }

    pub(crate) fn place(&self) -> &Arc<Place> {
        &self.place
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
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
        self.http.client().knowledge.settle(&self.base, rung);
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
        let call = Call::upload_pack(known.protocol.fetch(asked));
        let packets = Packets::new(self.http.exchange(&known.base, &call, cancel).await?.body, most);
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
                let call = Call::upload_pack(protocol_v2::ls_refs(&capabilities, prefixes));
                let answer = self.http.exchange(&learnt.known.base, &call, cancel).await?;
                listed(Packets::new(answer.body, MAX_LISTING)).await
            }
        }
    }

    async fn ask(&self, base: &Url, prefixes: &[String], cancel: &CancellationToken) -> Result<Learnt, Failure> {
        let learnt = protocol::learn(&self.http, base, prefixes, cancel).await?;
        self.http.client().knowledge.remember(&self.base, &learnt.known);
        Ok(learnt)
    }

    fn known(&self) -> Option<Known> {
        self.http.client().knowledge.get(&self.base)
    }

    async fn known_or_learnt(&self, cancel: &CancellationToken) -> Result<Known, Failure> {
        match self.known() {
            Some(known) => Ok(known),
            None => self.ask(&self.base, &[], cancel).await.map(|learnt| learnt.known),
        }
    }

    fn forget(&self) {
        self.http.client().knowledge.forget(&self.base);
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

fn unencrypted(place: &Place) -> Failure {
    let cause = "the credentials would travel unencrypted over http";
    place
        .repository_failure(FailureClass::AuthMissing, "sign in to", cause)
        .with_hint("use https, or set `allow_plain_http = true` if the network is yours alone")
}
