//! How often something is due: every so long, or at the times of a cron expression. Pure: the time is an argument.
//!
//! Cron expressions have six fields with seconds first; a cadence reads them in UTC. A year is not accepted, so that an
//! expression that is due once is due for ever.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// Longest interval that can be written: a year. Longer ones are taken for a slip.
pub const LONGEST_INTERVAL: Duration = Duration::from_secs(365 * 86_400);

/// Fields of a cron expression: second, minute, hour, day of month, month, day of week.
const CRON_FIELDS: usize = 6;

/// When something is due again.
#[derive(Debug, Clone, PartialEq)]
pub enum Cadence {
    Every(Duration),
    Cron(CronExpression),
}

/// A cron expression that is known to come due.
#[derive(Debug, Clone)]
pub struct CronExpression {
    text: String,
    /// Large, and most cadences are intervals.
    cron: Box<Cron>,
}

/// Why a text is no cadence, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidCadence {
    pub message: String,
    pub help: String,
}

impl InvalidCadence {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

impl Cadence {
    /// Reads an interval such as `30m` or `1h30m`.
    pub fn every(text: &str) -> Result<Self, InvalidCadence> {
        interval(text).map(Self::Every)
    }

    /// Reads a cron expression such as `0 30 2 * * *` or `@daily`.
    pub fn cron(text: &str) -> Result<Self, InvalidCadence> {
        CronExpression::parse(text).map(Self::Cron)
    }

    /// The first time after `now` that is due.
    pub fn next_after(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Every(interval) => TimeDelta::from_std(*interval)
                .ok()
                .and_then(|interval| now.checked_add_signed(interval))
                .unwrap_or(DateTime::<Utc>::MAX_UTC),
            Self::Cron(expression) => expression.next_after(now, Tz::UTC).unwrap_or(DateTime::<Utc>::MAX_UTC),
        }
    }
}

impl fmt::Display for Cadence {
    /// The form that is read back as the same cadence: `1h30m` or the cron expression.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(interval) => write_interval(f, *interval),
            Self::Cron(expression) => f.write_str(&expression.text),
        }
    }
}

