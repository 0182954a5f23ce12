//! What can go wrong, as a closed list of classes with stable codes.
//!
//! A class is decided from structure (status codes, TLS error values, library codes), never from words in a text.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a failure; its code is a contract with scripts and alert rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    Dns,
    Connect,
    Timeout,
    Proxy,
    ProxyAuth,
    TlsUntrusted,
    TlsExpired,
    TlsHostname,
    TlsOther,
    HostKeyUnknown,
    HostKeyMismatch,
    SshAlgorithms,
    AuthMissing,
    AuthRejected,
    AuthExpired,
    Forbidden,
    ProjectNotFound,
    RepositoryNotFound,
    RefNotFound,
    PathNotFound,
    NotGit,
    RedirectRefused,
    RateLimited,
    ServerError,
    Protocol,
    RepositoryCorrupt,
    DiskFull,
    SecretUnavailable,
    NoEligibleDelegate,
    DelegateLost,
    Canceled,
    Internal,
}

impl FailureClass {
    /// Every class, in the order of the documentation.
    pub const ALL: [Self; 32] = [
        Self::Dns,
        Self::Connect,
        Self::Timeout,
        Self::Proxy,
        Self::ProxyAuth,
        Self::TlsUntrusted,
        Self::TlsExpired,
        Self::TlsHostname,
        Self::TlsOther,
        Self::HostKeyUnknown,
        Self::HostKeyMismatch,
        Self::SshAlgorithms,
        Self::AuthMissing,
        Self::AuthRejected,
        Self::AuthExpired,
        Self::Forbidden,
        Self::ProjectNotFound,
        Self::RepositoryNotFound,
        Self::RefNotFound,
        Self::PathNotFound,
        Self::NotGit,
        Self::RedirectRefused,
        Self::RateLimited,
        Self::ServerError,
        Self::Protocol,
        Self::RepositoryCorrupt,
        Self::DiskFull,
        Self::SecretUnavailable,
        Self::NoEligibleDelegate,
        Self::DelegateLost,
        Self::Canceled,
        Self::Internal,
    ];

    /// The stable code, and the one next step to take where the failure itself knows no better one.
    fn entry(self) -> (&'static str, &'static str) {
        match self {
            Self::Dns => ("dns", "check the host name in the URL and the resolver of this host"),
            Self::Connect => {
                ("connect", "check that the server is up and that a firewall or proxy lets this host reach it")
            }
            Self::Timeout => {
                ("timeout", "check the load of the server and the network in between; it is tried again by itself")
            }
            Self::Proxy => ("proxy", "check the proxy's address and that it may reach the server"),
            Self::ProxyAuth => ("proxy_auth", "check the user and password of the proxy"),
            Self::TlsUntrusted => ("tls_untrusted", "put the issuer's certificate into `additional_certs_path`"),
            Self::TlsExpired => ("tls_expired", "renew the server's certificate, or check the clock of this host"),
            Self::TlsHostname => {
                ("tls_hostname", "use the name that the certificate was issued for, or have it issued for this one")
            }
            Self::TlsOther => ("tls_other", "check what the server offers: TLS 1.2 or 1.3 is needed"),
            Self::HostKeyUnknown => (
                "host_key_unknown",
                "compare the fingerprint with the one the server's owner publishes, then add it to `host_keys`",
            ),
            Self::HostKeyMismatch => (
                "host_key_mismatch",
                "ask the server's owner whether the key was changed; if not, someone may be in between",
            ),
            Self::SshAlgorithms => ("ssh_algorithms", "the server offers only retired SSH algorithms; have it updated"),
            Self::AuthMissing => ("auth_missing", "set `credentials` for the connection"),
            Self::AuthRejected => {
                ("auth_rejected", "check that the token is whole, not revoked, and made for this organization")
            }
            Self::AuthExpired => ("auth_expired", "make a new token and put it where the secret comes from"),
            Self::Forbidden => ("forbidden", "give the token the scope that is named"),
            Self::ProjectNotFound => {
                ("project_not_found", "check the project in the URL and that the token may see it")
            }
            Self::RepositoryNotFound => (
                "repository_not_found",
                "check the repository in the URL, that the token may read it, and that it is not disabled",
            ),
            Self::RefNotFound => ("ref_not_found", "check the branch or tag of the link"),
            Self::PathNotFound => ("path_not_found", "check the directory of the link"),
            Self::NotGit => ("not_git", "check that the URL is the one used for `git clone`"),
            Self::RedirectRefused => {
                ("redirect_refused", "use the address that the server redirects to, if it is yours")
            }
            Self::RateLimited => ("rate_limited", "nothing: it goes on by itself at the time that the server named"),
            Self::ServerError => ("server_error", "look at the server; it is tried again by itself"),
            Self::Protocol => {
                ("protocol", "check that nothing in between changes the answers, and report it with the message")
            }
            Self::RepositoryCorrupt => ("repository_corrupt", "run `git fsck` on the server's repository"),
            Self::DiskFull => ("disk_full", "make room where the state folder lies"),
            Self::SecretUnavailable => {
                ("secret_unavailable", "set the environment variable or the file that the secret names")
            }
            Self::NoEligibleDelegate => {
                ("no_eligible_delegate", "correct `delegate_tags`, or give a delegate the tags")
            }
            Self::DelegateLost => ("delegate_lost", "look at the delegate's log"),
            Self::Canceled => ("canceled", "nothing: it was asked for"),
            Self::Internal => ("internal", "report it with the log around this time"),
        }
    }

