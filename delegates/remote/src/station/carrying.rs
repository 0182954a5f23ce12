//! One task from when it came until its outcome is stored.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use suitesync_contract::{Facts, Failure, FailureClass, Outcome, Progress, Task, TaskId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::hand::Lying;
use super::journal::Leftover;
use super::{Shared, outbox};
use crate::ProgressSink;
use crate::bus::{Bus, Pauses, Removal, TASKS, remove};
use crate::message::{Content, Key};

/// How long a run may wait to be announced before it is left to come again: as long as a lease.
const ANNOUNCED_WITHIN: Duration = super::lease::LEASE;

/// Begins a task that is whole, unless it is in hand already.
pub(super) fn begin(shared: &Arc<Shared>, key: Key, body: Bytes, lying: Vec<Lying>) {
    let Some(cancel) = shared.take(key, lying) else { return };
    let shared = Arc::clone(shared);
    shared.tracker.clone().spawn(async move {
        carry(&shared, key, &body, cancel).await;
        shared.release(&key);
    });
}

/// Answers for the runs that an earlier start left: they are never started again.
pub(super) async fn bury(shared: &Shared, leftover: Leftover) {
    let Leftover { key, sequence } = leftover;
    tracing::warn!(%key, "a run was cut off by the end of the delegate; it is not started again");
    // Whether it was started is not known.
    let started = serde_json::to_vec(&Progress::Started { marker: serde_json::Value::Null });
    let _ = outbox::store(shared, key, Content::Progress, started.unwrap_or_default().into()).await;
    if let Some(sequence) = sequence {
        take_out(shared, sequence).await;
    }
    let result = Err(lost("the delegate ended in the middle of the run"));
    // An earlier start was given the task: its id is not known any more, and the agent knows the run by its key.
    if send(shared, key, &Outcome { task: UNKNOWN, result }).await {
        forget(shared, key);
    }
    shared.release(&key);
}

/// Stands for the task in a failure where it is not known.
const UNKNOWN: TaskId = TaskId(0);

fn lost(why: &str) -> Failure {
    Failure::new(FailureClass::DelegateLost, why)
}

async fn carry(shared: &Arc<Shared>, key: Key, body: &Bytes, cancel: CancellationToken) {
    let task: Task = match serde_json::from_slice(body) {
        Ok(task) => task,
        Err(error) => {
            let message = format!("the delegate cannot read the task: {error}");
            let failure = Failure::new(FailureClass::Protocol, message)
                .with_hint("have the agent and its delegates be of the same version");
            return conclude(shared, key, &Outcome { task: UNKNOWN, result: Err(failure) }).await;
        }
    };
    let id = task.id;
    let result = match shared.offer().guard.check(&task) {
        Err(failure) => {
            shared.warn_of_refusal(&failure);
            Err(failure)
        }
        Ok(()) if cancel.is_cancelled() => Err(Failure::new(FailureClass::Canceled, "canceled before it began")),
        Ok(()) if key.is_run() => match carry_run(shared, key, task, cancel).await {
            Some(result) => result,
            None => return,
        },
        Ok(()) => {
            tokio::select! {
                () = shared.lease.held() => execute(shared, key, task, cancel).await,
                () = cancel.cancelled() => Err(Failure::new(FailureClass::Canceled, "canceled before it began")),
            }
        }
    };
    conclude(shared, key, &Outcome { task: id, result }).await;
}

/// Stores the outcome, and only then lets go of the task.
async fn conclude(shared: &Shared, key: Key, outcome: &Outcome) {
    if send(shared, key, outcome).await {
        acknowledge(shared, key).await;
        if key.is_run() {
            forget(shared, key);
        }
    }
}

/// Writes a run down, announces it, claims it and executes it. Nothing where it is not ours, or comes again.
async fn carry_run(
    shared: &Arc<Shared>,
    key: Key,
    task: Task,
    cancel: CancellationToken,
) -> Option<Result<Facts, Failure>> {
    let sequence = shared.hand().lying(&key).first()?.sequence;
    let announced = async {
        shared.lease.held().await;
        shared.announce_until(|last| last.runs.contains(&key)).await;
    };
    tokio::time::timeout(ANNOUNCED_WITHIN, announced).await.ok()?;
    if let Err(error) = write_down(shared, key, sequence).await {
        tracing::error!(%key, %error, "a run cannot be written down; it is not started");
        return Some(Err(unwritten(&error)));
    }
    match claim(shared, sequence).await {
        Claim::Ours if shared.lease.is_held() => Some(execute(shared, key, task, cancel).await),
        Claim::Ours | Claim::Unknown => Some(Err(lost("the delegate's lease ran out before the run was started"))),
        Claim::Others => {
            forget(shared, key);
            None
        }
    }
}

