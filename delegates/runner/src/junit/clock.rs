//! Times and durations as reports write them: without a zone, day first, in a Buddhist year, with a comma.

use chrono::{NaiveDate, NaiveTime};
use suitesync_contract::ReportedTime;

/// Years from here on are counted from the Buddha's death: a clock that is wrong by four centuries is no likelier.
const FIRST_BUDDHIST_YEAR: i32 = 2400;
const BUDDHIST_ERA: i32 = 543;
/// A century: what lasts longer is no duration.
const MAX_SECONDS: f64 = 3.2e9;

/// Reads `2022-12-21 15:46:35`, `21-12-2022T15:46:35` and RFC 3339, fractions and zone included.
pub(super) fn time(text: &str) -> Option<ReportedTime> {
    let (date, rest) = text.trim().split_once(['T', 't', ' '])?;
    let date = day(date)?;
    let (time, offset) = split_offset(rest.trim())?;
    let time = NaiveTime::parse_from_str(time, "%H:%M:%S%.f").ok()?;
    Some(ReportedTime(format!("{}T{}{offset}", date.format("%Y-%m-%d"), time.format("%H:%M:%S%.f"))))
}

fn day(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split(['-', '/']);
    let (first, month, last) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    let year: i32 = year.parse().ok().filter(|_| year.len() == 4)?;
    let year = if year >= FIRST_BUDDHIST_YEAR { year - BUDDHIST_ERA } else { year };
    NaiveDate::from_ymd_opt(year, month.parse().ok()?, day.parse().ok()?)
}

/// Cuts the zone off a time of day, and gives it as RFC 3339 writes it; empty where there is none.
fn split_offset(text: &str) -> Option<(&str, String)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time, "Z".to_owned()));
    }
    let Some(at) = text.find(['+', '-']) else { return Some((text, String::new())) };
    let (time, offset) = text.split_at_checked(at)?;
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = digits.split_at_checked(2).filter(|(_, minutes)| minutes.len() == 2)?;
    Some((time, format!("{}{hours}:{minutes}", offset.get(..1)?)))
}

/// Seconds, as milliseconds. `1,234.5` has a mark between thousands, `0,5` a decimal comma.
pub(super) fn duration_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    let text = if text.contains('.') { text.replace(',', "") } else { text.replace(',', ".") };
    let seconds: f64 = text.parse().ok()?;
    let is_duration = (0.0..MAX_SECONDS).contains(&seconds);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    is_duration.then(|| (seconds * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: impl Into<Option<&'static str>>) {
        assert_eq!(time(text).map(|time| time.0).as_deref(), expect.into(), "{text}");
    }

    fn check_duration(text: &str, expect: impl Into<Option<u64>>) {
        assert_eq!(duration_ms(text), expect.into(), "{text}");
    }

    #[test]
    fn times_are_read_in_the_forms_that_tools_write() {
        check("2022-12-21 15:46:35", "2022-12-21T15:46:35");
        check("31-03-2018T20:20:20", "2018-03-31T20:20:20");
        check("2024-05-01T10:00:00.250Z", "2024-05-01T10:00:00.250Z");
        check("2024-05-01T10:00:00.123456+02:00", "2024-05-01T10:00:00.123456+02:00");
        check("2024-05-01T10:00:00-0330", "2024-05-01T10:00:00-03:30");
    }

    #[test]
    fn buddhist_years_are_counted_back() {
        check("2561-03-31 20:20:20", "2018-03-31T20:20:20");
        // No leap year when counted from the Buddha's death, one when not.
        check("2567-02-29 01:02:03", "2024-02-29T01:02:03");
        check("29-02-2567T01:02:03", "2024-02-29T01:02:03");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "yesterday", "2023-02-29 00:00:00", "2022-12-21", "1-2-3T00:00:00", "2022-12-21T25:00:00"] {
            check(text, None);
        }
        check("2022-12-21T10:00:00+é1", None);
    }

    #[test]
    fn durations_are_read_with_marks_and_bounds() {
        check_duration("55.694", 55_694);
        check_duration("12", 12_000);
        check_duration("1,234.5", 1_234_500);
        check_duration("0,5", 500);
        check_duration("1e-3", 1);
        for text in ["", "-1", "NaN", "inf", "1e30", "soon"] {
            check_duration(text, None);
        }
    }
}
