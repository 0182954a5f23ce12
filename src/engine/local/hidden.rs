//! Keeps the secrets of a task out of what is told of it: a server may repeat them in its answers.
//!
//! The search for them is made when something is told, as most tasks meet nothing to be told of.

use std::sync::OnceLock;

use suitesync_runner::{Redactor, Secret};
use zeroize::Zeroizing;

use crate::config::SecretValue;

/// Lines of a key: shorter ones say nothing of it.
const SHORTEST_LINE: usize = 16;

/// What is told where the secrets cannot be searched for.
const UNTELLABLE: &str = "what was said is not told: it could not be searched for secrets";

/// The secrets of a task.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    secrets: Vec<Secret>,
    /// Of keys: looked for as they are, as a key is sent to nobody who could write it in another form.
    lines: Vec<(String, Zeroizing<String>)>,
    redactor: OnceLock<Option<Redactor>>,
}

impl Hidden {
    /// Hides a password, and the pair that it is sent in.
    pub(super) fn login(&mut self, username: &str, password: &SecretValue) {
        self.add(password, Some(username.to_owned()));
    }

    pub(super) fn secret(&mut self, secret: &SecretValue) {
        self.add(secret, None);
    }

    /// Hides a key in PEM, line by line.
    pub(super) fn key(&mut self, pem: &SecretValue) {
        let lines = pem.expose().lines().filter(|line| line.len() >= SHORTEST_LINE && !line.starts_with("-----"));
        self.lines.extend(lines.map(|line| (pem.to_string(), Zeroizing::new(line.to_owned()))));
    }

    /// The text without any form of the secrets.
    pub(super) fn clean(&self, text: &str) -> String {
        let redactor = self.redactor.get_or_init(|| Redactor::new(&self.secrets).ok());
        let Some(redactor) = redactor else { return UNTELLABLE.to_owned() };
        let text = redactor.redact(text).into_owned();
        self.lines.iter().fold(text, |text, (shown, line)| text.replace(line.as_str(), shown))
    }

    fn add(&mut self, secret: &SecretValue, user: Option<String>) {
        let value = Zeroizing::new(secret.expose().to_owned());
        self.secrets.push(Secret { source: secret.source().clone(), value, user });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use suitesync_contract::SecretRef;

    use super::*;
    use crate::config::{Environment, Secrets};

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIB\n-----END PRIVATE KEY-----\n";

    fn hidden() -> Hidden {
        let variables = [("TOKEN", "p@ss\"word/1"), ("KEY", KEY)];
        let secrets = Secrets::new(BTreeMap::new(), Environment::of(variables));
        let (token, key) = (SecretRef::Env("TOKEN".to_owned()), SecretRef::Env("KEY".to_owned()));
        let mut hidden = Hidden::default();
        hidden.login("svc", &secrets.resolve(&token).unwrap());
        hidden.key(&secrets.resolve_key(&key).unwrap());
        hidden
    }

    #[test]
    fn no_form_of_a_secret_is_told() {
        let (token, key) = ("[secret env:TOKEN]", "[secret env:KEY]");
        for (text, expect) in [
            (r#"http 500: p@ss"word/1"#, format!("http 500: {token}")),
            (r#"{"sent":"p@ss\"word/1"}"#, format!(r#"{{"sent":"{token}"}}"#)),
            ("<sent>p@ss&quot;word/1</sent>", format!("<sent>{token}</sent>")),
            ("?token=p%40ss%22word%2F1&x", format!("?token={token}&x")),
            ("7040737322776f72642f31", token.to_owned()),
            ("Basic c3ZjOnBAc3Mid29yZC8x again", format!("Basic {token} again")),
            ("key MC4CAQAwBQYDK2VwBCIEIB.", format!("key {key}.")),
            ("nothing to hide", "nothing to hide".to_owned()),
        ] {
            assert_eq!(hidden().clean(text), expect);
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", hidden());
        assert!(!shown.contains("p@ss") && !shown.contains("MC4CAQ"), "{shown}");
    }
}
