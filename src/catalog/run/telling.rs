//! What is told of a run as it goes on.

use chrono::{DateTime, Utc};

use super::super::{Change, Result};
use super::RunRecord;
use crate::domain::event::{Event, EventName, Level};
use crate::domain::run::RunStatus;

/// A run was recorded.
pub(super) fn began(change: &mut Change<'_>, run: &RunRecord, now: DateTime<Utc>) -> Result<()> {
    if run.status.is_final() {
        return changed(change, run, now);
    }
    let message = format!("run {} of {} waits for its turn", run.id, what(run));
    let event = event(run, EventName::RunQueued, message, now).field("requested_by", run.requested_by.clone());
    change.tell(event)
}

/// A run has another status.
pub(super) fn changed(change: &mut Change<'_>, run: &RunRecord, now: DateTime<Utc>) -> Result<()> {
    let (name, message) = match run.status {
        RunStatus::Queued | RunStatus::Canceling => return Ok(()),
        RunStatus::Running => (EventName::RunStarted, format!("run {} of {} has begun", run.id, what(run))),
        RunStatus::Canceled => (EventName::RunCanceled, format!("run {} of {} is canceled", run.id, what(run))),
        RunStatus::Passed | RunStatus::Failed | RunStatus::Error | RunStatus::TimedOut | RunStatus::Skipped => {
            (EventName::RunFinished, format!("run {} of {} is over: {}", run.id, what(run), run.status))
        }
    };
    let told = |reason: &String| format!("{message} ({reason})");
    let message = run.reason.as_ref().map_or_else(|| message.clone(), told);
    let mut event = event(run, name, message, now).field("status", run.status.code());
    if matches!(run.status, RunStatus::Failed | RunStatus::Error | RunStatus::TimedOut) {
        event = event.level(Level::Warn);
    }
    if let Some(reason) = &run.reason {
        event = event.field("reason", reason.as_str());
    }
    if let Some(counts) = &run.counts {
        event = event.field("counts", serde_json::to_value(counts)?);
    }
    if let (Some(started), Some(finished)) = (run.started_at, run.finished_at) {
        event = event.field("duration_ms", (finished - started).num_milliseconds());
    }
    change.tell(event)
}

fn event(run: &RunRecord, name: EventName, message: String, now: DateTime<Utc>) -> Event {
    Event::new(now, name, message)
        .run(run.id)
        .link(&run.link)
        .connection(&run.connection)
        .delegate(run.delegate.as_ref())
        .field("schedule", run.schedule.as_str())
        .field("suite", run.suite.as_str())
}

fn what(run: &RunRecord) -> String {
    format!("suite {} of link {}", run.suite, run.link)
}