impl CronExpression {
    pub fn parse(text: &str) -> Result<Self, InvalidCadence> {
        const HELP: &str = "six fields with seconds first, such as `0 30 2 * * *` for 02:30:00 every day, or `@daily`";
        let text = text.trim();
        let fields = text.split_whitespace().count();
        if !text.starts_with('@') && fields != CRON_FIELDS {
            let help =
                if fields == CRON_FIELDS - 1 { format!("put seconds first: `0 {text}`") } else { HELP.to_owned() };
            return Err(InvalidCadence::new(
                format!("a cron expression has {CRON_FIELDS} fields, this has {fields}"),
                help,
            ));
        }
        let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|_| InvalidCadence::new("not a cron expression", HELP))?;
        let expression = Self { text: text.to_owned(), cron: Box::new(cron) };
        match expression.next_after(DateTime::UNIX_EPOCH, Tz::UTC) {
            Some(_) => Ok(expression),
            None => Err(InvalidCadence::new("this cron expression never comes due", "check the day and the month")),
        }
    }

    /// The first time after `now`, on the clocks of `zone`.
    pub fn next_after(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        self.cron.find_next_occurrence(&now.with_timezone(&zone), false).ok().map(|next| next.to_utc())
    }

    /// The last time up to `now`, on the clocks of `zone`.
    pub fn last_until(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        self.cron.find_previous_occurrence(&now.with_timezone(&zone), true).ok().map(|last| last.to_utc())
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for CronExpression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Seconds in each unit, longest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

fn interval(text: &str) -> Result<Duration, InvalidCadence> {
    const HELP: &str = "numbers with s, m, h or d, such as \"30s\", \"5m\" or \"1h30m\"";
    let invalid = || InvalidCadence::new(format!("{text:?} is no interval"), HELP);
    let mut seconds = 0_u64;
    let mut number = None;
    let mut longest_left = u64::MAX;
    for character in text.trim().chars() {
        if let Some(digit) = character.to_digit(10) {
            let so_far = number.unwrap_or(0_u64).checked_mul(10).and_then(|n| n.checked_add(u64::from(digit)));
            number = Some(so_far.ok_or_else(invalid)?);
            continue;
        }
        let unit = UNITS.iter().find(|(letter, _)| *letter == character).map(|(_, unit)| *unit).ok_or_else(invalid)?;
        let count = number.take().filter(|_| unit < longest_left).ok_or_else(invalid)?;
        longest_left = unit;
        seconds = count.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(invalid)?;
    }
    if number.is_some() || longest_left == u64::MAX {
        return Err(invalid());
    }
    let interval = Duration::from_secs(seconds);
    match interval {
        Duration::ZERO => Err(InvalidCadence::new("an interval is at least 1s", HELP)),
        _ if interval > LONGEST_INTERVAL => Err(InvalidCadence::new("an interval is at most 365d", HELP)),
        _ => Ok(interval),
    }
}

fn write_interval(f: &mut fmt::Formatter<'_>, interval: Duration) -> fmt::Result {
    let mut left = interval.as_secs();
    for (letter, unit) in UNITS {
        if left >= unit {
            write!(f, "{}{letter}", left / unit)?;
            left %= unit;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn intervals_are_read_with_their_units_and_written_back() {
        let check = |text: &str, seconds: u64, written: &str| {
            let cadence = Cadence::every(text).unwrap();
            assert_eq!(cadence, Cadence::Every(Duration::from_secs(seconds)), "{text}");
            assert_eq!(cadence.to_string(), written);
        };
        check("1s", 1, "1s");
        check("30m", 1_800, "30m");
        check("1h30m", 5_400, "1h30m");
        check("90s", 90, "1m30s");
        check(" 1d ", 86_400, "1d");
    }

    #[test]
    fn texts_that_are_no_interval_are_refused() {
        for text in
            ["", "5", "m", "5x", "5m5", "5m5h", "5m5m", "-5m", "1.5h", "99999999999999999999s", "0s", "366d", "5 m"]
        {
            assert!(Cadence::every(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn cron_expressions_have_seconds_first() {
        let check = |text: &str, now: &str, next: &str| {
            assert_eq!(Cadence::cron(text).unwrap().next_after(time(now)), time(next), "{text}");
        };
        check("0 30 2 * * *", "2026-11-21T02:30:00Z", "2026-11-22T02:30:00Z");
        check("*/10 * * * * *", "2026-11-21T02:30:05Z", "2026-11-21T02:30:10Z");
        check("@daily", "2026-11-21T02:30:05Z", "2026-11-22T00:00:00Z");
        check("0 0 6 * * MON", "2026-11-21T02:30:05Z", "2026-11-23T06:00:00Z");
        check("0 0 0 29 2 *", "2026-11-21T02:30:05Z", "2028-02-29T00:00:00Z");
    }

    #[test]
    fn cron_expressions_that_cannot_be_meant_are_refused_with_help() {
        let check = |text: &str, message: &str| assert_eq!(Cadence::cron(text).unwrap_err().message, message, "{text}");
        check("30 2 * * *", "a cron expression has 6 fields, this has 5");
        check("0 30 2 * * * 2020", "a cron expression has 6 fields, this has 7");
        check("0 0 0 31 2 *", "this cron expression never comes due");
        check("0 61 0 * * *", "not a cron expression");
        check("@sometimes", "not a cron expression");
        assert_eq!(Cadence::cron("30 2 * * *").unwrap_err().help, "put seconds first: `0 30 2 * * *`");
    }

    #[test]
    fn an_interval_is_due_that_long_after_now() {
        let next = Cadence::every("5m").unwrap().next_after(time("2026-11-21T23:58:00Z"));
        assert_eq!(next, time("2026-11-22T00:03:00Z"));
    }
}
