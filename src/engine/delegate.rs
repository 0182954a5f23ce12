//! What the engine asks of a delegate, wherever it runs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, Outcome, Progress, Tags, Task};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use crate::domain::delegate::{DelegateStatus, Loss};

/// Where a delegate says how far it is. Never blocks.
pub type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;

/// What a delegate will come back with.
pub type Carrying<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// What there is to know of a delegate that may come and go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub status: DelegateStatus,
    /// The kinds of tasks that it carries out.
    pub work: Vec<WorkKind>,
    /// What it says that it is, once it has said so.
    pub program: Option<String>,
    /// The number of the user as whom it executes runs, where it is another process of this host and says so.
    pub user: Option<u32>,
    /// Why it was lost, while it is.
    pub lost: Option<Loss>,
}

/// A worker with a name, tags and a capacity.
pub trait Delegate: Send + Sync + fmt::Debug {
    fn name(&self) -> &DelegateName;

    /// The kind, as `delegate list` shows it.
    fn kind(&self) -> &'static str;

    /// The kinds of tasks that it carries out.
    fn work(&self) -> Vec<WorkKind>;

    /// Whether it is on another host, where secrets of this one are not at hand.
    fn is_elsewhere(&self) -> bool {
        false
    }

    fn status(&self) -> DelegateStatus;

    /// Tells of each change, where there can be any.
    fn follow(&self) -> Option<watch::Receiver<Standing>> {
        None
    }

    /// Its tags, its own name among them.
    fn tags(&self) -> &Tags;

    /// How many tasks may fetch or read at once. Those that only wait for a server's answer take no place.
    fn capacity(&self) -> u32;

    /// How many places are taken.
    fn running(&self) -> u32;

    /// Carries out a task. It ends soon after `cancel`, with the class `canceled`.
    fn carry_out(&self, task: Task, progress: ProgressSink, cancel: CancellationToken) -> Carrying<'_>;
}
