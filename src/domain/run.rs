//! The life of a run: its status, and what each event makes of it. What falls due is admitted here, too.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::connection::ConnectionState;
use super::link::LinkState;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    Queued,
    Running,
    /// Asked to end; its delegate has not yet confirmed that nothing of it is left.
    Canceling,
    Passed,
    Failed,
    Error,
    Canceled,
    TimedOut,
    /// It fell due and was not to be executed.
    Skipped,
}

/// How a run that was executed has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunVerdict {
    Passed,
    Failed,
    Error,
    TimedOut,
    /// Its delegate has stopped it as asked.
    Canceled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEvent {
    /// A delegate has taken it.
    Started,
    Cancel,
    /// Its delegate says how it ended, and that nothing of it is left.
    Ended(RunVerdict),
    /// The agent was started anew, and nothing of the run is left.
    AgentRestarted,
}

impl RunStatus {
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Running,
        Self::Canceling,
        Self::Passed,
        Self::Failed,
        Self::Error,
        Self::Canceled,
        Self::TimedOut,
        Self::Skipped,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Canceling => "canceling",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Canceled => "canceled",
            Self::TimedOut => "timed_out",
            Self::Skipped => "skipped",
        }
    }

    /// Whether nothing can happen to it any more.
    pub fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Canceling => false,
            Self::Passed | Self::Failed | Self::Error | Self::Canceled | Self::TimedOut | Self::Skipped => true,
        }
    }

    /// The one place where a run's status changes.
    #[must_use]
    pub fn after(self, event: RunEvent) -> Self {
        match (self, event) {
            (Self::Queued, RunEvent::Started) => Self::Running,
            (Self::Queued, RunEvent::Cancel) => Self::Canceled,
            // It stays in the queue: nobody had begun it.
            (Self::Queued, RunEvent::AgentRestarted) => Self::Queued,
            (Self::Queued | Self::Running, RunEvent::Ended(verdict)) => Self::of(verdict),
            (Self::Running, RunEvent::Started) => Self::Running,
            (Self::Running, RunEvent::Cancel) => Self::Canceling,
            (Self::Running, RunEvent::AgentRestarted) => Self::Error,
            // Whatever it came to in its last moments, it was told to end and has ended.
            (Self::Canceling, RunEvent::Ended(_) | RunEvent::AgentRestarted) => Self::Canceled,
            (Self::Canceling, RunEvent::Started | RunEvent::Cancel) => Self::Canceling,
            (
                Self::Passed | Self::Failed | Self::Error | Self::Canceled | Self::TimedOut | Self::Skipped,
                RunEvent::Started | RunEvent::Cancel | RunEvent::Ended(_) | RunEvent::AgentRestarted,
            ) => self,
        }
    }

    fn of(verdict: RunVerdict) -> Self {
        match verdict {
            RunVerdict::Passed => Self::Passed,
            RunVerdict::Failed => Self::Failed,
            RunVerdict::Error => Self::Error,
            RunVerdict::TimedOut => Self::TimedOut,
            RunVerdict::Canceled => Self::Canceled,
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// What to do when a suite falls due while an earlier run of it is not over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// The new one is not executed.
    #[default]
    Skip,
    /// The new one waits for its turn.
    Queue,
    /// The earlier ones are canceled.
    Replace,
}

/// Why no run may be executed for a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Barrier {
    LinkArchived,
    ConnectionDisconnected,
}

impl Barrier {
    /// What stands before the runs of a link; a connection that is not known stands before none.
    pub fn of(link: &LinkState, connection: Option<&ConnectionState>) -> Option<Self> {
        if link.is_archived() {
            return Some(Self::LinkArchived);
        }
        connection.is_some_and(ConnectionState::is_disconnected).then_some(Self::ConnectionDisconnected)
    }

    /// The reason that its runs are canceled with.
    pub fn code(self) -> &'static str {
        match self {
            Self::LinkArchived => "link_archived",
            Self::ConnectionDisconnected => "connection_disconnected",
        }
    }
}

/// What becomes of a suite that falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Queue,
    /// Earlier runs of it are canceled, and the new one waits until they are gone.
    QueueInPlace,
    /// Recorded, and canceled at once.
    Cancel(Barrier),
    /// Recorded as skipped.
    Skip,
}

/// Decides about a suite that falls due while `earlier` runs of it by the same schedule are not over.
pub fn admit(barrier: Option<Barrier>, overlap: Overlap, earlier: usize) -> Admission {
    match (barrier, overlap, earlier) {
        (Some(barrier), _, _) => Admission::Cancel(barrier),
        (None, _, 0) | (None, Overlap::Queue, _) => Admission::Queue,
        (None, Overlap::Skip, _) => Admission::Skip,
        (None, Overlap::Replace, _) => Admission::QueueInPlace,
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection::{ConnectionEvent, DisconnectReason};
    use super::super::link::{ArchiveReason, LinkEvent};
    use super::*;

    fn events() -> Vec<RunEvent> {
        let verdicts =
            [RunVerdict::Passed, RunVerdict::Failed, RunVerdict::Error, RunVerdict::TimedOut, RunVerdict::Canceled];
        let others = [RunEvent::Started, RunEvent::Cancel, RunEvent::AgentRestarted];
        verdicts.map(RunEvent::Ended).into_iter().chain(others).collect()
    }

    #[test]
    fn every_status_and_event_has_one_answer() {
        let line = |(status, event): (RunStatus, RunEvent)| format!("{status} + {event:?} = {}", status.after(event));
        let pairs =
            RunStatus::ALL.into_iter().flat_map(|status| events().into_iter().map(move |event| (status, event)));
        insta::assert_snapshot!(pairs.map(line).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn what_is_over_stays_as_it_is() {
        for status in RunStatus::ALL.into_iter().filter(|status| status.is_final()) {
            assert!(events().into_iter().all(|event| status.after(event) == status), "{status}");
        }
    }

    #[test]
    fn an_archived_link_and_a_disconnected_connection_stand_before_runs() {
        let archived = LinkState::new().after(LinkEvent::Archive(ArchiveReason::Operator));
        let cut_off = ConnectionState::new().after(ConnectionEvent::Disconnect(DisconnectReason::Operator));
        let check = |link: &LinkState, connection: Option<&ConnectionState>, expect: Option<Barrier>| {
            assert_eq!(Barrier::of(link, connection), expect, "{link:?} {connection:?}");
        };
        check(&LinkState::new(), Some(&ConnectionState::new()), None);
        check(&LinkState::new(), None, None);
        check(&LinkState::new(), Some(&cut_off), Some(Barrier::ConnectionDisconnected));
        check(&archived, Some(&cut_off), Some(Barrier::LinkArchived));
    }

    #[test]
    fn whatever_falls_due_is_admitted_canceled_or_skipped() {
        let check = |barrier, overlap, earlier, expect| assert_eq!(admit(barrier, overlap, earlier), expect);
        let archived = Some(Barrier::LinkArchived);
        check(None, Overlap::Skip, 0, Admission::Queue);
        check(None, Overlap::Skip, 1, Admission::Skip);
        check(None, Overlap::Queue, 5, Admission::Queue);
        check(None, Overlap::Replace, 0, Admission::Queue);
        check(None, Overlap::Replace, 2, Admission::QueueInPlace);
        check(archived, Overlap::Replace, 2, Admission::Cancel(Barrier::LinkArchived));
        check(archived, Overlap::Skip, 2, Admission::Cancel(Barrier::LinkArchived));
    }
}
