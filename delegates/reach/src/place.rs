//! What the message of a failure names: the host, the repository, the delegate that met it, and the proxy it went
//! through.

use std::fmt::Display;

use suitesync_contract::{DelegateName, Failure, FailureClass, Provider, RepoUrl};

use crate::proxy::{self, Proxy};

/// Longest text of a server that is shown, in characters: one line of a log.
const MAX_SHOWN: usize = 200;

/// One repository as seen from one delegate.
#[derive(Debug, Clone)]
pub struct Place {
    delegate: String,
    host: String,
    repository: String,
    provider: Provider,
    proxy: Option<Proxy>,
}

impl Place {
    /// Reached without a proxy, or with one that is named later; see [`crate::Client::place`].
    pub fn new(url: &RepoUrl, delegate: &DelegateName) -> Self {
        Self {
            delegate: delegate.to_string(),
            repository: url.request_url(),
            host: proxy::authority(&url.origin().host, url.origin().port),
            provider: url.provider(),
            proxy: None,
        }
    }

    /// The same place, reached through a proxy.
    #[must_use]
    pub(crate) fn through(&self, proxy: &Proxy) -> Self {
        Self { proxy: Some(proxy.clone()), ..self.clone() }
    }

    /// The proxy that is gone through.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// A failure about the host: `failed to <verb> HOST from delegate NAME: <cause>`.
    pub fn host_failure(&self, class: FailureClass, verb: &str, cause: impl Display) -> Failure {
        self.failure(class, format_args!("failed to {verb} {}", self.host), cause)
    }

    /// A failure about the repository: `failed to <verb> REPOSITORY from delegate NAME: <cause>`.
    pub fn repository_failure(&self, class: FailureClass, verb: &str, cause: impl Display) -> Failure {
        self.failure(class, format_args!("failed to {verb} {}", self.repository), cause)
    }

    /// The server broke the rules of the protocol.
    pub fn protocol_failure(&self, cause: impl Display) -> Failure {
        self.repository_failure(FailureClass::Protocol, "talk Git with", cause)
    }

    fn failure(&self, class: FailureClass, failed: impl Display, cause: impl Display) -> Failure {
        let proxy = self.proxy.as_ref().map(|proxy| format!(" through proxy {}", proxy.address())).unwrap_or_default();
        Failure::new(class, format!("{failed} from delegate {}{proxy}: {cause}", self.delegate))
    }
}

/// A text of a server made fit to be shown: its first line, bounded, without control characters.
///
/// It is cut between words: half of a secret that a server repeats could no longer be told from other text.
pub fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.trim_start().lines().next().unwrap_or_default().trim_end();
    let mut characters = line.chars().filter(|c| !c.is_control());
    let mut shown: String = characters.by_ref().take(MAX_SHOWN).collect();
    if characters.next().is_some() {
        shown.truncate(shown.rfind(char::is_whitespace).unwrap_or_default());
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_of_a_servers_text_is_shown_and_nothing_that_steers_a_terminal() {
        assert_eq!(shown(b"\r\nTF401019: \x1b[31mgone\x07\nsecret second line"), "TF401019: [31mgone");
        assert_eq!(shown(&[b'x'; 5000]), "…");
        assert_eq!(shown(&b"word ".repeat(100)), format!("{}…", "word ".repeat(40).trim_end()));
        assert_eq!(shown(b"\xff\xfe"), "\u{fffd}\u{fffd}");
        assert_eq!(shown(b""), "");
    }
}
