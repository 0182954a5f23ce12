//! Git over SSH: `git-upload-pack` on the server as a command, its output as the body of an answer.
//!
//! Sessions are shared by all remotes of a process; an exchange is one command on one of them. A request is sent at
//! once, behind what the server is about to advertise, so that it costs no further round trip.

mod channel;
mod command;
mod driver;
mod exchange;
mod fault;
mod fingerprint;
mod host_key;
mod identity;
mod known_hosts;
mod login;
mod session;
mod sessions;
mod waker;

use std::sync::Arc;

use bytes::Bytes;
use reqwest::Url;
use suitesync_contract::{Failure, Origin, RepoUrl};
use suitesync_reach::{Client, Connected, Dial, Place, TimeLimits, unless_canceled};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::body::{Body, Meter, Reading};
use crate::packets::Packets;
use crate::pkt_line::Packet;
use crate::transport::{Answer, Call, Version};

pub(crate) use exchange::Pieces;
use fault::Fault;
pub(crate) use host_key::HostKeyPolicy;
use host_key::{Distrust, Expectation};
pub(crate) use identity::Identity;
use session::{Opening, Session};
pub(crate) use sessions::Sessions;
use sessions::{Found, SessionKey};

/// The login where a URL names none: that of every hosting service.
pub(crate) const DEFAULT_LOGIN: &str = "git";
/// What the other side may advertise before it answers: a million refs.
const MAX_ADVERTISEMENT: u64 = 64 << 20;
/// Ends what is said to `upload-pack`, and with it the command.
const FLUSH: &[u8] = b"0000";

/// The way to one repository; clones count what they cost together.
#[derive(Debug, Clone)]
pub(crate) struct Ssh {
    client: Client,
    place: Arc<Place>,
    origin: Origin,
    command: Arc<str>,
    identity: Identity,
    policy: Arc<HostKeyPolicy>,
    source: Source,
    meter: Arc<Meter>,
}

/// Whose sessions are used.
#[derive(Debug, Clone)]
enum Source {
    /// Those of the process.
    Shared(Sessions),
    /// This one and no other, for a test of the connection.
    Own(Arc<Session>),
}

/// A server whose key is trusted.
#[derive(Debug)]
pub(crate) struct Greeted {
    opening: Opening,
    /// The key and why it is trusted, for people.
    pub(crate) detail: String,
}

