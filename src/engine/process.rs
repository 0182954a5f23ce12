//! Delegates that are processes of their own, spoken with by JSON-RPC 2.0, one message a line, over the pipes of a child
//! or a Unix socket. `docs/delegate-protocol.md` says what is spoken.
//!
//! What holds:
//! - A delegate that ends, does not answer or breaks the rules takes its own tasks with it and nothing else. They end as
//!   `delegate_lost`, those of a child after nothing of their runs is left, and the delegate is begun again, each time
//!   later.
//! - A child ends with the agent: told to by SIGTERM and the end of its input, killed with its group after a grace. An
//!   agent that is killed leaves it with its input closed, on which it stops its runs and itself.
//!
//! [`serve`] is the other side: it lends any delegate to whoever speaks so.

mod conversation;
mod errors_of_child;
mod framing;
mod patience;
mod seat;
mod serving;
mod supervision;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU32, Ordering};

use suitesync_contract::rpc::{Initialize, WorkKind};
use suitesync_contract::{DelegateName, Facts, Failure, FailureClass, Outcome, Tags, Task};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::delegate::{Carrying, Delegate, DelegateStatus, ProgressSink, Standing};
use conversation::Order;
use supervision::Supervision;

pub use patience::Patience;
pub use seat::Seat;
pub(super) use serving::PROGRAM;
pub use serving::{Host, ServingError, serve};

/// What makes a delegate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSettings {
    pub seat: Seat,
    /// What it is told of itself, its name and capacity among it.
    pub initialize: Initialize,
    /// Its own name among them.
    pub tags: Tags,
    /// Whether it may execute runs.
    pub runs: bool,
    pub patience: Patience,
}

impl ProcessSettings {
    fn name(&self) -> &DelegateName {
        &self.initialize.delegate
    }
}

/// A delegate in a process of its own. Once dropped, the process is told to end.
#[derive(Debug)]
pub struct ProcessDelegate {
    name: DelegateName,
    tags: Tags,
    capacity: u32,
    patience: Patience,
    orders: mpsc::UnboundedSender<Order>,
    standing: watch::Receiver<Standing>,
    running: AtomicU32,
}

impl ProcessDelegate {
    /// Starts it, and again whenever it is lost, until `stop`. `tracker` has what must end before the agent does: with it
    /// the child has ended, too.
    pub fn start(settings: ProcessSettings, tracker: &TaskTracker, stop: CancellationToken) -> Self {
        let (orders, received) = mpsc::unbounded_channel();
        let work = if settings.runs {
            vec![WorkKind::Probe, WorkKind::Sync, WorkKind::Run]
        } else {
            vec![WorkKind::Probe, WorkKind::Sync]
        };
        let starting = Standing { status: DelegateStatus::Starting, work, program: None, user: None, lost: None };
        let (standing, seen) = watch::channel(starting);
        let delegate = Self {
            name: settings.initialize.delegate.clone(),
            tags: settings.tags.clone(),
            capacity: settings.initialize.capacity,
            patience: settings.patience,
            orders,
            standing: seen,
            running: AtomicU32::new(0),
        };
        tracker.spawn(Supervision { settings, orders: received, standing, stop }.follow());
        delegate
    }

    async fn hand_over(&self, task: Task, progress: ProgressSink, cancel: CancellationToken) -> Result<Facts, Failure> {
        self.until_started(&cancel).await?;
        let gone = || lost(&self.name, "it was stopped");
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order { task, progress, cancel, answer }).map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Waits for one that is only just being started.
    async fn until_started(&self, cancel: &CancellationToken) -> Result<(), Failure> {
        let mut standing = self.standing.clone();
        let started = standing.wait_for(|standing| standing.status != DelegateStatus::Starting);
        tokio::select! {
            () = cancel.cancelled() => Err(Failure::new(FailureClass::Canceled, "canceled before it began")),
            started = tokio::time::timeout(self.patience.initialize, started) => match started {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(_)) => Err(lost(&self.name, "it was stopped")),
                Err(_) => Err(lost(&self.name, "it does not start")),
            },
        }
    }
}

impl Delegate for ProcessDelegate {
    fn name(&self) -> &DelegateName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "process"
    }

    fn work(&self) -> Vec<WorkKind> {
        self.standing.borrow().work.clone()
    }

    fn status(&self) -> DelegateStatus {
        self.standing.borrow().status
    }

    fn follow(&self) -> Option<watch::Receiver<Standing>> {
        Some(self.standing.clone())
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Syncs and tests in its hands: how busy it is with them it does not tell.
    fn running(&self) -> u32 {
        self.running.load(Ordering::Relaxed).min(self.capacity)
    }

    fn carry_out(&self, task: Task, progress: ProgressSink, cancel: CancellationToken) -> Carrying<'_> {
        Box::pin(async move {
            let id = task.id;
            let _counted = Counted::new(&self.running, task.work.kind());
            // Given up, the task is canceled: nobody waits for it any more.
            let cancel = cancel.child_token();
            let _given_up = cancel.clone().drop_guard();
            Outcome { task: id, result: self.hand_over(task, progress, cancel).await }
        })
    }
}

/// A task that counts as running while this lives. Runs are counted where they are handed out.
struct Counted<'a>(Option<&'a AtomicU32>);

impl<'a> Counted<'a> {
    fn new(running: &'a AtomicU32, kind: WorkKind) -> Self {
        let counted = match kind {
            WorkKind::Probe | WorkKind::Sync => Some(running),
            WorkKind::Run => None,
        };
        counted.map(|running| running.fetch_add(1, Ordering::Relaxed));
        Self(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.map(|running| running.fetch_sub(1, Ordering::Relaxed));
    }
}

fn lost(delegate: &DelegateName, reason: &str) -> Failure {
    Failure::new(FailureClass::DelegateLost, format!("delegate {delegate} was lost: {reason}"))
}
