//! What a server is started with.

use std::fmt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::authority::Authority;
use crate::identity::ServerIdentity;
use crate::tls::TlsVersions;

/// Enough to look back on a whole test, too few to matter in a demo that runs for days.
pub(crate) const REMEMBERED_REQUESTS: usize = 1000;

/// How a server is to serve.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Bare repositories are folders below this one; their path is the path of the URL, with or without `.git`.
    pub root: PathBuf,
    /// Zero lets the system choose.
    pub port: u16,
    /// Without one the server speaks plain HTTP.
    pub identity: Option<ServerIdentity>,
    pub tls_versions: TlsVersions,
    /// Over TLS, clients have to show a certificate that this authority has issued.
    pub client_authority: Option<Authority>,
    pub login: Login,
    pub protocol: Protocol,
    /// Keys and values for the Git that answers.
    pub git_config: Vec<(String, String)>,
    /// How many of the last requests are kept to look at.
    pub remembered_requests: usize,
}

impl ServerOptions {
    /// Open to all, over plain HTTP, with partial fetches allowed as the big hosts allow them.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            port: 0,
            identity: None,
            tls_versions: TlsVersions::Both,
            client_authority: None,
            login: Login::Open,
            protocol: Protocol::V2,
            git_config: partial_fetches(),
            remembered_requests: REMEMBERED_REQUESTS,
        }
    }

    #[must_use]
    pub fn identity(mut self, identity: ServerIdentity) -> Self {
        self.identity = Some(identity);
        self
    }

    #[must_use]
    pub fn tls_versions(mut self, versions: TlsVersions) -> Self {
        self.tls_versions = versions;
        self
    }

    #[must_use]
    pub fn client_authority(mut self, authority: Authority) -> Self {
        self.client_authority = Some(authority);
        self
    }

    #[must_use]
    pub fn login(mut self, login: Login) -> Self {
        self.login = login;
        self
    }

    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
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

/// What lets a client fetch a part, as the big hosts let it.
pub(crate) fn partial_fetches() -> Vec<(String, String)> {
    let allowed = |key: &str| (key.to_owned(), "true".to_owned());
    vec![allowed("uploadpack.allowFilter"), allowed("uploadpack.allowAnySHA1InWant")]
}

/// Which versions of the Git protocol the server lets a client ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The wish for a newer one is not passed on, as on Azure Repos.
    V0,
    V2,
}

/// What a request has to bring along.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    Open,
    /// Basic authentication with an empty user name and this password.
    Token(String),
    /// Basic authentication with exactly this user name.
    User {
        name: String,
        password: String,
    },
    Bearer(String),
}

impl Login {
    /// The user that an `Authorization` header proves, empty where nobody has to log in; nothing when it is refused.
    pub(crate) fn admits(&self, authorization: Option<&str>) -> Option<&str> {
        let (scheme, secret, user) = match self {
            Self::Open => return Some(""),
            Self::Token(token) => ("Basic", STANDARD.encode(format!(":{token}")), "token"),
            Self::User { name, password } => ("Basic", STANDARD.encode(format!("{name}:{password}")), name.as_str()),
            Self::Bearer(token) => ("Bearer", token.clone(), "bearer"),
        };
        let (given_scheme, given_secret) = authorization?.split_once(' ')?;
        (given_scheme.eq_ignore_ascii_case(scheme) && given_secret.trim() == secret).then_some(user)
    }

    /// What `WWW-Authenticate` asks for.
    pub(crate) fn challenge(&self) -> &'static str {
        match self {
            Self::Open | Self::Token(_) | Self::User { .. } => "Basic realm=\"loopback\"",
            Self::Bearer(_) => "Bearer realm=\"loopback\"",
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Open => "Open",
            Self::Token(_) => "Token(..)",
            Self::User { .. } => "User(..)",
            Self::Bearer(_) => "Bearer(..)",
        })
    }
}