impl Ssh {
    pub(crate) fn new(
        client: Client,
        place: Arc<Place>,
        url: &RepoUrl,
        (identity, policy): (Identity, HostKeyPolicy),
        sessions: Sessions,
    ) -> Self {
        Self {
            client,
            place,
            origin: url.origin().clone(),
            command: command::command(url).into(),
            identity,
            policy: Arc::new(policy),
            source: Source::Shared(sessions),
            meter: Arc::default(),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    pub(crate) async fn exchange(
        &self,
        base: &Url,
        call: &Call,
        cancel: &CancellationToken,
    ) -> Result<Answer, Failure> {
        let body = unless_canceled(cancel, self.answer(call, cancel)).await??;
        let body = match call {
            Call::Advertisement => body,
            Call::UploadPack { version, .. } => after_advertisement(body, *version).await?,
        };
        Ok(Answer { base: base.clone(), body })
    }

    /// Shakes hands on a connection and judges the server's key. Where that is not the one that is pinned, the server
    /// is asked for its other ones, each on a connection of its own.
    pub(crate) async fn greet(&self, connected: Connected) -> Result<Greeted, Failure> {
        let expectation = self.policy.read();
        let mut connected = Some(connected);
        let mut mismatch = None;
        for algorithms in expectation.algorithms() {
            let connection = match connected.take() {
                Some(connected) => connected,
                None => self.connect().await?,
            };
            match self.shake_hands(connection, expectation.clone(), algorithms).await {
                Ok(greeted) => return Ok(greeted),
                Err(fault @ Fault::HostKey(Distrust::Mismatch { .. })) => mismatch = mismatch.or(Some(fault)),
                // A server has keys of some families only.
                Err(Fault::Algorithms) if mismatch.is_some() => {}
                Err(fault) => return Err(fault.at(&self.place)),
            }
        }
        Err(mismatch.unwrap_or(Fault::Algorithms).at(&self.place))
    }

    async fn shake_hands(
        &self,
        connected: Connected,
        expectation: Expectation,
        algorithms: String,
    ) -> Result<Greeted, Fault> {
        let host = |error: std::io::Error| Fault::of_host(&error);
        let (socket, limits) = (connected.into_socket().map_err(host)?, *self.client.limits());
        let opening = Session::open(socket, self.identity.clone(), expectation, algorithms, limits);
        let mut opening = opening.map_err(host)?;
        let greeting = opening.greeted().await?;
        Ok(Greeted { opening, detail: format!("{}, {}", greeting.shown.0, greeting.vouched) })
    }

    /// Waits until the server has let us in. What comes back uses this session alone; the text is for people.
    pub(crate) async fn sign_in(&self, greeted: Greeted) -> Result<(Self, String), Failure> {
        let (session, detail) = greeted.opening.signed_in().await.map_err(|fault| fault.at(&self.place))?;
        Ok((Self { source: Source::Own(Arc::new(session)), ..self.clone() }, detail))
    }

    /// The answer with the advertisement before it. A kept session that turns out dead is made anew, once.
    async fn answer(&self, call: &Call, cancel: &CancellationToken) -> Result<Body, Failure> {
        let found = self.session(None).await?;
        let (session, is_kept) = match &found {
            Found::Kept(session) => (session, true),
            Found::Fresh(session) => (session, false),
        };
        match self.ask(session, call, cancel).await {
            Err(fault) if is_kept && fault.is_of_connection() => {
                let (Found::Kept(session) | Found::Fresh(session)) = self.session(Some(session)).await?;
                self.ask(&session, call, cancel).await
            }
            answered => answered,
        }
        .map_err(|fault| fault.at(&self.place))
    }

    async fn session(&self, spent: Option<&Arc<Session>>) -> Result<Found, Failure> {
        let sessions = match &self.source {
            Source::Own(session) => return Ok(Found::Fresh(Arc::clone(session))),
            Source::Shared(sessions) => sessions,
        };
        let slot = sessions.slot(&SessionKey {
            host: self.origin.host.clone(),
            port: self.origin.port,
            login: self.identity.login.clone(),
            identity: self.identity.digest(),
            policy: self.policy.digest(),
            route: self.client.route(),
        });
        slot.session(spent, self.open()).await
    }

    async fn open(&self) -> Result<Session, Failure> {
        // A key that is of no use is told before anything is sent.
        self.identity.public_key().map_err(|fault| Fault::Key(fault).at(&self.place))?;
        let greeted = self.greet(self.connect().await?).await?;
        let signed_in = greeted.opening.signed_in().await;
        signed_in.map(|(session, _)| session).map_err(|fault| fault.at(&self.place))
    }

    async fn connect(&self) -> Result<Connected, Failure> {
        let dial = Dial { client: &self.client, place: &self.place, origin: &self.origin };
        dial.connect(&dial.resolve().await?).await
    }

    /// Has the command run, up to the first piece of its output.
    async fn ask(&self, session: &Session, call: &Call, cancel: &CancellationToken) -> Result<Body, Fault> {
        let input = match call {
            Call::Advertisement => Bytes::from_static(FLUSH),
            Call::UploadPack { packets, version: Version::V0 } => packets.clone(),
            Call::UploadPack { packets, version: Version::V2 } => [packets, FLUSH].concat().into(),
        };
        self.meter.count_request();
        let TimeLimits { connect, first_byte, .. } = *self.client.limits();
        let mut pieces = session.run(&self.command, input);
        // The session gives up on a server that opens no channel, and does so before this.
        let turn = connect + first_byte;
        let silent = |doing, waited| move |_| Fault::Unanswered { doing, waited };
        timeout(turn, pieces.started()).await.map_err(silent("get a turn on", turn))?;
        let first = timeout(first_byte, pieces.next()).await.map_err(silent("get an answer of", first_byte))??;
        let Some(first) = first else { return Err(Fault::Ended(pieces.ending()?)) };
        let reading = Reading {
            limits: *self.client.limits(),
            place: Arc::clone(&self.place),
            meter: Arc::clone(&self.meter),
            cancel: cancel.clone(),
        };
        Ok(Body::of_command(first, pieces, reading))
    }
}

/// Passes over what the server advertises before it answers, and sees that it is what the request was written for.
async fn after_advertisement(body: Body, version: Version) -> Result<Body, Failure> {
    let mut packets = Packets::new(body, MAX_ADVERTISEMENT);
    let mut spoken = None;
    loop {
        match packets.next().await? {
            Some(Packet::Line(line)) => {
                let is_v2 = line.trim_ascii_end() == b"version 2";
                spoken.get_or_insert(if is_v2 { Version::V2 } else { Version::V0 });
            }
            Some(Packet::Flush) => break,
            Some(Packet::Delimiter | Packet::End) | None => return Err(packets.cut()),
        }
    }
    if spoken != Some(version) {
        return Err(packets.place().protocol_failure("it speaks another version of the protocol than before"));
    }
    let (rest, mut body) = packets.into_rest();
    body.unread(rest);
    Ok(body)
}
