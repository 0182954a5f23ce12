//! Tasks that are handed to `dc1`, waited for at once or later.

use std::sync::{Arc, Mutex};

use suitesync_contract::{Facts, Failure, Progress, Task};
use suitesync_remote::{Fleet, ProgressSink};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Gate, PATIENCE, eventually, name, run, run_report, sync, sync_report};

type Carried = JoinHandle<Result<Facts, Failure>>;

/// A sink that keeps what it is told.
pub(crate) fn keeping() -> (ProgressSink, Arc<Mutex<Vec<Progress>>>) {
    let kept: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let sink = Arc::clone(&kept);
    (Arc::new(move |progress| sink.lock().unwrap().push(progress)), kept)
}

/// Hands a task out and waits for what comes of it.
pub(crate) async fn carry(fleet: &Fleet, delegate: &str, task: Task) -> Result<Facts, Failure> {
    let delegate = name(delegate);
    let carried = fleet.carry_out(&delegate, task, keeping().0, CancellationToken::new());
    tokio::time::timeout(PATIENCE, carried).await.expect("the task does not end in time")
}

/// Hands a task out that is waited for later.
pub(crate) fn begin(fleet: &Arc<Fleet>, task: Task) -> Carried {
    let fleet = Arc::clone(fleet);
    tokio::spawn(async move { carry(&fleet, "dc1", task).await })
}

/// A task that its delegate has begun, and no other one.
pub(crate) async fn begun(fleet: &Arc<Fleet>, gate: &Gate, task: Task) -> Carried {
    let carried = begin(fleet, task);
    eventually("the task is begun", || gate.begun() == 1).await;
    carried
}

/// A run and a sync that their delegate has begun.
pub(crate) async fn both_begun(fleet: &Arc<Fleet>, gate: &Gate) -> [Carried; 2] {
    let both = [begin(fleet, run(1, 7, 1)), begin(fleet, sync(2, 1))];
    eventually("both are begun", || gate.begun() == 2).await;
    both
}

/// Waits until both are done, with nothing lost.
pub(crate) async fn both_done([running, syncing]: [Carried; 2]) {
    assert_eq!(running.await.unwrap(), Ok(Facts::Run(run_report(7, 1))));
    assert_eq!(syncing.await.unwrap(), Ok(Facts::Sync(sync_report(0))));
}
