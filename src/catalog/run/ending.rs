//! The end of a run: verdict, results and status in one transaction.

use chrono::{DateTime, Utc};
use rusqlite::named_params;
use suitesync_contract::{DelegateName, Exit, ResultCounts, ResultsSeen, RunReport, Verdict};

use super::super::columns::json;
use super::super::results::{self, Origin};
use super::super::{Change, Result};
use super::{Because, RunRecord, apply, find};
use crate::domain::event::{Event, EventName};
use crate::domain::run::{RunEvent, RunStatus, RunVerdict};

/// What came back from a delegate.
#[derive(Debug, Clone)]
pub struct RunEnded {
    pub report: RunReport,
    /// Whether reports were asked for.
    pub results_wanted: bool,
    pub delegate: Option<DelegateName>,
    pub at: DateTime<Utc>,
}

/// Records the end of a run. `None` where the outcome comes too late: the run is over, or was handed out anew.
pub fn end(change: &mut Change<'_>, ended: &RunEnded) -> Result<Option<RunRecord>> {
    let report = &ended.report;
    let current = find(change.sql(), report.run)?;
    let Some(run) = current.filter(|run| run.fence == report.fence && !run.status.is_final()) else {
        refuse(change, ended)?;
        return Ok(None);
    };
    let seen = if ended.results_wanted { ResultsSeen::of(&report.results) } else { ResultsSeen::NotAsked };
    let verdict = Verdict::of(&report.exit, seen);
    let counts: ResultCounts = report.results.iter().flat_map(|file| &file.cases).collect();
    change
        .sql()
        .prepare_cached(
            "UPDATE run SET counts = :counts, exit = :exit, written_bytes = :written, omitted_bytes = :omitted,
             started_at = coalesce(started_at, :started)
         WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": report.run.0,
            ":counts": ended.results_wanted.then(|| json(&counts)).transpose()?,
            ":exit": json(&report.exit)?,
            ":written": report.log.written_bytes,
            ":omitted": report.log.omitted_bytes,
            ":started": super::millis(ended.at),
        })?;
    let origin =
        Origin { project: &run.project, run: Some(run.id), import: None, link: Some(&run.link), root: &run.root };
    results::record(change.sql(), &origin, &report.results, ended.at)?;
    // What it was canceled with is why it ended, if it was.
    let reason = if run.status == RunStatus::Canceling { None } else { verdict.reason() };
    let because = Because { reason, message: told(&report.exit), delegate: ended.delegate.clone() };
    apply(change, report.run, RunEvent::Ended(of(verdict)), &because, ended.at)
}

fn refuse(change: &mut Change<'_>, ended: &RunEnded) -> Result<()> {
    let run = ended.report.run;
    let message = format!("the outcome of run {run} came after the run was over or had been handed out anew");
    let event = Event::new(ended.at, EventName::TaskRefused, message).run(run).delegate(ended.delegate.as_ref());
    change.tell(event.field("reason", "fence"))
}

fn of(verdict: Verdict) -> RunVerdict {
    match verdict {
        Verdict::Passed => RunVerdict::Passed,
        Verdict::FailedCases | Verdict::ExitStatus => RunVerdict::Failed,
        Verdict::NoResults
        | Verdict::ResultsIncomplete
        | Verdict::Signal
        | Verdict::DiskBudget
        | Verdict::NotStarted => RunVerdict::Error,
        Verdict::Canceled => RunVerdict::Canceled,
        Verdict::TimedOut => RunVerdict::TimedOut,
    }
}

fn told(exit: &Exit) -> Option<String> {
    match exit {
        Exit::Code(0) | Exit::Stopped(_) => None,
        Exit::Code(code) => Some(format!("the command ended with status {code}")),
        Exit::Signal(signal) => Some(format!("the command was ended by signal {signal}")),
        Exit::NotStarted(why) => Some(why.clone()),
    }
}
