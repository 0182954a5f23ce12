//! Ends a wait at once when its task is canceled.

use std::future::Future;

use suitesync_contract::{Failure, FailureClass};
use tokio_util::sync::CancellationToken;

/// Waits for `work`, or fails as soon as `cancel` is set. What `work` held is dropped then.
pub async fn unless_canceled<T>(cancel: &CancellationToken, work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(canceled()),
        done = work => Ok(done),
    }
}

pub fn canceled() -> Failure {
    Failure::new(FailureClass::Canceled, "the task was canceled")
}
