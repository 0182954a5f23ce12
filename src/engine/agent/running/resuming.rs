//! Runs after a start of the agent: what waited goes on waiting, what goes on elsewhere is attached to, and what was a child
//! of the killed agent is looked for, stopped, and recorded as over.
//!
//! A run that the catalog has as queued may have begun elsewhere just as the agent was killed. So with delegates on other
//! hosts, what is queued is handed out anew only once it is known what they have, or after a while without them. And before
//! it is known who they are, however long that takes, nothing fails for want of a delegate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chrono::Utc;
use serde_json::Value;
use suitesync_contract::{DelegateName, Facts, Failure, RunId};
use suitesync_remote::Resumption;
use suitesync_runner::{RunMarker, sweep};
use tokio_util::sync::CancellationToken;

use super::super::{Agent, Note, report_write};
use super::RunWork;
use super::ending::{EndedRun, as_begun, record_at_last};
use crate::catalog::run::{Because, RunFilter, RunRecord};
use crate::catalog::{Catalog, CatalogError, Change, run};
use crate::domain::run::{RunEvent, RunStatus};
use crate::engine::remote::{HandedRun, RemoteDelegates, is_marked, marked};

/// What a run left by a killed agent gets between SIGTERM and SIGKILL.
const SWEEP_GRACE: Duration = Duration::from_secs(5);

/// How long what is queued waits for news of delegates on other hosts: as long as they are silent before they are lost,
/// with room for the way.
const NEWS_WITHIN: Duration = Duration::from_secs(15);

/// How long what is queued waits where the catalog cannot be written: somebody has to make room.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// A run that went on elsewhere has ended.
pub(in crate::engine::agent) struct ResumedRun {
    handed: HandedRun,
    delegate: DelegateName,
    /// Unknown where its schedule is no longer in the configuration.
    results_wanted: Option<bool>,
    result: Result<Facts, Failure>,
}

/// Runs that were queued when the agent started, and what delegates of other hosts have.
pub(in crate::engine::agent) struct Left {
    queued: Vec<RunRecord>,
    elsewhere: Vec<Resumption>,
}

impl Agent {
    /// After a start: nothing of earlier runs is lost, begun twice or left behind.
    pub(in crate::engine::agent) async fn resume_runs(&mut self) -> Result<(), CatalogError> {
        let filter = RunFilter { unfinished: true, ..RunFilter::default() };
        let left = self.catalog.read(move |sql| run::list(sql, &filter)).await?;
        let (queued, begun): (Vec<_>, Vec<_>) = left.into_iter().partition(|run| run.status == RunStatus::Queued);
        let Some(remote) = self.remote.clone() else {
            self.bury_all(begun);
            return self.queue_again(&queued).await;
        };
        let is_elsewhere = |run: &RunRecord| run.delegate.is_some() && is_marked(run.marker.as_ref());
        let (elsewhere, here): (Vec<_>, Vec<_>) = begun.into_iter().partition(is_elsewhere);
        self.bury_all(here);
        self.attach_all(&remote, elsewhere.iter().filter_map(|run| Some((run, run.delegate.clone()?))).collect()).await;
        self.look_for_left(remote, queued);
        Ok(())
    }

    fn bury_all(&self, runs: Vec<RunRecord>) {
        for run in runs {
            let (catalog, stop) = (self.catalog.clone(), self.stop.clone());
            self.tracker.spawn(async move {
                report_write("to record the end of a run", bury(&catalog, &stop, run).await);
            });
        }
    }

    /// Finds out who is there, and which of the queued runs have begun elsewhere.
    fn look_for_left(&mut self, remote: Arc<RemoteDelegates>, queued: Vec<RunRecord>) {
        self.dispatcher.expect_more();
        let (notes, stop) = (self.notes.clone(), self.stop.clone());
        self.tracker.spawn(stop.run_until_cancelled_owned(async move {
            let found = tokio::time::timeout(NEWS_WITHIN, remote.left()).await;
            // Nobody is left to hear it when the agent stops.
            let _ = notes.send(Note::Left(Left { queued, elsewhere: found.unwrap_or_default() }));
            remote.met().await;
            let _ = notes.send(Note::AllKnown);
        }));
    }

    /// Delegates on other hosts are known now, be they there or not: what none of all can do fails.
    pub(in crate::engine::agent) async fn know_all(&mut self) {
        // Those of whom was heard just now are among them.
        self.set_delegates().await;
        let impossible = self.dispatcher.expect_no_more();
        self.end_all(impossible);
    }

