//! Secrets that would be noticed anywhere: servers repeat what they were sent, everything fails that can, and nothing
//! of it is in any output, log, event, file, command line or environment.

mod echoes;
mod processes;
mod seen;
mod written;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters of a secret that are no accident.
const TELLING: usize = 16;

/// What does not stand for itself in a URL (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A secret, and the name that it is sent with.
#[derive(Debug, Clone)]
struct Canary {
    username: &'static str,
    secret: String,
}

impl Canary {
    fn new(username: &'static str, secret: &str) -> Self {
        Self { username, secret: secret.to_owned() }
    }

    /// The ways in which it may come back: a name for each, and the text.
    fn forms(&self) -> [(&'static str, String); 5] {
        let pair = format!("{}:{}", self.username, self.secret);
        [
            ("raw", self.secret.clone()),
            ("url", utf8_percent_encode(&self.secret, RESERVED).to_string()),
            ("form", url::form_urlencoded::byte_serialize(self.secret.as_bytes()).collect()),
            ("base64", STANDARD.encode(&self.secret)),
            ("pair", STANDARD.encode(pair)),
        ]
    }

    /// What gives it away: each form but for its last, padded characters, and a good part of it as it is.
    fn traces(&self) -> Vec<String> {
        let part = self.secret.chars().take(TELLING).collect();
        let forms = self.forms().map(|(_, form)| form.trim_end_matches('=').to_owned());
        forms.into_iter().chain([part]).collect()
    }
}
