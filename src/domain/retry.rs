//! When to try again. Classes decide whether and how far apart; chance is an argument.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use suitesync_contract::{Failure, FailureClass};

/// First delay after a failure that may pass by itself: long enough to be no burden, short enough to be unnoticed.
pub const FIRST_RETRY: Duration = Duration::from_secs(5);

/// Longest time between two tests of a connection whose credentials are refused: a lockout policy forgets within hours.
pub const LONGEST_HELD_TEST: Duration = Duration::from_secs(6 * 3600);

/// Longest delay between tries of something that nobody has to mend by hand, whatever a server asks for.
pub const LONGEST_RETRY: Duration = Duration::from_secs(3600);

/// The delay after the `failures`-th failure in a row of something done every `interval`.
///
/// `chance` in 0..1 spreads tries that failed together over half a delay.
pub fn retry_delay(failure: &Failure, failures: u32, interval: Duration, chance: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    let delay = if failure.class.holds_connection() {
        interval.saturating_mul(1 << doublings).min(LONGEST_HELD_TEST.max(interval))
    } else if matches!(failure.class, FailureClass::Canceled) {
        interval
    } else {
        FIRST_RETRY.min(interval).saturating_mul(1 << doublings).min(interval.min(LONGEST_RETRY))
    };
    let spread = delay.mul_f64(0.5 * chance.clamp(0.0, 1.0));
    let asked = Duration::from_secs(failure.retry_after.unwrap_or(0)).min(LONGEST_RETRY);
    delay.saturating_add(spread).max(asked.saturating_add(spread.min(FIRST_RETRY)))
}

/// Where in its interval a key's first turn comes: always the same for the same key, evenly spread over keys.
pub fn spread_within(key: &impl Hash, interval: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let share = (hasher.finish() >> 11) as f64 / (1u64 << 53) as f64;
    interval.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn check(class: FailureClass, failures: u32, interval: Duration, expect_seconds: u64) {
        let delay = retry_delay(&Failure::new(class, ""), failures, interval, 0.0);
        assert_eq!(delay, Duration::from_secs(expect_seconds), "{class} {failures} {interval:?}");
    }

    #[test]
    fn passing_failures_are_tried_again_soon_and_then_at_the_usual_interval() {
        check(FailureClass::Connect, 1, 5 * MINUTE, 5);
        check(FailureClass::Connect, 2, 5 * MINUTE, 10);
        check(FailureClass::Connect, 60, 5 * MINUTE, 300);
        check(FailureClass::Connect, 1, Duration::from_secs(1), 1);
    }

    #[test]
    fn refused_credentials_are_tried_ever_more_rarely() {
        check(FailureClass::AuthRejected, 1, 30 * MINUTE, 30 * 60);
        check(FailureClass::AuthRejected, 2, 30 * MINUTE, 60 * 60);
        check(FailureClass::AuthRejected, 9, 30 * MINUTE, 6 * 3600);
    }

    #[test]
    fn the_server_s_wish_counts_where_it_is_longer() {
        let failure = Failure::new(FailureClass::RateLimited, "").with_retry_after(120);
        assert_eq!(retry_delay(&failure, 1, MINUTE, 0.0), 2 * MINUTE);
    }

    #[test]
    fn chance_spreads_over_half_a_delay() {
        let failure = Failure::new(FailureClass::Connect, "");
        assert_eq!(retry_delay(&failure, 1, 5 * MINUTE, 1.0), Duration::from_millis(7500));
    }

    #[test]
    fn spreading_is_stable_and_within_the_interval() {
        for key in 0..1000 {
            assert_eq!(spread_within(&key, MINUTE), spread_within(&key, MINUTE));
            assert!(spread_within(&key, MINUTE) < MINUTE);
        }
    }
}
