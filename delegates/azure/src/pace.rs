//! How long a server asks us to wait before the next request.
//!
//! Azure asks for it with answers that it gives as well (`Retry-After` on a 200): the next request waits then, this one
//! is not sent again. When it blocks a caller and names no wait, `X-RateLimit-Reset` says when the block ends
//! (learn.microsoft.com, "Rate and usage limits"); on any other answer that header only tells of the window.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use suitesync_reach::{retry_after, seconds_until};

const RATE_LIMIT_RESET: &str = "x-ratelimit-reset";

/// The wait that an answer asks for, from `now`.
pub(crate) fn asked_wait(status: StatusCode, headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let named = text(RETRY_AFTER.as_str()).and_then(|text| retry_after(text, now));
    let seconds = match named {
        None if status == StatusCode::TOO_MANY_REQUESTS => {
            let reset = text(RATE_LIMIT_RESET)?.trim().parse().ok()?;
            DateTime::from_timestamp(reset, 0).map(|reset| seconds_until(reset, now))
        }
        named => named,
    };
    seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn check(status: u16, headers: &[(&'static str, &'static str)], expect: Option<u64>) {
        let now = DateTime::parse_from_rfc3339("2026-11-21T20:00:00Z").unwrap().to_utc();
        let map =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(asked_wait(status, &map, now), expect.map(Duration::from_secs), "{status} {headers:?}");
    }

    #[test]
    fn a_wait_is_taken_from_any_answer() {
        check(200, &[("retry-after", "5"), ("x-ratelimit-delay", "3.500")], Some(5));
        check(429, &[("retry-after", "30")], Some(30));
        check(503, &[("retry-after", "Sat, 21 Nov 2026 20:01:30 GMT")], Some(90));
        check(200, &[("retry-after", "0")], None);
        check(200, &[("retry-after", "soon")], None);
        check(200, &[], None);
    }

    #[test]
    fn the_end_of_the_window_counts_only_for_a_caller_that_is_blocked() {
        // 2026-11-21T20:02:00Z.
        check(429, &[("x-ratelimit-reset", "1795291320")], Some(120));
        check(429, &[("retry-after", "7"), ("x-ratelimit-reset", "1795291320")], Some(7));
        check(200, &[("x-ratelimit-reset", "1795291320")], None);
        check(429, &[("x-ratelimit-reset", "1768650000")], None);
    }

    #[test]
    fn no_server_is_believed_beyond_a_day() {
        check(429, &[("retry-after", "99999999")], Some(86_400));
        check(429, &[("x-ratelimit-reset", "4102444800")], Some(86_400));
        check(429, &[("x-ratelimit-reset", "9223372036854775807")], None);
    }
}
