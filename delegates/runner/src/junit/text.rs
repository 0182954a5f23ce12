//! What is kept of a report's texts: without secrets, without control characters, and short.

use std::borrow::Cow;

use quick_xml::escape::resolve_xml_entity;

use crate::redactor::Redactor;

/// Most bytes of a name, a path or an id. Studio allows 255; a parameterised test may spell out its values.
const MAX_NAME: usize = 1024;
/// Most bytes of a message: its first screens tell what happened.
pub(super) const MAX_MESSAGE: usize = 4096;

/// A name, a path or an id.
pub(super) fn name(text: &str, redactor: &Redactor) -> String {
    shorten(&plain(text, redactor).replace(['\n', '\t'], " "), MAX_NAME)
}

/// A message; none where nothing is left of it.
pub(super) fn message(text: &str, redactor: &Redactor) -> Option<String> {
    let text = plain(text, redactor);
    Some(shorten(text.trim(), MAX_MESSAGE)).filter(|text| !text.is_empty())
}

fn shorten(text: &str, bound: usize) -> String {
    if text.len() <= bound {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bound.saturating_sub('…'.len_utf8()));
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// Secrets are looked for twice: what is taken out in between may belong to one, or stand in the middle of one.
fn plain(text: &str, redactor: &Redactor) -> String {
    redactor.redact(&without_controls(&redactor.redact(text))).into_owned()
}

/// Takes out what would colour or garble a terminal: control characters, and the sequences that an escape begins.
fn without_controls(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' && characters.next_if_eq(&'[').is_some() {
            while characters.next_if(|next| matches!(next, ' '..='?')).is_some() {}
            characters.next_if(|next| matches!(next, '@'..='~'));
        } else if !character.is_control() || matches!(character, '\n' | '\t') {
            kept.push(character);
        }
    }
    kept
}

/// The value of an attribute. A reference that is none stands as it is: it does not hide the rest.
pub(super) fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('&') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        match after.split_once(';').and_then(|(name, after)| Some((reference(name)?, after))) {
            Some((value, after)) => {
                text.push_str(&value);
                rest = after;
            }
            None => {
                text.push('&');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// What `&name;` stands for; a number that is no character stands for U+FFFD.
pub(super) fn reference(name: &str) -> Option<String> {
    let Some(number) = name.strip_prefix('#') else {
        return resolve_xml_entity(name).map(str::to_owned);
    };
    let value = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    Some(value.ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_message(text: &str, expect: impl Into<Option<&'static str>>) {
        assert_eq!(message(text, &Redactor::default()).as_deref(), expect.into());
    }

    #[test]
    fn messages_are_trimmed_and_plain() {
        check_message("  expected 1\r\n\tgot 2\n", "expected 1\n\tgot 2");
        check_message("\u{1b}[31mred\u{1b}[0m\u{0}\u{1b}", "red");
        check_message(" \n", None);
    }

    #[test]
    fn what_is_long_ends_in_a_mark() {
        let text = message(&"é".repeat(MAX_MESSAGE), &Redactor::default()).unwrap();
        assert!(text.len() <= MAX_MESSAGE && text.ends_with("é…"), "{}", text.len());
        assert_eq!(name("a\nb", &Redactor::default()), "a b");
    }

    #[test]
    fn references_that_are_none_stand_as_they_are() {
        for (raw, expect) in [
            ("a &lt;b&gt; &amp;amp; &#xe9;&#233;", "a <b> &amp; éé"),
            ("AT&T &nbsp; &am", "AT&T &nbsp; &am"),
            ("&#xD800;&#99999999999;", "\u{FFFD}\u{FFFD}"),
        ] {
            assert_eq!(unescape(raw), expect);
        }
    }
}
