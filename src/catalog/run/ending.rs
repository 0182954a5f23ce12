//! The end of a run: verdict, results and status count at one moment. Results that are too many for one write are delivered
//! before it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, named_params};
use suitesync_contract::{
    DelegateName, Exit, LogSummary, ResultCounts, ResultFile, ResultsSeen, RunId, RunReport, Verdict,
};

use super::super::columns::json;
use super::super::delivery::{self, DeliveredRun, Delivery, NewDelivery};
use super::super::results::{self, Origin, Recorded};
use super::super::{Change, Result};
use super::{Because, RunRecord, apply, find};
use crate::domain::event::{Event, EventName};
use crate::domain::run::{RunEvent, RunStatus, RunVerdict};

/// What came back from a delegate, judged.
#[derive(Debug, Clone)]
pub struct RunEnded {
    pub run: RunId,
    pub results: Vec<Arc<ResultFile>>,
    fence: u64,
    exit: Exit,
    log: LogSummary,
    verdict: Verdict,
    /// Of the results, if they were asked for.
    counts: Option<ResultCounts>,
    delegate: Option<DelegateName>,
    at: DateTime<Utc>,
}

impl RunEnded {
    /// `results_wanted` is whether reports were asked for.
    pub fn new(report: RunReport, results_wanted: bool, delegate: Option<DelegateName>, at: DateTime<Utc>) -> Self {
        let seen = if results_wanted { ResultsSeen::of(&report.results) } else { ResultsSeen::NotAsked };
        let counts = results_wanted.then(|| report.results.iter().flat_map(|file| &file.cases).collect());
        Self {
            run: report.run,
            results: report.results.into_iter().map(Arc::new).collect(),
            fence: report.fence,
            verdict: Verdict::of(&report.exit, seen),
            exit: report.exit,
            log: report.log,
            counts,
            delegate,
            at,
        }
    }

    /// Whether the results are too many for one write.
    pub fn is_large(&self) -> bool {
        self.results.iter().map(|file| file.cases.len()).sum::<usize>() > delivery::AT_ONCE
    }

    /// The run, unless the outcome comes too late: it is over, or was handed out anew.
    fn awaited(&self, sql: &Connection) -> Result<Option<RunRecord>> {
        Ok(find(sql, self.run)?.filter(|run| run.fence == self.fence && !run.status.is_final()))
    }
}

/// Begins the delivery of the results, which count once the end is recorded. `None` where the outcome comes too late.
pub fn deliver(change: &Change<'_>, ended: &RunEnded) -> Result<Option<Delivery>> {
    let Some(run) = ended.awaited(change.sql())? else { return Ok(None) };
    let new = NewDelivery {
        project: run.project,
        source: format!("run {}", ended.run),
        content: format!("run {}.{}", ended.run, ended.fence),
        run: Some(DeliveredRun { id: ended.run, link: run.link, root: run.root }),
    };
    delivery::begin(change.sql(), new, ended.at).map(Some)
}

/// Records the end of a run, with its results unless they were `delivered`. `None` where the outcome comes too late.
pub fn end(change: &mut Change<'_>, ended: &RunEnded, delivered: Option<(i64, Recorded)>) -> Result<Option<RunRecord>> {
    let Some(run) = ended.awaited(change.sql())? else {
        refuse(change, ended)?;
        return Ok(None);
    };
    note(change, ended)?;
    match delivered {
        Some((id, recorded)) => delivery::count(change.sql(), id, recorded, ended.at)?,
        None => {
            let (link, root) = (Some(&run.link), run.root.as_str());
            let origin = Origin { project: &run.project, run: Some(run.id), import: None, link, root };
            results::record(change.sql(), &origin, &ended.results, ended.at)?;
        }
    }
    // What it was canceled with is why it ended, if it was.
    let reason = if run.status == RunStatus::Canceling { None } else { ended.verdict.reason() };
    let because = Because { reason, message: told(&ended.exit), delegate: ended.delegate.clone() };
    apply(change, run.id, RunEvent::Ended(of(ended.verdict)), &because, ended.at)
}

/// Writes down what is known besides the status.
fn note(change: &Change<'_>, ended: &RunEnded) -> Result<()> {
    let mut statement = change.sql().prepare_cached(
        "UPDATE run SET counts = :counts, exit = :exit, written_bytes = :written, omitted_bytes = :omitted,
             started_at = coalesce(started_at, :started)
         WHERE id = :id",
    )?;
    statement.execute(named_params! {
        ":id": ended.run.0,
        ":counts": ended.counts.as_ref().map(json).transpose()?,
        ":exit": json(&ended.exit)?,
        ":written": ended.log.written_bytes,
        ":omitted": ended.log.omitted_bytes,
        ":started": super::millis(ended.at),
    })?;
    Ok(())
}

fn refuse(change: &mut Change<'_>, ended: &RunEnded) -> Result<()> {
    let run = ended.run;
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
