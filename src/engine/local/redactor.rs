//! Keeps secrets out of what is told: a server may repeat them in its answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use suitesync_git::Authorization;
use zeroize::Zeroizing;

/// Shorter ones are no secrets worth the name, and would blot out ordinary words.
const SHORTEST: usize = 4;

/// What stands where a secret stood.
const BLOT: &str = "[secret]";

/// Knows the forms in which a connection's secret may come back.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    forms: Vec<Zeroizing<String>>,
}

impl Redactor {
    pub(super) fn of(authorization: Option<&Authorization>) -> Self {
        let (pair, secret) = match authorization {
            None => return Self::default(),
            Some(Authorization::Basic { username, password }) => (format!("{username}:{password}"), password),
            Some(Authorization::Bearer { token }) => (token.clone(), token),
        };
        let encoded = |text: &str| STANDARD.encode(text).trim_end_matches('=').to_owned();
        let in_url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        // The longest first, so that no part of one is left over.
        let mut forms = vec![encoded(&pair), encoded(secret), in_url, secret.clone()];
        forms.retain(|form| form.len() >= SHORTEST);
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self { forms: forms.into_iter().map(Zeroizing::new).collect() }
    }

    /// The text without any form of the secret.
    pub(super) fn clean(&self, text: &str) -> String {
        self.forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), BLOT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let authorization = Authorization::Basic { username: String::new(), password: "p@ss-word".to_owned() };
        assert_eq!(Redactor::of(Some(&authorization)).clean(text), expect);
    }

    #[test]
    fn every_form_of_the_secret_is_blotted_out() {
        check("http 500: p@ss-word", "http 500: [secret]");
        check("Basic OnBAc3Mtd29yZA== again", "Basic [secret]== again");
        check("cEBzcy13b3Jk", "[secret]");
        check("?token=p%40ss-word&x", "?token=[secret]&x");
        check("nothing to hide", "nothing to hide");
    }

    #[test]
    fn without_credentials_nothing_is_changed() {
        assert_eq!(Redactor::of(None).clean("abc"), "abc");
    }
}
