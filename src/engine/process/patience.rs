//! How long a delegate may take for what, and when one that was lost is begun again. Pure.

use std::time::Duration;

/// A program starts and opens what it keeps: seconds on a busy host, with room for an interpreter.
const INITIALIZE: Duration = Duration::from_secs(20);

/// For a task that is no longer wanted: a run asks its processes to end, waits, kills them, and looks that nothing is
/// left.
const CANCEL: Duration = Duration::from_secs(30);

/// For a delegate that is no longer wanted to stop its runs: as for a canceled task, and to end.
const STOP: Duration = Duration::from_secs(35);

/// The first wait: a program that was replaced or ended by a slip is back at once.
const FIRST_RETRY: Duration = Duration::from_millis(500);

/// The longest: someone who has mended it waits no longer than this.
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Whoever has lived that long was well.
const HEALTHY: Duration = Duration::from_secs(60);

/// How long a delegate is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From its start to its answer to `initialize`.
    pub initialize: Duration,
    /// From `cancel`, or the end of a task's time, to the answer.
    pub cancel: Duration,
    /// From the end of its input to its own.
    pub stop: Duration,
    /// Between the first loss and the next start; doubled with each further one.
    pub first_retry: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { initialize: INITIALIZE, cancel: CANCEL, stop: STOP, first_retry: FIRST_RETRY }
    }
}

/// The waits between one life of a delegate and the next.
#[derive(Debug)]
pub(super) struct Retries {
    first: Duration,
    next: Duration,
}

impl Retries {
    pub(super) fn new(patience: &Patience) -> Self {
        Self { first: patience.first_retry, next: patience.first_retry }
    }

    /// How long to wait after a life of this length.
    pub(super) fn after(&mut self, life: Duration) -> Duration {
        if life >= HEALTHY {
            self.next = self.first;
        }
        let wait = self.next;
        self.next = (wait * 2).min(LAST_RETRY);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_begin_anew_after_a_healthy_life() {
        let mut retries = Retries::new(&Patience::default());
        let short = Duration::from_secs(1);
        let waits: Vec<_> = (0..9).map(|_| retries.after(short).as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        assert_eq!(retries.after(HEALTHY).as_millis(), 500);
        assert_eq!(retries.after(short).as_millis(), 1_000);
    }
}
