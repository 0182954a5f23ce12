//! `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.

use chrono::{DateTime, Utc};

/// Longest wait that a server is believed: past a day someone should look.
const MAX_SECONDS: u64 = 86_400;

/// Seconds from `now`, or `None` if the text is neither form.
pub fn retry_after(text: &str, now: DateTime<Utc>) -> Option<u64> {
    let text = text.trim();
    let date = || DateTime::parse_from_rfc2822(text).ok().map(|date| seconds_until(date.to_utc(), now));
    text.parse().ok().map(|seconds: u64| seconds.min(MAX_SECONDS)).or_else(date)
}

/// Seconds to wait for a time that a server names; none for one that is past.
pub fn seconds_until(then: DateTime<Utc>, now: DateTime<Utc>) -> u64 {
    u64::try_from((then - now).num_seconds()).unwrap_or(0).min(MAX_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<u64>) {
        let now = DateTime::parse_from_rfc3339("2026-11-21T20:00:00Z").unwrap().to_utc();
        assert_eq!(retry_after(text, now), expect, "{text:?}");
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Sat, 21 Nov 2026 20:01:30 GMT", Some(90));
        check("Sat, 21 Nov 2026 19:00:00 GMT", Some(0));
    }

    #[test]
    fn no_server_is_believed_beyond_a_day() {
        check("99999999", Some(MAX_SECONDS));
        check("Mon, 21 Nov 2067 20:00:00 GMT", Some(MAX_SECONDS));
    }

    #[test]
    fn anything_else_is_ignored() {
        for text in ["", "soon", "-5", "1.5", "99999999999999999999999"] {
            check(text, None);
        }
    }
}
