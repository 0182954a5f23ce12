//! Looks after a run while it is under way: its time, its disk, and who belongs to it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use suitesync_contract::StopReason;
use tokio_util::sync::CancellationToken;

use super::RunOrder;
use super::runs::Underway;
use crate::disk::{self, Measured};

/// How often the run's disk and processes are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A look takes at most this part of the time: a large folder is looked at less often.
const LOOKS_SHARE: u32 = 20;

/// Waits until the run has to be stopped, and says why.
pub(super) async fn until_stopped(order: &RunOrder, underway: &Underway, cancel: &CancellationToken) -> StopReason {
    tokio::select! {
        biased;
        () = cancel.cancelled() => StopReason::Canceled,
        () = tokio::time::sleep(order.limits.time) => StopReason::TimeLimit,
        () = until_over_budget(order, underway) => StopReason::DiskBudget,
    }
}

async fn until_over_budget(order: &RunOrder, underway: &Underway) {
    loop {
        let began = Instant::now();
        underway.look().await;
        if measured(order.working_folder.clone())
            .await
            .is_some_and(|measured| measured.exceeds(order.limits.disk_bytes))
        {
            return;
        }
        tokio::time::sleep(LOOK_EVERY.max(began.elapsed() * LOOKS_SHARE)).await;
    }
}

async fn measured(folder: PathBuf) -> Option<Measured> {
    tokio::task::spawn_blocking(move || disk::measure(&folder)).await.ok()
}
