//! Tasks as they come from the stream, not trusted yet: parts until they are whole.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream;
use bytes::Bytes;
use tokio::time::Instant;

use super::hand::Lying;
use crate::message::{Assembly, Content, ENVELOPE, Envelope, Key, PROTOCOL};

/// Tasks that may come in parts at once.
const MAX_ASSEMBLED: usize = 64;

/// How long parts wait for the others: by then they came again, if they are still wanted.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// What a message means.
pub(super) enum Taken {
    /// A task is whole.
    Task { key: Key, body: Bytes, lying: Vec<Lying> },
    /// More of it has to come.
    Part,
    /// It is no part of a task that can be read.
    Nothing(&'static str),
}

#[derive(Default)]
pub(super) struct Intake(HashMap<Key, Incoming>);

struct Incoming {
    since: Instant,
    assembly: Assembly,
    lying: Vec<(u32, Lying)>,
}

impl Intake {
    pub(super) fn take(&mut self, message: &jetstream::Message, now: Instant) -> Taken {
        self.0.retain(|_, incoming| now.duration_since(incoming.since) < KEPT_FOR);
        let header = message.headers.as_ref().and_then(|headers| headers.get(ENVELOPE));
        let envelope = header.and_then(|header| serde_json::from_str::<Envelope>(header.as_str()).ok());
        let (Some(envelope), Ok(info), Some(reply)) = (envelope, message.info(), &message.reply) else {
            return Taken::Nothing("it has no envelope");
        };
        if envelope.protocol != PROTOCOL || envelope.content != Content::Task {
            return Taken::Nothing("it is no task of this protocol");
        }
        let lying = Lying { sequence: info.stream_sequence, reply: reply.to_string() };
        self.assemble(envelope, message.payload.clone(), lying, now)
    }

    fn assemble(&mut self, envelope: Envelope, body: Bytes, lying: Lying, now: Instant) -> Taken {
        let Envelope { key, part, .. } = envelope;
        if !self.0.contains_key(&key) && self.0.len() >= MAX_ASSEMBLED {
            return Taken::Nothing("too many tasks come in parts at once");
        }
        let fresh = || Incoming { since: now, assembly: Assembly::default(), lying: Vec::new() };
        let incoming = self.0.entry(key).or_insert_with(fresh);
        incoming.lying.retain(|(index, _)| *index != part.index);
        incoming.lying.push((part.index, lying));
        let added = incoming.assembly.add(&part, body);
        match added {
            Ok(None) => Taken::Part,
            Ok(Some(body)) => {
                let mut lying = self.0.remove(&key).map(|incoming| incoming.lying).unwrap_or_default();
                lying.sort_by_key(|(index, _)| *index);
                Taken::Task { key, body, lying: lying.into_iter().map(|(_, lying)| lying).collect() }
            }
            Err(_) => {
                self.0.remove(&key);
                Taken::Nothing("its parts do not fit together")
            }
        }
    }
}
