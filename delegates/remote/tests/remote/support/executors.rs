//! Executors that do what a test tells them to.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use suitesync_contract::{Facts, Failure, FailureClass, Progress, Task, Work};
use suitesync_remote::{Executor, ProgressSink};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::tasks::{probe_report, run_report, sync_report};

type Answering = Pin<Box<dyn Future<Output = Result<Facts, Failure>> + Send>>;

struct Executing<F>(F);

impl<F> Executor for Executing<F>
where
    F: Fn(Task, ProgressSink, CancellationToken) -> Answering + Send + Sync + 'static,
{
    fn carry_out(
        &self,
        task: Task,
        progress: ProgressSink,
        cancel: CancellationToken,
    ) -> Pin<Box<dyn Future<Output = Result<Facts, Failure>> + Send + '_>> {
        (self.0)(task, progress, cancel)
    }
}

/// What a task of its kind comes to.
fn facts(task: &Task) -> Facts {
    match &task.work {
        Work::Probe(_) => Facts::Probe(probe_report()),
        Work::Sync(_) => Facts::Sync(sync_report(0)),
        Work::Run(run) => Facts::Run(run_report(run.run.0, run.fence)),
    }
}

/// Answers at once, with what the closure makes of the task.
pub(crate) fn answering(
    answer: impl Fn(Task, ProgressSink) -> Result<Facts, Failure> + Send + Sync + 'static,
) -> Arc<dyn Executor> {
    let answer = Arc::new(answer);
    Arc::new(Executing(move |task, progress, _| {
        let answer = Arc::clone(&answer);
        Box::pin(async move { answer(task, progress) }) as Answering
    }))
}

/// Answers at once, and counts.
pub(crate) fn counting() -> (Arc<dyn Executor>, Arc<AtomicUsize>) {
    let count: Arc<AtomicUsize> = Arc::default();
    let counted = Arc::clone(&count);
    let executor = answering(move |task, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(facts(&task))
    });
    (executor, count)
}

/// What holds tasks up, and tells how many were begun and how many were canceled.
#[derive(Clone)]
pub(crate) struct Gate {
    open: watch::Sender<bool>,
    begun: Arc<AtomicUsize>,
    canceled: Arc<AtomicUsize>,
}

impl Gate {
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    pub(crate) fn canceled(&self) -> usize {
        self.canceled.load(Ordering::SeqCst)
    }
}

/// Says that a run is started, and ends once the gate is open or the task is canceled.
pub(crate) fn gated() -> (Arc<dyn Executor>, Gate) {
    behind_gate(true)
}

/// The same, but does not heed being canceled.
pub(crate) fn stubborn() -> (Arc<dyn Executor>, Gate) {
    behind_gate(false)
}

fn behind_gate(heeds_cancel: bool) -> (Arc<dyn Executor>, Gate) {
    let gate = Gate { open: watch::Sender::new(false), begun: Arc::default(), canceled: Arc::default() };
    let held = gate.clone();
    let executor = Executing(move |task: Task, progress: ProgressSink, cancel: CancellationToken| {
        let gate = held.clone();
        Box::pin(async move {
            gate.begun.fetch_add(1, Ordering::SeqCst);
            if let Work::Run(_) = &task.work {
                progress(Progress::Started { marker: serde_json::json!({ "pid": 1 }) });
            }
            let mut open = gate.open.subscribe();
            tokio::select! {
                _ = open.wait_for(|open| *open) => Ok(facts(&task)),
                () = cancel.cancelled(), if heeds_cancel => {
                    gate.canceled.fetch_add(1, Ordering::SeqCst);
                    Err(Failure::new(FailureClass::Canceled, "canceled by the agent"))
                }
            }
        }) as Answering
    });
    (Arc::new(executor), gate)
}
