//! How times, sizes, counts and foreign texts are told to people. Pure: the moment is an argument.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};

/// Digits of a commit that people are shown.
const SHORT_COMMIT: usize = 10;

/// Below this many milliseconds a duration is told in milliseconds, as nothing rounder is precise enough.
const SECOND_MS: u64 = 1_000;

/// A text from elsewhere that can neither move a terminal's cursor nor turn its letters around nor break a line.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if is_harmful(c) { c.escape_default().collect() } else { String::from(c) };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Control characters, and invisible ones that change how a text looks (Unicode's bidirectional and format characters).
fn is_harmful(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}');
    c.is_control() || invisible
}

/// A text of several lines, each escaped.
pub(super) fn escaped_lines(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("\n")
}

/// The same JSON with all that could steer a terminal written as `\uXXXX`: what is in the text is in its strings.
pub(super) fn escaped_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_harmful(character) {
            character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escaped.push_str(&format!("\\u{unit:04x}")));
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// `3 min ago`.
pub(super) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match span(now - at) {
        Some(span) => format!("{span} ago"),
        None => "just now".to_owned(),
    }
}

/// `in 27 min`.
pub(super) fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match span(at - now) {
        Some(span) => format!("in {span}"),
        None => "now".to_owned(),
    }
}

/// A span of time in its largest unit; nothing for less than a second.
pub(super) fn span(span: TimeDelta) -> Option<String> {
    let units =
        [(span.num_days(), "d"), (span.num_hours(), "h"), (span.num_minutes(), "min"), (span.num_seconds(), "s")];
    units.into_iter().find(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}"))
}

/// How long something took: `35 ms`, `1.2 s`, `3 min 5 s`.
pub(super) fn duration(milliseconds: u64) -> String {
    let (minutes, seconds) = (milliseconds / (60 * SECOND_MS), milliseconds / SECOND_MS % 60);
    match milliseconds {
        0..SECOND_MS => format!("{milliseconds} ms"),
        _ if minutes == 0 => format!("{seconds}.{} s", milliseconds % SECOND_MS / 100),
        _ => format!("{minutes} min {seconds} s"),
    }
}

/// `1 case`, `2 cases`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The first digits of a commit.
pub(super) fn short(commit: &str) -> String {
    commit.chars().take(SHORT_COMMIT).collect()
}

/// A time that may not have been yet.
pub(super) fn ago_or_never(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| ago(at, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_texts_cannot_steer_a_terminal() {
        let check = |text: &str, expect: &str| assert_eq!(escaped(text), expect);
        check("Prüfung → ok", "Prüfung → ok");
        check("red\u{1b}[31m", "red\\u{1b}[31m");
        check("two\nlines\u{9b}2J", "two\\nlines\\u{9b}2J");
        check("gnp.exe\u{202e}", "gnp.exe\\u{202e}");
    }

    #[test]
    fn json_stays_the_same_value_without_what_could_steer_a_terminal() {
        for text in ["Prüfung", "\u{7f}\u{9b}2J", "\u{202e}\u{e0041}"] {
            let json = serde_json::to_string(text).unwrap();
            let escaped = escaped_json(&json);
            assert!(!escaped.contains(is_harmful));
            assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }
    }

    #[test]
    fn times_are_told_in_their_largest_unit() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(100);
        let check = |seconds: i64, expect: &str| assert_eq!(ago(now - TimeDelta::seconds(seconds), now), expect);
        check(-5, "just now");
        check(0, "just now");
        check(59, "59 s ago");
        check(180, "3 min ago");
        check(7_200, "2 h ago");
        check(90 * 86_400, "90 d ago");
        assert_eq!(until(now + TimeDelta::minutes(27), now), "in 27 min");
        assert_eq!(until(now - TimeDelta::minutes(27), now), "now");
    }

    #[test]
    fn durations_are_as_precise_as_they_are_short() {
        let check = |milliseconds: u64, expect: &str| assert_eq!(duration(milliseconds), expect);
        check(0, "0 ms");
        check(999, "999 ms");
        check(1_250, "1.2 s");
        check(185_000, "3 min 5 s");
    }
}
