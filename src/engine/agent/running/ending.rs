//! The end of a run, recorded with what came of it.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use suitesync_contract::{DelegateName, Exit, Facts, Failure, FailureClass, RunId, StopReason, Work};
use tokio_util::sync::CancellationToken;

use super::super::{Agent, Ended, report_write};
use crate::catalog::results::Recorded;
use crate::catalog::run::{Because, RunEnded, RunRecord};
use crate::catalog::{Catalog, CatalogError, Change, run};
use crate::domain::run::{RunEvent, RunStatus, RunVerdict};
use crate::engine::importing;
use crate::engine::remote::HandedRun;

/// How long the end of a run waits that could not be recorded: somebody has to make room.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What came of a run.
pub(super) struct EndedRun {
    pub(super) handed: HandedRun,
    pub(super) delegate: Option<DelegateName>,
    /// Whether reports were asked for.
    pub(super) results_wanted: bool,
    pub(super) result: Result<Facts, Failure>,
}

impl Agent {
    pub(in crate::engine::agent) fn end_run(&mut self, id: RunId, ended: Ended) {
        let work = self.runs.remove(&id);
        let Work::Run(task) = &ended.task.work else { return };
        let is_canceled = matches!(&ended.outcome.result, Err(failure) if failure.class == FailureClass::Canceled);
        if is_canceled && work.as_ref().is_some_and(|work| !work.has_begun()) {
            // The catalog said so before its delegate was told.
            return;
        }
        let unrecorded = work.as_ref().and_then(|work| work.unrecorded.get());
        self.record_end(EndedRun {
            handed: HandedRun { run: task.run, fence: task.fence },
            delegate: ended.delegate,
            results_wanted: !task.results.is_empty(),
            result: as_begun(unrecorded, ended.outcome.result),
        });
    }

    /// Records the end; whoever keeps it until then may let go of it after that.
    pub(super) fn record_end(&self, ended: EndedRun) {
        let EndedRun { handed, delegate, results_wanted, result } = ended;
        let keeper = self.remote.clone();
        let (at, catalog) = (Utc::now(), self.catalog.clone());
        let stop = self.stop.clone();
        let result = match result {
            Ok(Facts::Run(report)) => Ok(RunEnded::new(report, results_wanted, delegate, at)),
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
                Ok(ended) => record_report(&catalog, &stop, ended).await,
                Err((failure, delegate)) => {
                    let end = failing(handed, failure, delegate);
                    record_at_last(&catalog, &stop, handed.run, end).await.map(drop)
                }
            };
            if written.is_ok()
                && let Some(keeper) = keeper
            {
                keeper.settled(handed);
            }
        });
    }
}

/// Records what a delegate reports of a run that is over. Results that are too many for one write come before its end, so
/// that others can write between them; none of them counts until then, or at all if the end is refused.
async fn record_report(catalog: &Catalog, stop: &CancellationToken, ended: RunEnded) -> Result<(), CatalogError> {
    let (run, ended) = (ended.run, Arc::new(ended));
    let delivered = if ended.is_large() { deliver(catalog, stop, &ended).await? } else { None };
    let end = move |change: &mut Change<'_>| run::end(change, &ended, delivered);
    let over = record_at_last(catalog, stop, run, end).await?;
    if let (None, Some((id, _))) = (over, delivered) {
        report_write("to let go of the results of a run", importing::clear(catalog, Some(id)).await);
    }
    Ok(())
}

async fn deliver(
    catalog: &Catalog,
    stop: &CancellationToken,
    ended: &Arc<RunEnded>,
) -> Result<Option<(i64, Recorded)>, CatalogError> {
    let (begun, run) = (Arc::clone(ended), ended.run);
    let begin = move |change: &mut Change<'_>| run::deliver(change, &begun);
    let Some(delivery) = record_at_last(catalog, stop, run, begin).await? else { return Ok(None) };
    let (id, mut recorded) = (delivery.id, Recorded::default());
    for write in delivery.writes(ended.results.clone()) {
        recorded += record_at_last(catalog, stop, run, write).await?;
    }
    Ok(Some((id, recorded)))
}

/// What came of a run whose beginning could not be recorded: it was stopped for that, unless it was over before.
pub(super) fn as_begun(unrecorded: Option<&Failure>, result: Result<Facts, Failure>) -> Result<Facts, Failure> {
    let was_stopped = match &result {
        Ok(Facts::Run(report)) => report.exit == Exit::Stopped(StopReason::Canceled),
        Ok(Facts::Probe(_) | Facts::Sync(_)) => false,
        Err(failure) => failure.class == FailureClass::Canceled,
    };
    match unrecorded {
        Some(failure) if was_stopped => Err(failure.clone()),
        Some(_) | None => result,
    }
}

/// Ends a run that its delegate could not carry out. One that had begun is never begun again.
fn failing(
    handed: HandedRun,
    failure: Failure,
    delegate: Option<DelegateName>,
) -> impl Fn(&mut Change<'_>) -> Result<Option<RunRecord>, CatalogError> + Clone {
    let is_canceled = failure.class == FailureClass::Canceled;
    let event = RunEvent::Ended(if is_canceled { RunVerdict::Canceled } else { RunVerdict::Error });
    let because = Because { reason: Some(failure.class.code()), message: Some(failure.message), delegate };
    move |change: &mut Change<'_>| {
        let Some(run) = run::find(change.sql(), handed.run)?.filter(|run| run.fence == handed.fence) else {
            return Ok(None);
        };
        // What it was canceled with is why it ended.
        let is_canceling = run.status == RunStatus::Canceling;
        let delegate = because.delegate.clone();
        let because = if is_canceling { Because { delegate, ..Because::default() } } else { because.clone() };
        run::apply(change, handed.run, event, &because, Utc::now())
    }
}

/// Writes the end of a run: what cannot be written, as on a full disk, is tried again until it can, or the agent stops. A
/// run that is over and not recorded would hold back its schedule.
pub(super) async fn record_at_last<T: Send + 'static>(
    catalog: &Catalog,
    stop: &CancellationToken,
    run: RunId,
    end: impl Fn(&mut Change<'_>) -> Result<T, CatalogError> + Clone + Send + 'static,
) -> Result<T, CatalogError> {
    let mut written = catalog.write_durably(None, end.clone()).await;
    if let Err(error) = &written {
        let error = error as &dyn std::error::Error;
        tracing::error!(
            run = run.0,
            error,
            "failed to record the end of a run; it is tried again until it is recorded"
        );
    }
    while written.is_err() && stop.run_until_cancelled(tokio::time::sleep(AGAIN_AFTER)).await.is_some() {
        written = catalog.write_durably(None, end.clone()).await;
    }
    written
}

fn nobody_executes() -> Failure {
    let message = "no delegate executes runs; write `runs = true` at a [[delegate]], or add one that has it";
    Failure::new(FailureClass::NoEligibleDelegate, message)
}

#[cfg(test)]
mod tests;
