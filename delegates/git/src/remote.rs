//! One repository on its server: what its refs point to, and its objects as a pack.
//!
//! A remote that is known to speak v2 is polled with exactly one request, a `POST` of `ls-refs`. When that surprises
//! (moved, replaced, downgraded), what was known is dropped and the remote is asked from the start, once.

mod pack;

use std::sync::Arc;

use reqwest::Url;
use suitesync_contract::{DelegateName, Failure, FailureClass, ObjectId, RefSpec, RepoUrl, Scheme, Transfer};
use tokio_util::sync::CancellationToken;

use crate::authorization::Authorization;
use crate::client::Client;
use crate::http::{Call, Http};
use crate::knowledge::Known;
use crate::packets::Packets;
use crate::pkt_line::Packet;
use crate::place::Place;
use crate::protocol::{self, Protocol};
use crate::protocol_v2::{self, FetchRequest};
use crate::refs::{self, Ref, Tip};

pub(crate) use pack::Pack;

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
#[derive(Debug)]
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
    pub(crate) async fn learn(&self, cancel: &CancellationToken) -> Result<Known, Failure> {
        let known = protocol::learn(&self.http, &self.base, cancel).await?;
        self.http.client().knowledge.remember(&self.base, known.clone());
        Ok(known)
    }

    /// The refs that begin with any of `prefixes`.
    pub(crate) async fn list(&self, prefixes: &[String], cancel: &CancellationToken) -> Result<Vec<Ref>, Failure> {
        if let Some(known) = self.http.client().knowledge.get(&self.base) {
            match self.list_from(&known, prefixes, cancel).await {
                Err(failure) if is_surprise(&failure) => self.http.client().knowledge.forget(&self.base),
                expected => return expected,
            }
        }
        let known = self.learn(cancel).await?;
        self.list_from(&known, prefixes, cancel).await
    }

    /// Opens a pack with commits at depth 1.
    pub(crate) async fn fetch(
        &self,
        asked: &FetchRequest,
        most: u64,
        cancel: &CancellationToken,
    ) -> Result<Pack, Failure> {
        let known = match self.http.client().knowledge.get(&self.base) {
            Some(known) => known,
            None => self.learn(cancel).await?,
        };
        let Protocol::V2(capabilities) = &known.protocol;
        let call = Call::UploadPack(protocol_v2::fetch(capabilities, asked));
        let opened = match self.http.exchange(&known.base, &call, cancel).await {
            Ok(answer) => Pack::open(Packets::new(answer.body, most)).await,
            Err(failure) => Err(failure),
        };
        opened.map_err(|failure| {
            if is_surprise(&failure) {
                self.http.client().knowledge.forget(&self.base);
            }
            self.unless_unknown(failure, &asked.wants)
        })
    }

    async fn list_from(
        &self,
        known: &Known,
        prefixes: &[String],
        cancel: &CancellationToken,
    ) -> Result<Vec<Ref>, Failure> {
        let Protocol::V2(capabilities) = &known.protocol;
        let call = Call::UploadPack(protocol_v2::ls_refs(capabilities, prefixes));
        let answer = self.http.exchange(&known.base, &call, cancel).await?;
        let mut packets = Packets::new(answer.body, MAX_LISTING);
        let mut refs = Vec::new();
        loop {
            match packets.next().await? {
                Some(Packet::Line(line)) => {
                    refs.push(protocol_v2::parse_ref(&line).map_err(|error| self.place.protocol_failure(error))?);
                }
                Some(Packet::Flush) => break,
                Some(Packet::Delimiter | Packet::End) | None => return Err(packets.cut()),
            }
        }
        packets.finish().await?;
        Ok(refs)
    }

    /// A server that gives up naming an id that was wanted does not have it, or does not give it away.
    fn unless_unknown(&self, failure: Failure, wants: &[ObjectId]) -> Failure {
        let named = wants.iter().find(|want| failure.message.contains(&want.to_string()));
        match (failure.class, named) {
            (FailureClass::ServerError, Some(commit)) => {
                let cause = format!("the server does not give commit {commit}");
                self.place.repository_failure(FailureClass::RefNotFound, "fetch from", cause)
            }
            _ => failure,
        }
    }
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