    /// The stable code, such as `tls_untrusted`.
    pub fn code(self) -> &'static str {
        self.entry().0
    }

    /// The next step where the failure itself knows no better one.
    pub fn default_hint(self) -> &'static str {
        self.entry().1
    }

    /// Whether trying the same again later may help without anyone changing anything.
    pub fn may_retry(self) -> bool {
        match self {
            Self::Dns | Self::Connect | Self::Timeout | Self::Proxy | Self::TlsExpired | Self::TlsOther => true,
            Self::RateLimited | Self::ServerError | Self::Protocol | Self::RepositoryCorrupt | Self::DiskFull => true,
            Self::SecretUnavailable | Self::NoEligibleDelegate | Self::DelegateLost | Self::Internal => true,
            Self::RefNotFound
            | Self::PathNotFound
            | Self::RepositoryNotFound
            | Self::ProjectNotFound
            | Self::NotGit => true,
            Self::ProxyAuth | Self::TlsUntrusted | Self::TlsHostname | Self::RedirectRefused | Self::SshAlgorithms => {
                true
            }
            Self::HostKeyUnknown | Self::HostKeyMismatch => false,
            Self::AuthMissing | Self::AuthRejected | Self::AuthExpired | Self::Forbidden | Self::Canceled => false,
        }
    }

    /// Whether it may be about one of several things that were asked for at once, so that the others can be had without it.
    pub fn may_spare_others(self) -> bool {
        matches!(self, Self::RefNotFound | Self::RepositoryCorrupt | Self::ServerError | Self::Protocol)
    }

    /// Whether going on could lock an account or hand a secret to a stranger: all work but the probe is held.
    pub fn holds_connection(self) -> bool {
        matches!(self, Self::AuthMissing | Self::AuthRejected | Self::AuthExpired | Self::HostKeyMismatch)
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// What went wrong, told to a person: the class, the cause with host and delegate, and one next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Failure {
    pub class: FailureClass,
    pub message: String,
    pub hint: String,
    /// Seconds after which the server allows another try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Failure {
    /// A failure with the class's own next step.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), hint: class.default_hint().to_owned(), retry_after: None }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_name_in_json() {
        for class in FailureClass::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.code());
        }
    }
}
