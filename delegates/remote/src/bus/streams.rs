//! The streams of an agent, and the consumers on them.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{
    Config, ConsumerErrorKind, DeleteMessageErrorKind, DiscardPolicy, LastRawMessageErrorKind, RetentionPolicy, Stream,
};
use suitesync_contract::DelegateName;

use super::cause::of_jetstream;
use super::names::consumer;
use super::{Bus, RemoteError};

/// Tasks on their way, a subject a delegate.
pub(crate) const TASKS: &str = "tasks";
/// What comes back, a subject a delegate.
pub(crate) const ANSWERS: &str = "answers";
/// The last announcement of each delegate.
pub(crate) const DELEGATES: &str = "delegates";

/// Bytes that tasks or answers may take: a thousand outcomes of a mebibyte, from while an agent was away. The server sets
/// them aside, so that more would keep agents from sharing one.
const MAX_BYTES: i64 = 1 << 30;

/// Bytes of the announcements of some thousand delegates.
const MAX_ANNOUNCED: i64 = 16 << 20;

/// Longest message in bytes: what a server takes by default.
const MAX_MESSAGE: i32 = 1 << 20;

/// How long an announcement is kept of a delegate that never came back.
const ANNOUNCED_FOR: Duration = Duration::from_secs(24 * 3600);

/// How long the server knows a message for a repetition: longer than a try to hand out is repeated.
pub(crate) const REPEATS_WITHIN: Duration = Duration::from_secs(600);

/// Without a sign of the delegate for this long, the server hands a task out anew.
pub(crate) const TASK_ACK_WAIT: Duration = Duration::from_secs(10);

/// Answers that are not acknowledged come again after this; the outcome of a run is kept until it is settled.
const ANSWER_ACK_WAIT: Duration = Duration::from_secs(60);

/// How long the place of a delegate in its queue is kept that does not come back.
const ABSENT_FOR: Duration = Duration::from_secs(24 * 3600);

/// Messages of tasks with one delegate at once. The agent hands out no more than fits its capacity; this bounds a mistake.
const MAX_IN_HAND: i64 = 10_000;

/// What became of the wish to take a message out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Nobody else has, and nobody else will.
    Done,
    /// Somebody else did.
    NotThere,
    Unknown,
}

/// What lies on a subject.
pub(crate) struct Last {
    pub(crate) sequence: u64,
    pub(crate) body: bytes::Bytes,
}

impl Bus {
    /// Makes the streams of the agent, or brings them up to date.
    pub(crate) async fn make_streams(&self) -> Result<(), RemoteError> {
        let queue = |kind: &str, subject: &str| Config {
            retention: RetentionPolicy::WorkQueue,
            duplicate_window: REPEATS_WITHIN,
            ..self.stream_config(kind, self.names.all(subject))
        };
        let announcements = Config {
            max_bytes: MAX_ANNOUNCED,
            max_messages_per_subject: 1,
            max_age: ANNOUNCED_FOR,
            subjects: vec![self.names.all("delegate"), self.names.agent()],
            ..self.stream_config(DELEGATES, self.names.all("delegate"))
        };
        for config in [queue(TASKS, "task"), queue(ANSWERS, "answer"), announcements] {
            let name = config.name.clone();
            self.jetstream.create_or_update_stream(config).await.map_err(|error| {
                let kind = error.kind();
                let fault = if let CreateStreamErrorKind::JetStream(fault) = &kind { Some(fault) } else { None };
                of_jetstream("make", &name, fault, error)
            })?;
        }
        Ok(())
    }

    fn stream_config(&self, kind: &str, subject: String) -> Config {
        Config {
            name: self.names.stream(kind),
            subjects: vec![subject],
            discard: DiscardPolicy::New,
            max_bytes: MAX_BYTES,
            max_message_size: MAX_MESSAGE,
            ..Config::default()
        }
    }

    /// A stream that the agent made.
    pub(crate) async fn stream(&self, kind: &str, agent: &DelegateName) -> Result<Stream, RemoteError> {
        let name = self.names.stream(kind);
        self.jetstream.get_stream(&name).await.map_err(|error| {
            let kind = error.kind();
            let fault = if let GetStreamErrorKind::JetStream(fault) = &kind { Some(fault) } else { None };
            if fault.is_some_and(|fault| fault.error_code() == ErrorCode::STREAM_NOT_FOUND) {
                return RemoteError::NoAgent { agent: agent.clone() };
            }
            of_jetstream("find", &name, fault, error)
        })
    }

