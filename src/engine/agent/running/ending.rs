//! The end of a run, recorded with what came of it.

use chrono::Utc;
use suitesync_contract::{DelegateName, Facts, Failure, FailureClass, RunId, Work};

use super::super::{Agent, Ended, Note, report_write};
use crate::catalog::run::{Because, RunEnded};
use crate::catalog::{Catalog, CatalogError, Change, run};
use crate::domain::run::{RunEvent, RunStatus, RunVerdict};
use crate::engine::remote::HandedRun;

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
        if is_canceled && work.is_some_and(|work| !work.has_begun()) {
            // The catalog said so before its delegate was told.
            return;
        }
        self.record_end(EndedRun {
            handed: HandedRun { run: task.run, fence: task.fence },
            delegate: ended.delegate,
            results_wanted: !task.results.is_empty(),
            result: ended.outcome.result,
        });
    }

    /// Records the end; whoever keeps it until then may let go of it after that.
    pub(super) fn record_end(&self, ended: EndedRun) {
        let EndedRun { handed, delegate, results_wanted, result } = ended;
        let keeper = self.remote.clone();
        let (at, catalog, notes) = (Utc::now(), self.catalog.clone(), self.notes.clone());
        let result = match result {
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
                Err((failure, delegate)) => fail(&catalog, handed, failure, delegate).await,
            };
            if written.is_ok()
                && let Some(keeper) = keeper
            {
                keeper.settled(handed);
            }
            report_write(written);
            // Nobody is left to hear it when the agent stops.
            let _ = notes.send(Note::RunOver);
        });
    }
}

/// Records a run that its delegate could not carry out. One that had begun is never begun again.
async fn fail(
    catalog: &Catalog,
    handed: HandedRun,
    failure: Failure,
    delegate: Option<DelegateName>,
) -> Result<(), CatalogError> {
    let is_canceled = failure.class == FailureClass::Canceled;
    let event = RunEvent::Ended(if is_canceled { RunVerdict::Canceled } else { RunVerdict::Error });
    let because = Because { reason: Some(failure.class.code()), message: Some(failure.message), delegate };
    let end = move |change: &mut Change<'_>| {
        let Some(run) = run::find(change.sql(), handed.run)?.filter(|run| run.fence == handed.fence) else {
            return Ok(None);
        };
        // What it was canceled with is why it ended.
        let is_canceling = run.status == RunStatus::Canceling;
        let because = if is_canceling { Because { delegate: because.delegate, ..Because::default() } } else { because };
        run::apply(change, handed.run, event, &because, Utc::now())
    };
    catalog.write_durably(None, end).await.map(drop)
}

fn nobody_executes() -> Failure {
    let message = "no delegate executes runs; write `runs = true` at a [[delegate]], or add one that has it";
    Failure::new(FailureClass::NoEligibleDelegate, message)
}
