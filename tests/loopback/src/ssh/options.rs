//! What an SSH server is started with.

use std::path::PathBuf;

use crate::options::{Protocol, partial_fetches};
use crate::ssh::key::{SshKey, SshKeyKind};

/// What OpenSSH allows by itself: sessions open at once on one connection.
const MAX_SESSIONS: u32 = 10;

/// How an SSH server is to serve.
#[derive(Debug, Clone)]
pub struct SshOptions {
    /// Bare repositories are folders below this one, found by the path that the client names: `/contoso/checkout`,
    /// with or without `.git`, and `v3/ORGANISATION/PROJECT/REPOSITORY` also as `ORGANISATION/PROJECT/_git/REPOSITORY`.
    pub root: PathBuf,
    /// Zero lets the system choose.
    pub port: u16,
    /// The public lines of those who may log in.
    pub authorized_keys: Vec<String>,
    /// A key of each of these kinds is made and offered.
    pub host_keys: Vec<SshKeyKind>,
    pub algorithms: SshAlgorithms,
    pub protocol: Protocol,
    /// Sessions (channels) open at once on one connection.
    pub max_sessions: u32,
    /// Keys and values for the Git that answers.
    pub git_config: Vec<(String, String)>,
}

impl SshOptions {
    /// Keys of Ed25519 and RSA, OpenSSH's own algorithms, protocol 2, and nobody who may log in.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            port: 0,
            authorized_keys: Vec::new(),
            host_keys: vec![SshKeyKind::Ed25519, SshKeyKind::Rsa],
            algorithms: SshAlgorithms::Current,
            protocol: Protocol::V2,
            max_sessions: MAX_SESSIONS,
            git_config: partial_fetches(),
        }
    }

    /// One more key that may log in.
    #[must_use]
    pub fn authorize(mut self, key: &SshKey) -> Self {
        self.authorized_keys.push(key.public_line().to_owned());
        self
    }

    #[must_use]
    pub fn host_keys(mut self, kinds: impl IntoIterator<Item = SshKeyKind>) -> Self {
        self.host_keys = kinds.into_iter().collect();
        self
    }

    #[must_use]
    pub fn algorithms(mut self, algorithms: SshAlgorithms) -> Self {
        self.algorithms = algorithms;
        self
    }

    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    #[must_use]
    pub fn max_sessions(mut self, max_sessions: u32) -> Self {
        self.max_sessions = max_sessions;
        self
    }

    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// One more key for the Git that answers; a later value of the same key wins.
    #[must_use]
    pub fn git_config(mut self, key: &str, value: &str) -> Self {
        self.git_config.push((key.to_owned(), value.to_owned()));
        self
    }
}

/// Which algorithms the server agrees to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SshAlgorithms {
    /// What this OpenSSH allows by itself.
    Current,
    /// RSA keys alone, of host and user, signed with SHA-2: as Azure Repos. Give the server an RSA host key.
    Azure,
    /// SHA-1 in the key exchange and in signatures: a client of today finds nothing in common. RSA host key again.
    RetiredOnly,
}

impl SshAlgorithms {
    /// Keywords and values of `sshd_config`.
    pub(super) fn keywords(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Current => &[],
            Self::Azure => &[
                ("HostKeyAlgorithms", "rsa-sha2-512,rsa-sha2-256"),
                ("PubkeyAcceptedAlgorithms", "rsa-sha2-512,rsa-sha2-256"),
            ],
            Self::RetiredOnly => &[
                ("HostKeyAlgorithms", "ssh-rsa"),
                ("PubkeyAcceptedAlgorithms", "ssh-rsa"),
                ("KexAlgorithms", "diffie-hellman-group14-sha1"),
                ("MACs", "hmac-sha1"),
            ],
        }
    }
}
