//! Keeps secrets out of what is told: a server may repeat them in its answers.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// Shorter ones are no secrets worth the name, and would blot out ordinary words.
const SHORTEST: usize = 4;

/// Lines of a key: shorter ones say nothing of it.
const SHORTEST_LINE: usize = 16;

/// All but what RFC 3986 leaves unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What stands where a secret stood.
const BLOT: &str = "[secret]";

/// Knows the forms in which the secrets of a task may come back.
#[derive(Default)]
pub(super) struct Redactor {
    /// The longest first, so that no part of one is left over.
    forms: Vec<Zeroizing<String>>,
}

impl Redactor {
    /// Hides a password, and the pair that it is sent in.
    pub(super) fn hide_login(&mut self, username: &str, password: &str) {
        let pair = Zeroizing::new(format!("{username}:{password}"));
        self.add([encoded(&pair)]);
        self.hide(password);
    }

    pub(super) fn hide(&mut self, secret: &str) {
        let in_form = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let in_url = utf8_percent_encode(secret, ENCODED).to_string();
        let plain = Zeroizing::new(secret.to_owned());
        self.add([encoded(secret), Zeroizing::new(in_form), Zeroizing::new(in_url), plain]);
    }

    /// Hides a key in PEM, line by line.
    pub(super) fn hide_key(&mut self, pem: &str) {
        let lines = pem.lines().filter(|line| line.len() >= SHORTEST_LINE && !line.starts_with("-----"));
        self.add(lines.map(|line| Zeroizing::new(line.to_owned())));
    }

    /// The text without any form of the secrets.
    pub(super) fn clean(&self, text: &str) -> String {
        self.forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), BLOT))
    }

    fn add(&mut self, forms: impl IntoIterator<Item = Zeroizing<String>>) {
        self.forms.extend(forms.into_iter().filter(|form| form.len() >= SHORTEST));
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("forms", &self.forms.len()).finish()
    }
}

/// Base64 without its padding, which may be followed by more.
fn encoded(text: &str) -> Zeroizing<String> {
    let mut text = STANDARD.encode(text);
    text.truncate(text.trim_end_matches('=').len());
    Zeroizing::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let mut redactor = Redactor::default();
        redactor.hide_login("", "p@ss-word");
        redactor.hide_key("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIB\n-----END PRIVATE KEY-----\n");
        assert_eq!(redactor.clean(text), expect);
    }

    #[test]
    fn every_form_of_the_secrets_is_blotted_out() {
        check("http 500: p@ss-word", "http 500: [secret]");
        check("Basic OnBAc3Mtd29yZA== again", "Basic [secret]== again");
        check("cEBzcy13b3Jk", "[secret]");
        check("?token=p%40ss-word&x", "?token=[secret]&x");
        check("key MC4CAQAwBQYDK2VwBCIEIB.", "key [secret].");
        check("?token=p%40ss-word&x", "?token=[secret]&x");
        check("nothing to hide", "nothing to hide");
    }

    #[test]
    fn without_secrets_nothing_is_changed() {
        assert_eq!(Redactor::default().clean("abc"), "abc");
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut redactor = Redactor::default();
        redactor.hide("hunter2");
        assert!(!format!("{redactor:?}").contains("hunter2"));
    }
}
