//! Addresses of repositories, as people paste them: one pure parser for every form.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::RefSpec;

/// Whose URL forms are to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    AzureRepos,
    Git,
}

/// What a connection's URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UrlType {
    Organization,
    Project,
    Repository,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    Https,
    Http,
    Ssh,
    File,
}

/// Where requests go: credentials are sent to this and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    pub scheme: Scheme,
    /// In lower case, without brackets.
    pub host: String,
    pub port: u16,
}

/// One repository's address, without credentials, ready for requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoUrl {
    origin: Origin,
    provider: Provider,
    /// The login name of SSH; nothing over HTTP.
    user: Option<String>,
    /// From the first slash, every segment percent-encoded once, no slash at the end.
    path: String,
    identity: RepositoryIdentity,
}

/// What makes two addresses the same repository. Compare this, never a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RepositoryIdentity(String);

/// A link's URL: the repository, and the view of it that a web URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkUrl {
    pub repository: RepoUrl,
    /// Without slashes at the ends.
    pub directory: Option<String>,
    pub reference: Option<RefSpec>,
}

/// An account's URL, as a prefix of its repositories'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionUrl {
    provider: Provider,
    url_type: UrlType,
    origin: Origin,
    path: String,
}

/// Why a text is no address that can be used, and the text that was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlError {
    pub message: String,
    pub corrected: Option<String>,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for UrlError {}

impl RepoUrl {
    /// Reads any clone or web URL.
    pub fn parse(_text: &str, _provider: Provider) -> Result<LinkUrl, UrlError> {
        Err(UrlError { message: "stub".into(), corrected: None })
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub fn provider(&self) -> Provider {
        self.provider
    }

    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// From the first slash, percent-encoded, no slash at the end.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn identity(&self) -> &RepositoryIdentity {
        &self.identity
    }
}

impl ConnectionUrl {
    pub fn parse(_text: &str, _provider: Provider, _url_type: UrlType) -> Result<Self, UrlError> {
        Err(UrlError { message: "stub".into(), corrected: None })
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The repository that a connection test reads.
    pub fn test_repository(&self, _name: Option<&str>) -> Result<RepoUrl, UrlError> {
        Err(UrlError { message: "stub".into(), corrected: None })
    }

    /// Reads a link's URL against this one: it must lie on the same origin and below this path.
    pub fn link(&self, _text: &str) -> Result<LinkUrl, UrlError> {
        Err(UrlError { message: "stub".into(), corrected: None })
    }
}

impl fmt::Display for RepoUrl {
    /// Never holds credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
