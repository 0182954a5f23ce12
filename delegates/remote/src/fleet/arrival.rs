//! The agent's name on its NATS: one agent holds it at a time.

use async_nats::jetstream::stream::Stream;
use serde::{Deserialize, Serialize};
use suitesync_contract::DelegateName;

use crate::bus::{Bus, RemoteError, Seat, Unstored};

/// What the agent says of itself: by it two of the same name find each other.
#[derive(Serialize, Deserialize)]
struct Presence {
    instance: u64,
    /// Whether it has left.
    is_gone: bool,
}

/// What outlives connections.
pub(super) struct Arrival {
    instance: u64,
    /// Whether the tasks of an earlier start are out of the stream.
    pub(super) is_emptied: bool,
}

impl Arrival {
    pub(super) fn new() -> Self {
        Self { instance: fastrand::u64(..), is_emptied: false }
    }

    /// Takes the agent's name, once nobody else has it; an error if another agent is there.
    pub(super) async fn take(
        &self,
        bus: &Bus,
        stream: &Stream,
        agent: &DelegateName,
    ) -> Result<AgentSeat, RemoteError> {
        let is_free = |body: &[u8]| {
            serde_json::from_slice::<Presence>(body).is_ok_and(|last| last.is_gone || last.instance == self.instance)
        };
        let seat = Seat::take(stream, bus.names.agent(), is_free).await?;
        let seat = seat.ok_or_else(|| RemoteError::OtherAgent { agent: agent.clone() })?;
        Ok(AgentSeat { seat, instance: self.instance, agent: agent.clone() })
    }
}

pub(super) struct AgentSeat {
    seat: Seat,
    instance: u64,
    agent: DelegateName,
}

impl AgentSeat {
    /// Says that the agent is there; an error if another has taken its name.
    pub(super) async fn stay(&mut self, bus: &Bus) -> Result<(), RemoteError> {
        self.say(bus, false).await
    }

    /// Says that it has left.
    pub(super) async fn leave(&mut self, bus: &Bus) -> Result<(), RemoteError> {
        self.say(bus, true).await
    }

    async fn say(&mut self, bus: &Bus, is_gone: bool) -> Result<(), RemoteError> {
        let body = serde_json::to_vec(&Presence { instance: self.instance, is_gone }).unwrap_or_default();
        self.seat.say(bus, body.into()).await.map_err(|unstored| match unstored {
            Unstored::Overtaken => RemoteError::OtherAgent { agent: self.agent.clone() },
            Unstored::Unknown => RemoteError::Lost,
        })
    }
}