    /// Attaches to queued runs that have begun elsewhere; the others wait again.
    pub(in crate::engine::agent) async fn take_up_left(&mut self, left: Left) -> Result<(), CatalogError> {
        let Left { queued, elsewhere } = left;
        let held: BTreeMap<(RunId, u64), DelegateName> =
            elsewhere.into_iter().map(|resumption| ((resumption.run, resumption.fence), resumption.delegate)).collect();
        let (begun, queued): (Vec<_>, Vec<_>) =
            queued.into_iter().partition(|run| held.contains_key(&(run.id, run.fence)));
        if let Some(remote) = self.remote.clone() {
            let keeper = |run: &RunRecord| held.get(&(run.id, run.fence)).cloned();
            self.attach_all(&remote, begun.iter().filter_map(|run| Some((run, keeper(run)?))).collect()).await;
        }
        let again = self.queue_again(&queued).await;
        if again.is_err() {
            self.take_up_later(Left { queued, elsewhere: Vec::new() });
        }
        again
    }

    /// Nobody else knows of these runs.
    fn take_up_later(&self, left: Left) {
        let (notes, stop) = (self.notes.clone(), self.stop.clone());
        self.tracker.spawn(async move {
            if stop.run_until_cancelled(tokio::time::sleep(AGAIN_AFTER)).await.is_some() {
                // Nobody is left to hear it when the agent stops.
                let _ = notes.send(Note::Left(left));
            }
        });
    }

    async fn queue_again(&mut self, queued: &[RunRecord]) -> Result<(), CatalogError> {
        let ids: Vec<_> = queued.iter().map(|run| run.id).collect();
        let again = move |change: &mut Change<'_>| {
            ids.into_iter().map(|id| run::hand_out(change, id)).collect::<Result<Vec<_>, _>>()
        };
        for record in self.catalog.write_durably(None, again).await?.into_iter().flatten() {
            self.queue_run(&record);
        }
        Ok(())
    }

    async fn attach_all(&mut self, remote: &Arc<RemoteDelegates>, runs: Vec<(&RunRecord, DelegateName)>) {
        if runs.is_empty() {
            return;
        }
        // They are known by name before anything is heard of them.
        remote.recall(runs.iter().map(|(_, delegate)| delegate.clone()));
        self.set_delegates().await;
        for (record, delegate) in runs {
            self.attach(Arc::clone(remote), record, delegate);
        }
    }

    fn attach(&mut self, remote: Arc<RemoteDelegates>, record: &RunRecord, delegate: DelegateName) {
        let cancel = self.stop.child_token();
        let work = RunWork { begun: Arc::new(AtomicBool::new(true)), ..RunWork::new(record, cancel.clone()) };
        let (handed, progress) = (work.handed, self.run_progress(&work, drop));
        self.runs.insert(record.id, work);
        match record.status {
            RunStatus::Canceling => cancel.cancel(),
            RunStatus::Queued => self.begun(record.id, Some(delegate.clone()), marked(Value::Null)),
            // It is recorded already that it has begun; none of the others is resumed.
            RunStatus::Running
            | RunStatus::Passed
            | RunStatus::Failed
            | RunStatus::Error
            | RunStatus::Canceled
            | RunStatus::TimedOut
            | RunStatus::Skipped => {}
        }
        let schedule = self.plan.schedules.get(&record.schedule);
        let results_wanted = schedule.map(|entry| !entry.config.results.is_empty());
        let notes = self.notes.clone();
        self.dispatcher.occupy(&delegate);
        self.tracker.spawn(async move {
            let result = remote.resume(&delegate, handed, progress, cancel).await;
            // Nobody is left to hear it when the agent stops.
            let _ = notes.send(Note::Resumed(Box::new(ResumedRun { handed, delegate, results_wanted, result })));
        });
    }

    /// A run that went on elsewhere is over.
    pub(in crate::engine::agent) fn end_resumed(&mut self, resumed: ResumedRun) {
        let ResumedRun { handed, delegate, results_wanted, result } = resumed;
        let work = self.runs.remove(&handed.run);
        let result = as_begun(work.as_ref().and_then(|work| work.unrecorded.get()), result);
        let impossible = self.dispatcher.vacate(&delegate);
        self.end_all(impossible);
        let reported = matches!(&result, Ok(Facts::Run(report)) if !report.results.is_empty());
        let results_wanted = results_wanted.unwrap_or(reported);
        self.record_end(EndedRun { handed, delegate: Some(delegate), results_wanted, result });
    }
}

/// Stops what is left of a run of an agent that was killed, and records its end.
async fn bury(catalog: &Catalog, stop: &CancellationToken, run: RunRecord) -> Result<(), CatalogError> {
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
    record_at_last(catalog, stop, run.id, end).await.map(drop)
}
