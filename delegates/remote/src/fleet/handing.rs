//! One task on its way: handed out, waited for, and withdrawn where it is not wanted any more.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, Facts, Failure, FailureClass, Progress, Task, Work};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::entry::{Answered, Commission};
use super::{Resumption, Shared};
use crate::ProgressSink;
use crate::bus::{Bus, Line, Pauses, REPEATS_WITHIN, Removal, TASKS, remove};
use crate::message::{Cancel, Content, Envelope, Key};

/// How long it is tried to store a task of which the server did not say whether it is: half of the time in which the server
/// knows repetitions, so that none can become a second task.
const TRIED_FOR: Duration = Duration::from_secs(REPEATS_WITHIN.as_secs() / 2);

pub(super) async fn carry_out(
    shared: &Arc<Shared>,
    delegate: &DelegateName,
    task: Task,
    progress: ProgressSink,
    cancel: CancellationToken,
) -> Result<Facts, Failure> {
    if let Some(refusal) = (shared.settings.admission)(delegate) {
        let message = format!("delegate {delegate} may not serve this agent: {refusal}");
        return Err(Failure::new(FailureClass::NoEligibleDelegate, message).with_hint(refusal.hint()));
    }
    let key = match &task.work {
        Work::Run(run) => Key::Run { run: run.run, fence: run.fence },
        Work::Probe(_) | Work::Sync(_) => shared.ledger().next_key(),
    };
    if let Key::Run { run, .. } = key {
        tokio::select! {
            () = cancel.cancelled() => return Err(canceled()),
            () = shared.caught_up() => {}
        }
        if let Some(other) = shared.ledger().overtake(run) {
            progress(Progress::Started { marker: serde_json::Value::Null });
            let message = format!("delegate {other} had begun the run before the agent was started again");
            return Err(Failure::new(FailureClass::DelegateLost, message));
        }
    }
    let body = serde_json::to_vec(&task).map_err(|error| internal(format!("the task cannot be written: {error}")))?;
    let commission = Commission { delegate: delegate.clone(), kind: task.work.kind(), task: Some(task.id), progress };
    let answered = shared.ledger().enter(key, commission, Instant::now());
    let answered = answered.ok_or_else(|| internal(format!("{key} was handed out before")))?;
    Handing { shared, delegate, key, answered, cancel }.carry_out(body.into()).await
}

pub(super) async fn resume(
    shared: &Arc<Shared>,
    resumption: Resumption,
    progress: ProgressSink,
    cancel: CancellationToken,
) -> Result<Facts, Failure> {
    let Resumption { delegate, run, fence } = resumption;
    let key = Key::Run { run, fence };
    let commission = Commission { delegate: delegate.clone(), kind: WorkKind::Run, task: None, progress };
    let resumed = shared.ledger().resume(key, commission, Instant::now());
    let (answered, consequence) = resumed.ok_or_else(|| internal(format!("{key} was asked for before")))?;
    shared.follow(consequence).await;
    Handing { shared, delegate: &delegate, key, answered, cancel }.wait().await
}

fn canceled() -> Failure {
    Failure::new(FailureClass::Canceled, "canceled before it began")
}

fn internal(message: String) -> Failure {
    Failure::new(FailureClass::Internal, message)
}

struct Handing<'a> {
    shared: &'a Arc<Shared>,
    delegate: &'a DelegateName,
    key: Key,
    answered: oneshot::Receiver<Answered>,
    cancel: CancellationToken,
}

impl Handing<'_> {
    async fn carry_out(mut self, body: Bytes) -> Answered {
        let hand_out = hand_out(self.shared, self.delegate, self.key, &body);
        let stored = tokio::select! {
            biased;
            answered = &mut self.answered => return given(answered),
            stored = hand_out => stored,
            () = self.cancel.cancelled() => return self.withdrawn().await,
        };
        match stored {
            Some(sequences) => {
                if let Some(entry) = self.shared.ledger().entry(&self.key) {
                    entry.sequences = sequences;
                }
            }
            None => {
                let receipts = self.shared.ledger().bury(&self.key, true);
                self.shared.acknowledge(receipts).await;
            }
        }
        self.wait().await
    }

    /// Waits for what comes of the task; once it is not wanted any more, sees to that.
    async fn wait(mut self) -> Answered {
        tokio::select! {
            answered = &mut self.answered => return given(answered),
            () = self.cancel.cancelled() => {}
        }
        // Told before it is taken away: a delegate that has it ends it the sooner.
        if let Some(entry) = self.shared.ledger().entry(&self.key) {
            entry.is_canceling = true;
        }
        if let Some(bus) = self.shared.line.now() {
            cancel(&bus, self.delegate, vec![self.key]).await;
            if self.take_back(&bus).await {
                return self.withdrawn().await;
            }
        }
        given(self.answered.await)
    }

    /// Whether the task was still in the stream, and is no longer.
    async fn take_back(&self, bus: &Bus) -> bool {
        let sequences = self.shared.ledger().entry(&self.key).map(|entry| entry.sequences.clone()).unwrap_or_default();
        let Ok(stream) = bus.stream(TASKS, &self.shared.settings.agent).await else { return false };
        let mut sequences = sequences.into_iter();
        let Some(first) = sequences.next() else { return false };
        let is_taken = remove(&stream, first).await == Removal::Done;
        if is_taken {
            for sequence in sequences {
                // What is left of a task without its first part means nothing.
                remove(&stream, sequence).await;
            }
        }
        is_taken
    }

    async fn withdrawn(self) -> Answered {
        let receipts = self.shared.ledger().withdraw(&self.key, canceled());
        self.shared.acknowledge(receipts).await;
        given(self.answered.await)
    }
}

/// The ledger tells each task's end; it lives as long as the fleet.
fn given(answered: Result<Answered, oneshot::error::RecvError>) -> Answered {
    answered.unwrap_or_else(|_| Err(internal("nobody told how the task ended".to_owned())))
}

/// Stores the task where its delegate takes it, over as many connections as it takes. Nothing where it is not known
/// whether it is stored, and can no longer be found out.
async fn hand_out(shared: &Shared, delegate: &DelegateName, key: Key, body: &Bytes) -> Option<Vec<u64>> {
    let mut line: Line = shared.line.clone();
    let (mut since, mut pauses) = (None, Pauses::default());
    loop {
        let bus = line.bus().await?;
        let since = *since.get_or_insert_with(Instant::now);
        if since.elapsed() > TRIED_FOR {
            return None;
        }
        let part = |(part, body)| (Envelope::new(key, Content::Task, part), body);
        let parts = bus.parts(body).into_iter().map(part).collect();
        match bus.store_parts(&bus.names.task(delegate), parts).await {
            Ok(stored) => return Some(stored.into_iter().map(|stored| stored.sequence).collect()),
            Err(_) => tokio::time::sleep(pauses.next()).await,
        }
    }
}

/// Tells a delegate that tasks are not wanted.
pub(super) async fn cancel(bus: &Bus, delegate: &DelegateName, keys: Vec<Key>) {
    let Ok(body) = serde_json::to_vec(&Cancel { keys }) else { return };
    bus.say(bus.names.cancel(delegate), body.into()).await;
}
