//! The lease of a delegate: for how long it may go on without the server having stored an announcement.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// From the sending of the last announcement that was stored. Runs are stopped then, and have three seconds until the
/// agent calls the delegate lost.
pub(super) const LEASE: Duration = Duration::from_secs(7);

pub(super) struct Lease(watch::Sender<Option<Instant>>);

impl Lease {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// An announcement was stored that was sent then.
    pub(super) fn renew(&self, sent: Instant) {
        self.0.send_replace(Some(sent + LEASE));
    }

    pub(super) fn is_held(&self) -> bool {
        self.0.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Waits for one that holds.
    pub(super) async fn held(&self) {
        let mut changes = self.0.subscribe();
        while !self.is_held() {
            // The sender is this value's own.
            let _ = changes.changed().await;
        }
    }

    /// Waits until it runs out.
    pub(super) async fn run_out(&self) {
        loop {
            let until = *self.0.borrow();
            match until.filter(|until| Instant::now() < *until) {
                Some(until) => sleep_until(until).await,
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_lasts_from_the_sending_of_what_was_stored() {
        let (lease, begun) = (Lease::new(), Instant::now());
        lease.renew(begun);
        lease.renew(begun + Duration::from_secs(2));
        lease.run_out().await;
        assert_eq!(begun.elapsed().as_secs(), 9);
        assert!(!lease.is_held());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_held_before_the_first_announcement() {
        let lease = Lease::new();
        lease.run_out().await;
        let waited = tokio::time::timeout(Duration::from_secs(60), lease.held()).await;
        assert!(waited.is_err());
    }
}
