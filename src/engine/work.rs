//! Work under way, and those who wait for it.

use suitesync_contract::{Failure, Progress, StepReport};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::catalog::sync::SyncSummary;

/// What someone who asked for a test or a sync is told, line by line.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Update {
    Progress(Progress),
    /// The end of a test.
    Tested(TestReport),
    /// The end of a sync of one link.
    Synced(SyncSummary),
}

/// What a test by hand answers.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct TestReport {
    pub connection: String,
    pub status: String,
    pub delegate: Option<String>,
    pub steps: Vec<StepReport>,
    pub failure: Option<Failure>,
}

/// Someone who waits; it does no harm if they have gone.
pub type Waiter = mpsc::UnboundedSender<Update>;

/// One task under way.
#[derive(Debug)]
pub struct Work {
    pub cancel: CancellationToken,
    pub waiters: Vec<Waiter>,
}

impl Work {
    pub fn tell(&self, update: &Update) {
        for waiter in &self.waiters {
            // Whoever asked may have gone.
            let _ = waiter.send(update.clone());
        }
    }
}
