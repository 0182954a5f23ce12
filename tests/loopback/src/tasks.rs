//! The tasks of one server: tracked, and ended together.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of one server, and the signal that ends them.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Tasks {
    /// Runs a task that is dropped when the server stops.
    pub(crate) fn track(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.track_to_the_end(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Runs a task that the server waits for when it stops.
    pub(crate) fn track_to_the_end(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }

    /// The signal of a part of the server, which ends with the whole and may end before.
    pub(crate) fn part(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// What the future says, unless the server stops first.
    pub(crate) async fn until_stopped<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.stop.run_until_cancelled(future).await
    }

    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Returns when every task has ended; the ones tracked as droppable do so when the server stops.
    pub(crate) async fn wait(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
