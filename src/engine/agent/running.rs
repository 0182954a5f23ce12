//! Runs: queued within what delegates can take, recorded as they begin and end, canceled in two phases, and found again
//! after a restart.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{Facts, Failure, FailureClass, LinkName, Progress, RunId, Tags, Task};
use suitesync_runner::{RunMarker, sweep};
use tokio_util::sync::CancellationToken;

use super::operating::unrecorded;
use super::{Agent, Ended, Job, Note, report_write};
use crate::catalog::run::{Because, RunEnded, RunFilter, RunRecord};
use crate::catalog::{Catalog, CatalogError, Change, import, results, run};
use crate::domain::run::{RunEvent, RunStatus, RunVerdict};
use crate::engine::control::{ActedOnRun, Refusal, RefusalKind};
use crate::engine::dispatcher::Order;
use crate::engine::tasks;

/// What a run left by a killed agent gets between SIGTERM and SIGKILL.
const SWEEP_GRACE: Duration = Duration::from_secs(5);

/// A run that is not over.
#[derive(Debug)]
pub(super) struct RunWork {
    pub(super) link: LinkName,
    pub(super) cancel: CancellationToken,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Queued,
    Begun,
}

impl Agent {
    /// Hands a recorded run on to whoever can take it; it waits until somebody can.
    pub(super) fn queue_run(&mut self, record: &RunRecord) {
        let (task, tags) = match self.run_task(record) {
            Ok(order) => order,
            Err(because) => return self.end_unplaced(record.id, because),
        };
        let cancel = self.stop.child_token();
        let work = RunWork { link: record.link.clone(), cancel: cancel.clone(), phase: Phase::Queued };
        self.runs.insert(record.id, work);
        let (id, run, notes, logs) = (task.id, record.id, self.notes.clone(), self.logs.clone());
        let progress = Arc::new(move |progress| {
            if let Progress::Log { piece, .. } = &progress {
                return logs.append(run, piece);
            }
            // Nobody is left to hear it when the agent stops.
            let _ = notes.send(Note::Progress(id, progress));
        });
        self.place(Job::Run(run), Order::new(task, tags, cancel, progress));
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

    fn end_unplaced(&self, id: RunId, because: Because) {
        let catalog = self.catalog.clone();
        let end = move |change: &mut Change<'_>| {
            run::apply(change, id, RunEvent::Ended(RunVerdict::Error), &because, Utc::now())
        };
        self.tracker.spawn(async move { report_write(catalog.write_durably(None, end).await) });
    }

