//! Where requests go: scheme, host and port.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    Https,
    Http,
    Ssh,
    File,
}

impl Scheme {
    /// Reads the text before `://`, in any letter case.
    pub(super) fn read(text: &str) -> Option<Self> {
        [Self::Https, Self::Http, Self::Ssh, Self::File]
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(text))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::File => "file",
        }
    }

    /// The port that an address without one means; a file has none.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
            Self::Ssh => 22,
            Self::File => 0,
        }
    }

    /// What carries the requests, in one word: both kinds of HTTP are one.
    pub fn transport(self) -> &'static str {
        match self {
            Self::Https | Self::Http => "http",
            Self::Ssh => "ssh",
            Self::File => "file",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where requests go: credentials are sent to this and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Origin {
    pub scheme: Scheme,
    /// In lower case, without brackets.
    pub host: String,
    pub port: u16,
}

impl Origin {
    /// The place of files on this host.
    pub(super) fn of_files() -> Self {
        Self { scheme: Scheme::File, host: String::new(), port: Scheme::File.default_port() }
    }

    /// Whether both are of one server: the same place, or the same host by the usual ports of two schemes.
    pub(super) fn is_same_server(&self, other: &Self) -> bool {
        let is_usual = |origin: &Self| origin.port == origin.scheme.default_port();
        self == other || (self.host == other.host && is_usual(self) && is_usual(other))
    }

    /// The host as a URL has it: a numeric one of version 6 in brackets.
    pub(super) fn host_text(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for Origin {
    /// The host, and the port where it is not the scheme's own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host_text())?;
        if self.port == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scheme: Scheme, host: &str, port: u16, expect: &str) {
        assert_eq!(Origin { scheme, host: host.to_owned(), port }.to_string(), expect);
    }

    #[test]
    fn only_a_port_of_its_own_is_shown() {
        check(Scheme::Https, "git.example.org", 443, "git.example.org");
        check(Scheme::Http, "git.example.org", 80, "git.example.org");
        check(Scheme::Http, "git.example.org", 443, "git.example.org:443");
        check(Scheme::Ssh, "git.example.org", 22, "git.example.org");
    }

    #[test]
    fn a_numeric_host_of_version_six_stands_in_brackets() {
        check(Scheme::Https, "::1", 8443, "[::1]:8443");
        check(Scheme::Https, "::1", 443, "[::1]");
    }
}
