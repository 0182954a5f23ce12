//! The life of a link: its status, and what each event makes of it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStatus {
    Inactive,
    /// The last sync succeeded.
    Active,
    /// The last sync failed; the last good catalog stays readable.
    Error,
    Archived,
}

/// Why a link is archived. It is as long as one reason stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveReason {
    /// An operator's act.
    Operator,
    /// `archived = true` in the configuration.
    Pinned,
    /// No longer in the configuration.
    Removed,
}

/// Archived exactly while `reasons` is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    pub status: LinkStatus,
    pub reasons: BTreeSet<ArchiveReason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkEvent {
    /// Added, or changed in a key that matters.
    Configured,
    Synced,
    SyncFailed,
    Archive(ArchiveReason),
    Unarchive(ArchiveReason),
    ConnectionDisconnected,
}

impl LinkState {
    /// A link that was never synced.
    pub fn new() -> Self {
        Self { status: LinkStatus::Inactive, reasons: BTreeSet::new() }
    }

    pub fn is_archived(&self) -> bool {
        !self.reasons.is_empty()
    }

    /// The one place where a link's status changes.
    #[must_use]
    pub fn after(&self, event: LinkEvent) -> Self {
        let mut next = self.clone();
        match (self.is_archived(), event) {
            (false, LinkEvent::Configured) => {
                next.status = LinkStatus::Inactive;
            }
            (false, LinkEvent::Synced) => {
                next.status = LinkStatus::Active;
            }
            (false, LinkEvent::SyncFailed) => {
                next.status = LinkStatus::Error;
            }
            (false, LinkEvent::ConnectionDisconnected) => {
                next.status = LinkStatus::Inactive;
            }
            (
                true,
                LinkEvent::Configured | LinkEvent::Synced | LinkEvent::SyncFailed | LinkEvent::ConnectionDisconnected,
            ) => {}
            (_, LinkEvent::Archive(reason)) => {
                next.reasons.insert(reason);
                next.status = LinkStatus::Archived;
            }
            (false, LinkEvent::Unarchive(_)) => {}
            (true, LinkEvent::Unarchive(reason)) => {
                next.reasons.remove(&reason);
                if !next.is_archived() {
                    next.status = LinkStatus::Inactive;
                }
            }
        }
        next
    }
}

impl Default for LinkState {
    fn default() -> Self {
        Self::new()
    }
}

impl LinkStatus {
    pub const ALL: [Self; 4] = [Self::Inactive, Self::Active, Self::Error, Self::Archived];

    pub fn code(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Active => "active",
            Self::Error => "error",
            Self::Archived => "archived",
        }
    }
}

impl fmt::Display for LinkStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl ArchiveReason {
    pub const ALL: [Self; 3] = [Self::Operator, Self::Pinned, Self::Removed];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state and event, one line each.
    fn table() -> String {
        let events = [
            LinkEvent::Configured,
            LinkEvent::Synced,
            LinkEvent::SyncFailed,
            LinkEvent::ConnectionDisconnected,
            LinkEvent::Archive(ArchiveReason::Operator),
            LinkEvent::Archive(ArchiveReason::Removed),
            LinkEvent::Unarchive(ArchiveReason::Operator),
            LinkEvent::Unarchive(ArchiveReason::Removed),
        ];
        let mut states: Vec<_> = [LinkStatus::Inactive, LinkStatus::Active, LinkStatus::Error]
            .map(|status| LinkState { status, reasons: BTreeSet::new() })
            .into_iter()
            .collect();
        for reasons in [&[ArchiveReason::Operator][..], &[ArchiveReason::Operator, ArchiveReason::Removed]] {
            states.push(LinkState { status: LinkStatus::Archived, reasons: reasons.iter().copied().collect() });
        }
        let show = |state: &LinkState| format!("{} {:?}", state.status, state.reasons);
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

    #[test]
    fn a_link_is_archived_exactly_while_a_reason_stands() {
        let both = LinkState::new().after(LinkEvent::Archive(ArchiveReason::Operator));
        let both = both.after(LinkEvent::Archive(ArchiveReason::Pinned));
        let one = both.after(LinkEvent::Unarchive(ArchiveReason::Operator));
        assert_eq!(one.status, LinkStatus::Archived);
        let none = one.after(LinkEvent::Unarchive(ArchiveReason::Pinned));
        assert_eq!(none, LinkState::new());
    }
}