fn unwritten(error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        return lost("the run was taken before, and is never started again");
    }
    Failure::new(FailureClass::DiskFull, format!("the delegate cannot write the run down: {error}"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Ours,
    /// The agent took it back.
    Others,
    /// It is out of the stream, and it cannot be known who took it.
    Unknown,
}

async fn claim(shared: &Shared, sequence: u64) -> Claim {
    let (mut line, mut pauses, mut was_tried) = (shared.line.clone(), Pauses::default(), false);
    while let Some(bus) = line.bus().await {
        match take_out_once(shared, &bus, sequence).await {
            Removal::Done => return Claim::Ours,
            Removal::NotThere if was_tried => return Claim::Unknown,
            Removal::NotThere => return Claim::Others,
            Removal::Unknown => was_tried = true,
        }
        tokio::time::sleep(pauses.next()).await;
    }
    Claim::Unknown
}

async fn take_out_once(shared: &Shared, bus: &Bus, sequence: u64) -> Removal {
    match bus.stream(TASKS, &shared.agent).await {
        Ok(stream) => remove(&stream, sequence).await,
        Err(_) => Removal::Unknown,
    }
}

async fn take_out(shared: &Shared, sequence: u64) {
    let (mut line, mut pauses) = (shared.line.clone(), Pauses::default());
    while let Some(bus) = line.bus().await {
        if take_out_once(shared, &bus, sequence).await != Removal::Unknown {
            return;
        }
        tokio::time::sleep(pauses.next()).await;
    }
}

/// Has the task executed, within its time; what it says on the way is stored before this returns.
async fn execute(shared: &Arc<Shared>, key: Key, task: Task, cancel: CancellationToken) -> Result<Facts, Failure> {
    let (sender, told) = mpsc::unbounded_channel();
    let progress: ProgressSink = Arc::new(move |progress| {
        // Its reader ends after the executor does.
        let _ = sender.send(progress);
    });
    let limit = Duration::from_millis(task.time_limit_ms);
    let executor = Arc::clone(&shared.executor);
    let (within, stop) = (cancel.clone(), cancel.clone());
    let executing = tokio::spawn(async move { executor.carry_out(task, progress, within).await });
    let executing =
        async { executing.await.unwrap_or_else(|_| Err(lost("the delegate broke off in the middle of the task"))) };
    let limited = limited(executing, limit, stop);
    let (result, ()) = tokio::join!(limited, outbox::tell(shared, key, told));
    match shared.hand().why_cut_off(&key) {
        Some(why) => Err(lost(why)),
        None => result,
    }
}

async fn limited(
    executing: impl Future<Output = Result<Facts, Failure>>,
    limit: Duration,
    stop: CancellationToken,
) -> Result<Facts, Failure> {
    tokio::pin!(executing);
    if let Ok(result) = tokio::time::timeout(limit, &mut executing).await {
        return result;
    }
    stop.cancel();
    let result = executing.await;
    let is_canceled = matches!(&result, Err(failure) if failure.class == FailureClass::Canceled);
    let late = || Failure::new(FailureClass::Timeout, format!("the task did not end within {} s", limit.as_secs()));
    if is_canceled { Err(late()) } else { result }
}

async fn send(shared: &Shared, key: Key, outcome: &Outcome) -> bool {
    outbox::store(shared, key, Content::Outcome, outbox::outcome(outcome)).await
}

/// Takes the task out of the stream: its outcome is stored.
async fn acknowledge(shared: &Shared, key: Key) {
    let lying = shared.hand().lying(&key);
    for Lying { sequence, reply } in lying {
        let is_known = match shared.line.now() {
            Some(bus) => bus.acknowledge(&reply).await,
            None => false,
        };
        if !is_known {
            // What it is acknowledged by ended with its connection.
            take_out(shared, sequence).await;
        }
    }
}

async fn write_down(shared: &Arc<Shared>, key: Key, sequence: u64) -> std::io::Result<()> {
    let shared = Arc::clone(shared);
    let written = tokio::task::spawn_blocking(move || shared.journal.enter(key, sequence)).await;
    written.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn forget(shared: &Shared, key: Key) {
    let removed = shared.journal.remove(key);
    if let Err(error) = removed.or_else(|error| if is_missing(&error) { Ok(()) } else { Err(error) }) {
        tracing::warn!(%key, %error, "a run cannot be taken out of the journal; it is answered once more at the next start");
    }
}

/// It was refused before it was written down.
fn is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}
