//! A local delegate in the service of an agent on another host: what it offers, and what it lets itself be asked for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use suitesync_contract::{Facts, Failure, Task};
use suitesync_remote::{Executor, Guard, Offer, ProgressSink};
use tokio_util::sync::CancellationToken;

use super::delegate::Delegate;
use super::local::LocalDelegate;
use super::process::PROGRAM;
use crate::config::{DelegateFile, StationConfig};

/// Carries out what the agent asks for.
#[derive(Debug)]
pub struct Worker {
    delegate: ArcSwap<LocalDelegate>,
}

impl Worker {
    pub fn new(delegate: LocalDelegate) -> Self {
        Self { delegate: ArcSwap::from_pointee(delegate) }
    }

    /// Has another delegate carry out what comes from now on. The one before ends what it has.
    pub fn change(&self, delegate: LocalDelegate) {
        self.delegate.store(Arc::new(delegate));
    }
}

impl Executor for Worker {
    fn carry_out(
        &self,
        task: Task,
        progress: ProgressSink,
        cancel: CancellationToken,
    ) -> Pin<Box<dyn Future<Output = Result<Facts, Failure>> + Send + '_>> {
        let delegate = self.delegate.load_full();
        Box::pin(async move { delegate.carry_out(task, progress, cancel).await.result })
    }
}

/// What a file offers and allows.
pub fn offer(file: &DelegateFile, settings: &StationConfig) -> Offer {
    let delegate = &settings.delegate;
    Offer {
        tags: delegate.tags.clone(),
        capacity: delegate.capacity,
        work: delegate.work(),
        program: PROGRAM.to_owned(),
        guard: Guard { secrets: file.permissions(), executes_runs: delegate.runs },
    }
}
