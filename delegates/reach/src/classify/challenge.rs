//! The ways to sign in that a server or a proxy offers with 401 or 407 (RFC 9110, section 11.6.1): the words of the
//! schemes alone, as their parameters are of no use to us.

use reqwest::header::{HeaderMap, HeaderName};

/// What credentials can be sent by.
const SPOKEN: [&str; 2] = ["Basic", "Bearer"];
/// Most schemes that are shown, and the longest of them in characters; those that are in use have up to 12.
const MAX_SHOWN: usize = 4;
const MAX_SCHEME: usize = 20;

/// The schemes of an answer for people, such as `Negotiate, NTLM`, where there are some and credentials can be sent by
/// none of them.
pub(crate) fn foreign(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    foreign_in(headers.get_all(name).iter().filter_map(|value| value.to_str().ok()))
}

/// The same of the values of the header.
pub(crate) fn foreign_in<'a>(values: impl Iterator<Item = &'a str>) -> Option<String> {
    let schemes: Vec<_> = values.flat_map(elements).filter_map(scheme).collect();
    let is_spoken = |scheme: &&str| SPOKEN.iter().any(|spoken| spoken.eq_ignore_ascii_case(scheme));
    if schemes.is_empty() || schemes.iter().any(is_spoken) {
        return None;
    }
    Some(schemes.into_iter().take(MAX_SHOWN).collect::<Vec<_>>().join(", "))
}

/// What stands between commas that are not quoted.
fn elements(value: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    value.split(move |character| {
        let escapes = is_quoted && character == '\\' && !is_escaped;
        is_quoted ^= character == '"' && !is_escaped;
        is_escaped = escapes;
        character == ',' && !is_quoted
    })
}

/// The scheme that an element begins with; none where it is a parameter of the one before.
fn scheme(element: &str) -> Option<&str> {
    let element = element.trim();
    let end = element.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(element.len());
    let (word, after) = element.split_at(end);
    let is_scheme = !word.is_empty() && word.len() <= MAX_SCHEME && !after.trim_start().starts_with('=');
    (is_scheme && (after.is_empty() || after.starts_with(' '))).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str], expect: Option<&str>) {
        assert_eq!(foreign_in(values.iter().copied()).as_deref(), expect, "{values:?}");
    }

    #[test]
    fn schemes_that_are_not_spoken_are_named() {
        check(&["Negotiate", "NTLM"], Some("Negotiate, NTLM"));
        check(&["Negotiate, NTLM"], Some("Negotiate, NTLM"));
        check(&["Digest realm=\"a, Basic b\", qop = \"auth\", nonce=x"], Some("Digest"));
        check(&["NTLM TlRMTVNTUAAC=="], Some("NTLM"));
        check(&["A, B, C, D, E"], Some("A, B, C, D"));
    }

    #[test]
    fn one_that_is_spoken_suffices() {
        check(&["Bearer authorization_uri=https://login.example.org, Basic realm=\"x\", TFS-Federated"], None);
        check(&["NTLM", "basic realm=\"a \\\" b\""], None);
        check(&["Digest realm=\"a \\\" b\", BASIC"], None);
    }

    #[test]
    fn what_names_no_scheme_says_nothing() {
        check(&[], None);
        check(&["", " , ", "realm=\"x\"", "\u{1b}[31m", &"x".repeat(100)], None);
    }
}