    /// Takes every message out of a stream.
    pub(crate) async fn empty(&self, stream: &Stream) -> Result<(), RemoteError> {
        let emptied = stream.purge().await;
        emptied.map(drop).map_err(|error| RemoteError::Stream {
            verb: "empty",
            name: stream.cached_info().config.name.clone(),
            source: error.into(),
        })
    }

    /// The agent's consumer of answers, made anew: all that is not acknowledged comes at once, in its order.
    pub(crate) async fn consume_answers(&self, stream: &Stream) -> Result<Consumer<pull::Config>, RemoteError> {
        let config = pull::Config {
            durable_name: Some("agent".to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ANSWER_ACK_WAIT,
            // Outcomes wait to be settled, however many: at a bound the server would say no more.
            max_ack_pending: -1,
            ..pull::Config::default()
        };
        consume(stream, config).await
    }

    /// The last announcement of each delegate, and each that follows.
    pub(crate) async fn consume_announcements(&self, stream: &Stream) -> Result<Consumer<pull::Config>, RemoteError> {
        let config = pull::Config {
            filter_subject: self.names.all("delegate"),
            ack_policy: AckPolicy::None,
            deliver_policy: DeliverPolicy::LastPerSubject,
            memory_storage: true,
            ..pull::Config::default()
        };
        create(stream, config, "announcements").await
    }

    /// A delegate's consumer of its tasks, made anew.
    pub(crate) async fn consume_tasks(
        &self,
        stream: &Stream,
        delegate: &DelegateName,
    ) -> Result<Consumer<pull::Config>, RemoteError> {
        let config = pull::Config {
            durable_name: Some(consumer(delegate)),
            filter_subject: self.names.task(delegate),
            ack_policy: AckPolicy::Explicit,
            ack_wait: TASK_ACK_WAIT,
            max_ack_pending: MAX_IN_HAND,
            inactive_threshold: ABSENT_FOR,
            ..pull::Config::default()
        };
        consume(stream, config).await
    }
}

async fn consume(stream: &Stream, config: pull::Config) -> Result<Consumer<pull::Config>, RemoteError> {
    let name = config.durable_name.clone().unwrap_or_default();
    // It may not be there, which is as well.
    let _ = stream.delete_consumer(&name).await;
    create(stream, config, &name).await
}

async fn create(stream: &Stream, config: pull::Config, name: &str) -> Result<Consumer<pull::Config>, RemoteError> {
    stream.create_consumer(config).await.map_err(|error| {
        let kind = error.kind();
        let fault = if let ConsumerErrorKind::JetStream(fault) = &kind { Some(fault) } else { None };
        of_jetstream("make", name, fault, error)
    })
}

/// Takes a message out of its stream. The server lets it happen once, so that it is also how a run is claimed.
pub(crate) async fn remove(stream: &Stream, sequence: u64) -> Removal {
    match stream.delete_message(sequence).await {
        Ok(true) => Removal::Done,
        Ok(false) => Removal::Unknown,
        Err(error) => match error.kind() {
            DeleteMessageErrorKind::JetStream(fault) => match fault.error_code() {
                ErrorCode::NO_MESSAGE_FOUND | ErrorCode::SEQUENCE_NOT_FOUND => Removal::NotThere,
                // The file store has no code of its own for a message that is gone.
                ErrorCode::STREAM_MESSAGE_DELETE_FAILED => Removal::NotThere,
                _ => Removal::Unknown,
            },
            DeleteMessageErrorKind::Request | DeleteMessageErrorKind::TimedOut => Removal::Unknown,
        },
    }
}

/// The last message on a subject.
pub(crate) async fn last(stream: &Stream, subject: &str) -> Result<Option<Last>, RemoteError> {
    match stream.get_last_raw_message_by_subject(subject).await {
        Ok(message) => Ok(Some(Last { sequence: message.sequence, body: message.payload })),
        Err(error) => match error.kind() {
            LastRawMessageErrorKind::NoMessageFound => Ok(None),
            LastRawMessageErrorKind::InvalidSubject
            | LastRawMessageErrorKind::JetStream(_)
            | LastRawMessageErrorKind::Other => {
                Err(RemoteError::Stream { verb: "read", name: subject.to_owned(), source: error.into() })
            }
        },
    }
}
