//! One connection to NATS, from its login to its loss, and what both sides do over it.
//!
//! A connection that is lost is over: whoever stands on it begins anew on the next one, with the version checked and the
//! consumers made again. So there is one path for a start, a cut line and a server that was restarted, and a cause that a
//! person understands each time.

mod cause;
mod connecting;
mod line;
mod names;
mod seat;
mod streams;
mod version;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream;
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

pub use cause::RemoteError;
pub(crate) use line::{Line, LineEnd, Side, follow};
pub(crate) use names::{Names, delegate_of};
pub(crate) use seat::{BEAT, Seat};
pub(crate) use streams::{ANSWERS, DELEGATES, REPEATS_WITHIN, Removal, TASKS, remove};
pub use version::NEEDED_VERSION;

use crate::message::{ENVELOPE, Envelope, Part, split};

/// How long the server may take to store a message or to answer, before it is asked anew.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Between tries to connect, at first; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Between tries to connect, at most: an agent is to be back soon after its server is.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Bytes of a part: half of what a server takes by default, as its headers count too.
const PART_SIZE: usize = 512 << 10;

/// Of the payload that a server takes, kept for headers.
const HEADER_ROOM: usize = 4 << 10;

/// Where NATS is, and who we are to it.
#[derive(Clone)]
pub struct BusSettings {
    /// `tls://HOST:PORT`, or `nats://HOST:PORT` without TLS unless the server asks for it.
    pub url: String,
    pub login: Login,
    /// Whom to trust, and who we are to a server that asks for a certificate.
    pub tls: rustls::ClientConfig,
}

impl fmt::Debug for BusSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusSettings").field("login", &self.login).finish_non_exhaustive()
    }
}

/// Who we are to NATS. Its `Debug` shows no secret.
#[derive(Clone)]
pub enum Login {
    Nobody,
    /// The seed of an NKey, beginning with `SU`.
    Nkey(Zeroizing<String>),
    /// The content of a `.creds` file: a JWT with its seed.
    Credentials(Zeroizing<String>),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "Nobody",
            Self::Nkey(_) => "Nkey(…)",
            Self::Credentials(_) => "Credentials(…)",
        })
    }
}

/// Whether NATS is at hand.
#[derive(Debug, Clone, Default)]
pub enum BusState {
    #[default]
    Connecting,
    Connected,
    /// It is tried again by itself.
    Away(Arc<RemoteError>),
}

/// A live connection.
pub(crate) struct Bus {
    pub(crate) client: async_nats::Client,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) names: Names,
    lost: CancellationToken,
    /// Whether the server has refused to keep what it was given last.
    is_refusing: AtomicBool,
}

/// A message that the server keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) sequence: u64,
}

/// Why a message was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unstored {
    /// Another has written to the subject meanwhile.
    Overtaken,
    /// The server did not say: it may be stored or not.
    Unknown,
}

impl Bus {
    /// Done once the connection is lost.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// The parts of a body, each in what a message of this server holds.
    pub(crate) fn parts(&self, body: &Bytes) -> Vec<(Part, Bytes)> {
        split(body, PART_SIZE.min(self.client.max_payload().saturating_sub(HEADER_ROOM)))
    }

    /// Stores every part on the subject, in their order, and gives where each is. Whoever has them tries again: that the
    /// server refuses them is logged once, until it takes them.
    pub(crate) async fn store_parts(
        &self,
        subject: &str,
        parts: Vec<(Envelope, Bytes)>,
    ) -> Result<Vec<Stored>, Unstored> {
        let stored = self.try_to_store(subject, parts).await;
        match &stored {
            Ok(_) if self.is_refusing.swap(false, Ordering::Relaxed) => tracing::info!("NATS stores again"),
            Err(error) => self.note_refusal(error),
            Ok(_) => {}
        }
        stored.map_err(|error| unstored(error.kind()))
    }

    async fn try_to_store(&self, subject: &str, parts: Vec<(Envelope, Bytes)>) -> Result<Vec<Stored>, PublishError> {
        let mut underway = Vec::with_capacity(parts.len());
        for (envelope, body) in parts {
            let written = serde_json::to_string(&envelope);
            let header = written.map_err(|error| PublishError::with_source(PublishErrorKind::Other, error))?;
            let message = PublishMessage::build()
                .payload(body)
                .header(ENVELOPE, header.as_str())
                .message_id(envelope.message_id(subject));
            underway.push(self.send(subject, message).await?);
        }
        let mut stored = Vec::with_capacity(underway.len());
        for acknowledged in underway {
            stored.push(Stored { sequence: acknowledged.await?.sequence });
        }
        Ok(stored)
    }

    fn note_refusal(&self, error: &PublishError) {
        let refusal = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
        if let Some(refusal) = refusal
            && !self.is_refusing.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "NATS does not store what it is given, and it is tried again until it does: {refusal}; make room on its \
                 disk, and start it anew should that not help"
            );
        }
    }

    /// Stores a body as the next after `after` on the subject, and says where; an error if another came in between.
    pub(crate) async fn store_after(&self, subject: &str, after: u64, body: Bytes) -> Result<u64, Unstored> {
        let message = PublishMessage::build().payload(body).expected_last_subject_sequence(after);
        let acknowledged = self.send(subject, message).await.map_err(|error| unstored(error.kind()))?;
        acknowledged.await.map(|stored| stored.sequence).map_err(|error| unstored(error.kind()))
    }

    async fn send(&self, subject: &str, message: PublishMessage) -> Result<PublishAckFuture, PublishError> {
        self.jetstream.send_publish(subject.to_owned(), message).await
    }

    /// Says something that may be lost.
    pub(crate) async fn say(&self, subject: String, body: Bytes) {
        // It is a connection that is about to end, and what was said may be lost.
        let _ = self.client.publish(subject, body).await;
    }

    /// Says something that may be lost, with its envelope.
    pub(crate) async fn say_with(&self, subject: String, envelope: &Envelope, body: Bytes) {
        let Ok(header) = serde_json::to_string(envelope) else { return };
        let mut headers = HeaderMap::new();
        headers.insert(ENVELOPE, header.as_str());
        // The same.
        let _ = self.client.publish_with_headers(subject, headers, body).await;
    }

    /// Acknowledges a message, and whether the server said that it knows.
    pub(crate) async fn acknowledge(&self, reply: &str) -> bool {
        let request = async_nats::Request::new().payload(Bytes::new()).timeout(Some(ANSWER_WITHIN));
        self.client.send_request(reply.to_owned(), request).await.is_ok()
    }
}

fn unstored(kind: PublishErrorKind) -> Unstored {
    if kind == PublishErrorKind::WrongLastSequence { Unstored::Overtaken } else { Unstored::Unknown }
}

/// How long to wait before the next try; without end, each time longer up to a bound, and never quite the same.
#[derive(Debug, Default)]
pub(crate) struct Pauses(u32);

impl Pauses {
    pub(crate) fn reset(&mut self) {
        self.0 = 0;
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.0.min(8)).min(LONGEST_PAUSE);
        self.0 = self.0.saturating_add(1);
        pause.mul_f64(fastrand::f64() * 0.5 + 0.5)
    }
}