    /// The delegate says that the command was started: it is recorded at once, with what its processes are found by.
    pub(super) fn begun(&mut self, id: RunId, marker: serde_json::Value) {
        if let Some(work) = self.runs.get_mut(&id) {
            work.phase = Phase::Begun;
        }
        let (catalog, notes) = (self.catalog.clone(), self.notes.clone());
        let begin = move |change: &mut Change<'_>| {
            run::mark(change, id, &marker)?;
            run::apply(change, id, RunEvent::Started, &Because::default(), Utc::now())
        };
        self.tracker.spawn(async move {
            let begun = catalog.write_durably(None, begin).await;
            let is_wanted = matches!(&begun, Ok(Some(run)) if run.status == RunStatus::Running);
            report_write(begun);
            if !is_wanted {
                // It was canceled just as it began, or nobody would know of it after a crash.
                let _ = notes.send(Note::Unwanted(id));
            }
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
        for work in runs.iter().filter_map(|id| self.runs.get(id)).filter(|work| work.phase == Phase::Queued) {
            work.cancel.cancel();
        }
        if !runs.is_empty() {
            self.begin_queued();
        }
    }

    /// Takes the runs of a link out of the queue that the catalog has canceled.
    pub(super) fn drop_queued(&mut self, link: &LinkName) {
        for work in self.runs.values().filter(|work| work.link == *link && work.phase == Phase::Queued) {
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
        for work in self.runs.values().filter(|work| work.phase == Phase::Queued) {
            let link = self.plan.links.get(&work.link);
            if link.is_none_or(|link| link.record.state.is_archived() || is_cut_off(&link.config.connection)) {
                work.cancel.cancel();
            }
        }
        self.begin_waiting();
    }

    pub(super) fn end_run(&mut self, id: RunId, ended: Ended) {
        let phase = self.runs.remove(&id).map(|work| work.phase);
        let suitesync_contract::Work::Run(task) = &ended.task.work else {
            return;
        };
        let is_canceled = matches!(&ended.outcome.result, Err(failure) if failure.class == FailureClass::Canceled);
        if is_canceled && phase == Some(Phase::Queued) {
            // The catalog said so before its delegate was told.
            return;
        }
        let (at, delegate, results_wanted) = (Utc::now(), ended.delegate, !task.results.is_empty());
        let (catalog, notes) = (self.catalog.clone(), self.notes.clone());
        let result = match ended.outcome.result {
            Ok(Facts::Run(report)) => Ok(RunEnded { report, results_wanted, delegate, at }),
            Ok(Facts::Probe(_) | Facts::Sync(_)) => {
                Err((Failure::new(FailureClass::Internal, "the delegate answered a run with something else"), delegate))
            }
            Err(failure) if failure.class == FailureClass::NoEligibleDelegate && !self.executes_runs() => {
                Err((nobody_executes(), delegate))
            }
            Err(failure) => Err((failure, delegate)),
        };
        self.tracker.spawn(async move {
            let written = match result {
                Ok(ended) => catalog.write_durably(None, move |change| run::end(change, &ended)).await.map(drop),
                Err((failure, delegate)) => fail(&catalog, id, failure, delegate).await,
            };
            report_write(written);
            // Nobody is left to hear it when the agent stops.
            let _ = notes.send(Note::RunOver);
        });
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

    /// After a start: queued runs go on waiting; what was running is looked for, stopped, and recorded as over.
    pub(super) async fn resume_runs(&mut self) -> Result<(), CatalogError> {
        let filter = RunFilter { unfinished: true, ..RunFilter::default() };
        let left = self.catalog.read(move |sql| run::list(sql, &filter)).await?;
        let (queued, begun): (Vec<_>, Vec<_>) = left.into_iter().partition(|run| run.status == RunStatus::Queued);
        for run in begun {
            let catalog = self.catalog.clone();
            self.tracker.spawn(async move { report_write(bury(&catalog, run).await) });
        }
        let ids: Vec<_> = queued.iter().map(|run| run.id).collect();
        let again = move |change: &mut Change<'_>| {
            ids.into_iter().map(|id| run::hand_out(change, id)).collect::<Result<Vec<_>, _>>()
        };
        for record in self.catalog.write_durably(None, again).await?.into_iter().flatten() {
            self.queue_run(&record);
        }
        Ok(())
    }

    /// Lets go of runs with their logs, and of results, that are kept no longer.
    pub(super) fn forget_runs(&self) {
        let retention = self.config.retention;
        let before = |kept: Duration| Utc::now() - TimeDelta::from_std(kept).unwrap_or(TimeDelta::MAX / 2);
        let (runs_before, results_before): (DateTime<Utc>, DateTime<Utc>) =
            (before(retention.runs), before(retention.results));
        let (catalog, logs) = (self.catalog.clone(), self.logs.clone());
        let forget = move |change: &mut Change<'_>| {
            results::forget(change.sql(), results_before)?;
            import::forget(change.sql(), results_before)?;
            run::forget(change.sql(), runs_before)
        };
        self.tracker.spawn(async move {
            match catalog.write(forget).await {
                Ok(gone) => tokio::task::spawn_blocking(move || logs.remove(&gone)).await.unwrap_or_default(),
                Err(error) => report_write::<()>(Err(error)),
            }
        });
    }

    /// Whether any delegate executes runs at all.
    pub(super) fn executes_runs(&self) -> bool {
        self.dispatcher.does(WorkKind::Run)
    }
}

fn nobody_executes() -> Failure {
    let message = "no delegate executes runs; write `runs = true` at a [[delegate]], or add one that has it";
    Failure::new(FailureClass::NoEligibleDelegate, message)
}

/// Why nothing can be run of a link whose catalog holds nothing.
pub(super) fn never_synced(failure: Option<&Failure>) -> Because {
    let (reason, message) = match failure {
        Some(failure) => (failure.class.code(), format!("the link could not be synced: {}", failure.message)),
        None => ("never_synced", "the link was never synced".to_owned()),
    };
    Because { reason: Some(reason), message: Some(message), delegate: None }
}

/// Records a run that its delegate could not carry out. One that had begun is never begun again.
async fn fail(
    catalog: &Catalog,
    id: RunId,
    failure: Failure,
    delegate: Option<suitesync_contract::DelegateName>,
) -> Result<(), CatalogError> {
    let is_canceled = failure.class == FailureClass::Canceled;
    let event = RunEvent::Ended(if is_canceled { RunVerdict::Canceled } else { RunVerdict::Error });
    let because = Because { reason: Some(failure.class.code()), message: Some(failure.message), delegate };
    let end = move |change: &mut Change<'_>| {
        let canceling = run::find(change.sql(), id)?.is_some_and(|run| run.status == RunStatus::Canceling);
        // What it was canceled with is why it ended.
        let because = if canceling { Because { delegate: because.delegate, ..Because::default() } } else { because };
        run::apply(change, id, event, &because, Utc::now())
    };
    catalog.write_durably(None, end).await.map(drop)
}

/// Stops what is left of a run of an agent that was killed, and records its end.
async fn bury(catalog: &Catalog, run: RunRecord) -> Result<(), CatalogError> {
    let marker = run.marker.and_then(|marker| serde_json::from_value::<RunMarker>(marker).ok());
    if let Some(marker) = marker {
        let swept = tokio::task::spawn_blocking(move || sweep(&marker, SWEEP_GRACE)).await;
        if let Ok(swept) = swept.as_ref()
            && !swept.remaining.is_empty()
        {
            tracing::warn!(
                run = run.id.0,
                processes = swept.remaining.len(),
                "processes of a run could not be stopped"
            );
        }
    }
    let because = Because::reason("agent_restarted");
    let end = move |change: &mut Change<'_>| run::apply(change, run.id, RunEvent::AgentRestarted, &because, Utc::now());
    catalog.write_durably(None, end).await.map(drop)
}
