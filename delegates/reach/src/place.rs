//! What the message of a failure names: the host, the repository and the delegate that met it.

use std::fmt::Display;

use suitesync_contract::{DelegateName, Failure, FailureClass, Provider, RepoUrl};

/// Longest text of a server that is shown, in characters: one line of a log.
const MAX_SHOWN: usize = 200;

/// One repository as seen from one delegate.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    delegate: String,
    host: String,
    repository: String,
    provider: Provider,
}

impl Place {
    pub(crate) fn new(url: &RepoUrl, delegate: &DelegateName) -> Self {
        let origin = url.origin();
        let host = if origin.host.contains(':') {
            format!("[{}]:{}", origin.host, origin.port)
        } else {
            format!("{}:{}", origin.host, origin.port)
        };
        Self { delegate: delegate.to_string(), repository: url.request_url(), host, provider: url.provider() }
    }

    pub(crate) fn provider(&self) -> Provider {
        self.provider
    }

    /// A failure about the host: `failed to <verb> HOST from delegate NAME: <cause>`.
    pub(crate) fn host_failure(&self, class: FailureClass, verb: &str, cause: impl Display) -> Failure {
        Failure::new(class, format!("failed to {verb} {} from delegate {}: {cause}", self.host, self.delegate))
    }

    /// A failure about the repository: `failed to <verb> REPOSITORY from delegate NAME: <cause>`.
    pub(crate) fn repository_failure(&self, class: FailureClass, verb: &str, cause: impl Display) -> Failure {
        Failure::new(class, format!("failed to {verb} {} from delegate {}: {cause}", self.repository, self.delegate))
    }

    /// The server broke the rules of the protocol.
    pub(crate) fn protocol_failure(&self, cause: impl Display) -> Failure {
        self.repository_failure(FailureClass::Protocol, "talk Git with", cause)
    }
}

/// A text of a server made fit to be shown: its first line, bounded, without control characters.
pub(crate) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.trim_start().lines().next().unwrap_or_default().trim_end();
    line.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_of_a_servers_text_is_shown_and_nothing_that_steers_a_terminal() {
        assert_eq!(shown(b"\r\nTF401019: \x1b[31mgone\x07\nsecret second line"), "TF401019: [31mgone");
        assert_eq!(shown(&[b'x'; 5000]).len(), MAX_SHOWN);
        assert_eq!(shown(b"\xff\xfe"), "\u{fffd}\u{fffd}");
        assert_eq!(shown(b""), "");
    }
}
