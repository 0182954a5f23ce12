//! Runs: queued within what delegates can take, recorded as they begin and end, canceled in two phases, and found again
//! after a restart.

mod ending;
mod resuming;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, Failure, LinkName, Progress, RunId, Tags, Task, TaskId};
use tokio_util::sync::CancellationToken;

use super::operating::unrecorded;
use super::{Agent, Note, Purpose, report_write};
use crate::catalog::delivery::AT_ONCE;
use crate::catalog::run::{Because, RunRecord};
use crate::catalog::{Change, import, results, run};
use crate::domain::run::{RunEvent, RunStatus, RunVerdict};
use crate::engine::control::{ActedOnRun, Refusal, RefusalKind};
use crate::engine::delegate::ProgressSink;
use crate::engine::dispatcher::Order;
use crate::engine::remote::HandedRun;
use crate::engine::tasks;

use ending::record_at_last;

pub(super) use resuming::{Left, ResumedRun};

/// A run that is not over.
#[derive(Debug)]
pub(super) struct RunWork {
    link: LinkName,
    handed: HandedRun,
    cancel: CancellationToken,
    /// Whether its command was started. Set as the delegate says so, whatever the actor is at.
    begun: Arc<AtomicBool>,
    /// Why it was stopped as soon as it had begun, if it was.
    unrecorded: Arc<OnceLock<Failure>>,
}

impl RunWork {
    fn new(record: &RunRecord, cancel: CancellationToken) -> Self {
        let handed = HandedRun { run: record.id, fence: record.fence };
        Self { link: record.link.clone(), handed, cancel, begun: Arc::default(), unrecorded: Arc::default() }
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }
}

impl Agent {
    /// Hands a recorded run on to whoever can take it; it waits until somebody can.
    pub(super) fn queue_run(&mut self, record: &RunRecord) {
        let (task, tags) = match self.run_task(record) {
            Ok(order) => order,
            Err(because) => return self.end_unplaced(record.id, because),
        };
        let cancel = self.stop.child_token();
        let work = RunWork::new(record, cancel.clone());
        let (id, notes) = (task.id, self.notes.clone());
        let heard = self.run_progress(&work, move |progress| {
            // Nobody is left to hear it when the agent stops.
            let _ = notes.send(Note::Progress(id, progress));
        });
        self.runs.insert(record.id, work);
        self.place(Purpose::Run(record.id), Order::new(task, tags, cancel, heard));
    }

    /// Keeps the log, notes the beginning, and hands on what is neither.
    fn run_progress(&self, work: &RunWork, other: impl Fn(Progress) + Send + Sync + 'static) -> ProgressSink {
        let (run, begun, logs) = (work.handed.run, Arc::clone(&work.begun), self.logs.clone());
        Arc::new(move |progress| match progress {
            Progress::Log { piece, at } => logs.append(run, &piece, at),
            Progress::Started { .. } => {
                begun.store(true, Ordering::Release);
                other(progress);
            }
            Progress::Step(_) | Progress::Received { .. } | Progress::Read { .. } => other(progress),
        })
    }

    /// What is to be done for a run, by the configuration of now and the commit that it was recorded with.
    fn run_task(&mut self, record: &RunRecord) -> Result<(Task, Tags), Because> {
        let gone = |what: &str| Because {
            reason: Some("removed"),
            message: Some(format!("the {what} is no longer in the configuration")),
            delegate: None,
        };
        let id = self.next_task();
        let schedule = self.plan.schedules.get(&record.schedule).ok_or_else(|| gone("schedule"))?;
        let link = self.plan.links.get(&record.link).ok_or_else(|| gone("link"))?;
        let connection =
            self.plan.connections.get(&link.config.connection).ok_or_else(|| gone("connection of the link"))?;
        let commit = record.commit.ok_or_else(|| never_synced(link.record.failure.as_ref()))?;
        let tags = self.config.tags_of_schedule(&schedule.config);
        Ok((tasks::run(id, (&connection.config, &link.config, &schedule.config), record, commit), tags))
    }

    /// It was handed out anew: what an earlier delegate says of it no longer counts.
    pub(super) fn note_handed_out(&mut self, record: &RunRecord) {
        if let Some(work) = self.runs.get_mut(&record.id) {
            work.handed.fence = record.fence;
        }
    }

