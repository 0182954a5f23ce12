//! The life of a connection: its status, and what each event makes of it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionStatus {
    /// Never validated, or disconnected.
    Inactive,
    /// The last test passed.
    Active,
    /// The last test failed.
    Error,
}

/// Why a connection is disconnected. It is as long as one reason stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisconnectReason {
    /// An operator's act.
    Operator,
    /// `disconnected = true` in the configuration.
    Pinned,
    /// No longer in the configuration.
    Removed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionState {
    pub status: ConnectionStatus,
    pub disconnected: BTreeSet<DisconnectReason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionEvent {
    /// Added, or changed in a key that matters.
    Configured,
    TestPassed,
    TestFailed,
    Disconnect(DisconnectReason),
    Reconnect(DisconnectReason),
}

impl ConnectionState {
    /// A connection that nobody has tested.
    pub fn new() -> Self {
        Self { status: ConnectionStatus::Inactive, disconnected: BTreeSet::new() }
    }

    pub fn is_disconnected(&self) -> bool {
        !self.disconnected.is_empty()
    }

    /// The one place where a connection's status changes.
    #[must_use]
    pub fn after(&self, event: ConnectionEvent) -> Self {
        let mut next = self.clone();
        match (self.is_disconnected(), event) {
            (false, ConnectionEvent::Configured) => {
                next.status = ConnectionStatus::Inactive;
            }
            (false, ConnectionEvent::TestPassed) => {
                next.status = ConnectionStatus::Active;
            }
            (false, ConnectionEvent::TestFailed) => {
                next.status = ConnectionStatus::Error;
            }
            (true, ConnectionEvent::Configured | ConnectionEvent::TestPassed | ConnectionEvent::TestFailed) => {}
            (_, ConnectionEvent::Disconnect(reason)) => {
                next.disconnected.insert(reason);
                next.status = ConnectionStatus::Inactive;
            }
            (false, ConnectionEvent::Reconnect(_)) => {}
            (true, ConnectionEvent::Reconnect(reason)) => {
                next.disconnected.remove(&reason);
            }
        }
        next
    }
}

impl Default for ConnectionState {
    fn default() -> Self {
        Self::new()
    }
}

impl ConnectionStatus {
    pub const ALL: [Self; 3] = [Self::Inactive, Self::Active, Self::Error];

    pub fn code(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Active => "active",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for ConnectionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl DisconnectReason {
    pub const ALL: [Self; 3] = [Self::Operator, Self::Pinned, Self::Removed];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state and event, one line each.
    fn table() -> String {
        let events = [
            ConnectionEvent::Configured,
            ConnectionEvent::TestPassed,
            ConnectionEvent::TestFailed,
            ConnectionEvent::Disconnect(DisconnectReason::Operator),
            ConnectionEvent::Disconnect(DisconnectReason::Removed),
            ConnectionEvent::Reconnect(DisconnectReason::Operator),
            ConnectionEvent::Reconnect(DisconnectReason::Removed),
        ];
        let mut states: Vec<_> = ConnectionStatus::ALL
            .map(|status| ConnectionState { status, disconnected: BTreeSet::new() })
            .into_iter()
            .collect();
        for reasons in [&[DisconnectReason::Operator][..], &[DisconnectReason::Operator, DisconnectReason::Removed]] {
            states.push(ConnectionState {
                status: ConnectionStatus::Inactive,
                disconnected: reasons.iter().copied().collect(),
            });
        }
        let show = |state: &ConnectionState| format!("{} {:?}", state.status, state.disconnected);
        let mut lines = Vec::new();
        for state in &states {
            for event in events {
                let next = state.after(event);
                lines.push(format!("{} + {event:?} = {}", show(state), show(&next)));
            }
        }
        lines.join("\n")
    }

    #[test]
    fn every_state_and_event_has_one_answer() {
        insta::assert_snapshot!(table());
    }
}