    fn end_unplaced(&self, id: RunId, because: Because) {
        let end = move |change: &mut Change<'_>| {
            run::apply(change, id, RunEvent::Ended(RunVerdict::Error), &because, Utc::now())
        };
        let (catalog, stop) = (self.catalog.clone(), self.stop.clone());
        self.tracker.spawn(async move {
            report_write("to record the end of a run", record_at_last(&catalog, &stop, id, end).await)
        });
    }

    /// The delegate says that the command was started: it is recorded at once, with who has it and what its processes are
    /// found by. One that was handed out anew since then is not the run that counts.
    pub(super) fn begun(&mut self, id: RunId, delegate: Option<DelegateName>, marker: serde_json::Value) {
        let Some(work) = self.runs.get(&id) else { return };
        let (catalog, cancel, fence) = (self.catalog.clone(), work.cancel.clone(), work.handed.fence);
        let unrecorded = Arc::clone(&work.unrecorded);
        let because = Because { delegate, ..Because::default() };
        let begin = move |change: &mut Change<'_>| {
            if run::find(change.sql(), id)?.is_none_or(|run| run.fence != fence) {
                return Ok(None);
            }
            run::mark(change, id, &marker)?;
            run::apply(change, id, RunEvent::Started, &because, Utc::now())
        };
        self.tracker.spawn(async move {
            let begun = catalog.write_durably(None, begin).await;
            match begun {
                Ok(Some(run)) if run.status == RunStatus::Running => return,
                // It was canceled just as it began.
                Ok(_) => {}
                // After a crash nobody would know of it, and it would be begun twice.
                Err(error) => drop(unrecorded.set(error.failure(catalog.path()))),
            }
            cancel.cancel();
        });
    }

    /// Tells whoever has the run to end it.
    pub(super) fn stop_run(&mut self, id: RunId) {
        if let Some(work) = self.runs.get(&id) {
            work.cancel.cancel();
            self.begin_queued();
        }
    }

    /// Takes these out of the queue, which the catalog has canceled.
    pub(super) fn drop_canceled(&mut self, runs: &[RunId]) {
        for work in runs.iter().filter_map(|id| self.runs.get(id)).filter(|work| !work.has_begun()) {
            work.cancel.cancel();
        }
        if !runs.is_empty() {
            self.begin_queued();
        }
    }

    /// Takes the runs of a link out of the queue that the catalog has canceled.
    pub(super) fn drop_queued(&mut self, link: &LinkName) {
        for work in self.runs.values().filter(|work| work.link == *link && !work.has_begun()) {
            work.cancel.cancel();
        }
        self.begin_queued();
    }

    /// Begins queued runs that can begin, and lets go of those that were canceled.
    fn begin_queued(&mut self) {
        let impossible = self.dispatcher.begin_waiting_runs();
        self.end_all(impossible);
    }

    /// The same for every link that the catalog says is archived or cut off, and for all else that was canceled.
    pub(super) fn drop_barred(&mut self) {
        let is_cut_off = |connection: &suitesync_contract::ConnectionName| {
            self.plan.connections.get(connection).is_none_or(|entry| entry.record.state.is_disconnected())
        };
        for work in self.runs.values().filter(|work| !work.has_begun()) {
            let link = self.plan.links.get(&work.link);
            if link.is_none_or(|link| link.record.state.is_archived() || is_cut_off(&link.config.connection)) {
                work.cancel.cancel();
            }
        }
        self.begin_waiting();
    }

    pub(super) async fn cancel_run(&mut self, id: RunId, by: &str) -> Result<ActedOnRun, Refusal> {
        let because = Because::reason("operator");
        let cancel = move |change: &mut Change<'_>| {
            let before = run::find(change.sql(), id)?;
            let after = run::apply(change, id, RunEvent::Cancel, &because, Utc::now())?;
            Ok(before.zip(after))
        };
        let done = self.catalog.write_durably(Some(by), cancel).await.map_err(unrecorded)?;
        let (before, after) = done.ok_or_else(|| Refusal {
            kind: RefusalKind::Unknown,
            message: format!("there is no run {id}"),
            hint: "`suitesync run list` shows those there are".to_owned(),
        })?;
        self.stop_run(id);
        let status = after.status.code().to_owned();
        Ok(ActedOnRun { run: id, status, changed: before.status != after.status })
    }

    /// Lets go of runs with their logs, and of results, that are kept no longer.
    pub(super) fn forget_runs(&self) {
        let retention = self.config.retention;
        let before = |kept: Duration| Utc::now() - TimeDelta::from_std(kept).unwrap_or(TimeDelta::MAX / 2);
        let (runs_before, results_before): (DateTime<Utc>, DateTime<Utc>) =
            (before(retention.runs), before(retention.results));
        let (catalog, logs) = (self.catalog.clone(), self.logs.clone());
        let forget = move |change: &mut Change<'_>| {
            import::forget(change.sql(), results_before)?;
            run::forget(change.sql(), runs_before)
        };
        self.tracker.spawn(async move {
            let forgotten = async {
                while !catalog.write(move |change| results::forget(change.sql(), results_before, AT_ONCE)).await? {}
                catalog.write(forget).await
            };
            match forgotten.await {
                Ok(gone) => tokio::task::spawn_blocking(move || logs.remove(&gone)).await.unwrap_or_default(),
                Err(error) => report_write::<()>("to forget old runs and results", Err(error)),
            }
        });
    }

    /// Runs that a delegate has in hand; all others that are queued wait.
    pub(super) fn handed(&self) -> BTreeSet<RunId> {
        let run_of = |(task, purpose): (&TaskId, &Purpose)| {
            let Purpose::Run(run) = purpose else { return None };
            self.dispatcher.holder(*task).map(|_| *run)
        };
        self.under_way.iter().filter_map(run_of).collect()
    }

    /// Whether any delegate executes runs at all.
    pub(super) fn executes_runs(&self) -> bool {
        self.dispatcher.may_do(WorkKind::Run)
    }
}

/// Why nothing can be run of a link whose catalog holds nothing.
pub(super) fn never_synced(failure: Option<&Failure>) -> Because {
    let (reason, message) = match failure {
        Some(failure) => (failure.class.code(), format!("the link could not be synced: {}", failure.message)),
        None => ("never_synced", "the link was never synced".to_owned()),
    };
    Because { reason: Some(reason), message: Some(message), delegate: None }
}
