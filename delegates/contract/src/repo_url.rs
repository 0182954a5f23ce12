//! Addresses of repositories, as people paste them: one pure parser for every form.

mod address;
mod azure;
mod connection;
mod origin;
mod segment;
mod server_url;
mod travelling;
mod web_view;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::RefSpec;

use address::{Address, PathStart};
use azure::Settled;
pub use azure::{AzureAccount, AzureRepository, is_same_name as is_same_azure_name};
pub use connection::ConnectionUrl;
pub use origin::{Origin, Scheme};
pub use server_url::ServerUrl;

/// Whose URL forms are to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    AzureRepos,
    Git,
}

impl Provider {
    /// The provider whose host an address is on: Azure's own hosts are known, all others are plain Git servers.
    pub fn implied_by(text: &str) -> Self {
        match Address::read(text) {
            Ok(address) if azure::is_azure_host(&address.origin.host) => Self::AzureRepos,
            Ok(_) | Err(_) => Self::Git,
        }
    }

    /// The provider whose forms an address of unknown kind has to be of: Azure's too where the host only looks like
    /// Azure's, which is refused there, and where the path is that of an Azure DevOps Server.
    pub fn suggested_by(text: &str) -> Self {
        match Address::read(text) {
            Ok(address) if azure::is_to_be_read(&address) => Self::AzureRepos,
            Ok(_) | Err(_) => Self::Git,
        }
    }
}

/// What a connection's URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UrlType {
    Organization,
    Project,
    Repository,
}

impl fmt::Display for UrlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Organization => "organization",
            Self::Project => "project",
            Self::Repository => "repository",
        })
    }
}

/// One repository's address, without credentials, ready for requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "travelling::Travelling")]
pub struct RepoUrl {
    origin: Origin,
    provider: Provider,
    /// The login name of SSH; nothing over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// From the first slash, every segment percent-encoded once, no slash at the end.
    path: String,
    /// Where the path begins on an SSH server.
    #[serde(default, skip_serializing_if = "PathStart::is_top")]
    start: PathStart,
    identity: RepositoryIdentity,
    #[serde(skip_serializing_if = "Option::is_none")]
    azure: Option<AzureRepository>,
}

/// What makes two addresses the same repository. Compare this, never a URL.
///
/// It is readable: host, port where it is not the usual one, and the decoded path. For Azure Repos all of it is in
/// lower case, and every address of one repository on Azure DevOps Services has the same identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RepositoryIdentity(String);

/// A link's URL: the repository, and the view of it that a web URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkUrl {
    pub repository: RepoUrl,
    /// Without slashes at the ends.
    pub directory: Option<String>,
    pub reference: Option<RefSpec>,
}

/// Why a text is no address that can be used, and the text that was probably meant.
///
/// The message ends with the corrected text where there is one, and never holds a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlError {
    pub message: String,
    pub corrected: Option<String>,
}

impl UrlError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), corrected: None }
    }

    fn corrected(self, text: String) -> Self {
        Self { message: format!("{}: use `{text}`", self.message), corrected: Some(text) }
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for UrlError {}

impl RepoUrl {
    /// Reads any clone or web URL.
    ///
    /// Where an Azure DevOps Server's virtual folder and collection end cannot be told from one URL: it is guessed
    /// here, and read for certain by [`ConnectionUrl::link`].
    pub fn parse(text: &str, provider: Provider) -> Result<LinkUrl, UrlError> {
        let address = Address::read(text)?;
        match provider {
            Provider::AzureRepos => azure::read(&address, Settled::Nothing)?.link(&address),
            Provider::Git => Ok(LinkUrl { repository: Self::of_git(&address)?, directory: None, reference: None }),
        }
    }

    fn of_git(address: &Address) -> Result<Self, UrlError> {
        address.without_view()?;
        if address.segments.is_empty() {
            return Err(UrlError::new("the URL names no repository"));
        }
        // It would be an option to the server's `git-upload-pack`.
        if address.start == PathStart::Home && address.segments.first().is_some_and(|first| first.starts_with('-')) {
            return Err(UrlError::new("the path begins with a dash"));
        }
        Ok(Self {
            origin: address.origin.clone(),
            provider: Provider::Git,
            user: address.user.clone(),
            path: segment::join(&address.segments),
            start: address.start,
            identity: address.identity(),
            azure: None,
        })
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

    /// What `git-upload-pack` is asked for over SSH, as Git itself sends it; not quoted for a shell.
    ///
    /// Azure DevOps Services gets the path as its portal writes it (`git@ssh.dev.azure.com:v3/…`), of which Git decodes
    /// nothing. Everywhere else it is decoded once, and is from the home folder where the address says so.
    pub fn ssh_path(&self) -> Cow<'_, str> {
        if self.azure.as_ref().is_some_and(|names| matches!(names.account, AzureAccount::Organization(_))) {
            return Cow::Borrowed(self.path.trim_start_matches('/'));
        }
        let decoded = percent_decode_str(&self.path).decode_utf8_lossy();
        let home = decoded.strip_prefix('/').filter(|path| self.start == PathStart::Home || path.starts_with('~'));
        home.map(|path| Cow::Owned(path.to_owned())).unwrap_or(decoded)
    }

    pub fn identity(&self) -> &RepositoryIdentity {
        &self.identity
    }

    /// The names that an Azure address is made of.
    pub fn azure(&self) -> Option<&AzureRepository> {
        self.azure.as_ref()
    }

    /// The repository's own name in the letter case it was given in, for tables.
    pub fn short_name(&self) -> &str {
        self.azure.as_ref().map_or_else(|| self.identity.short_name(), |names| &names.repository)
    }

    /// An address behind which a view of the repository can stand, for the connection to read again.
    fn web_url(&self) -> String {
        match &self.azure {
            Some(names) if azure::is_azure_host(&self.origin.host) => azure::web_url(names),
            Some(_) | None => self.request_url(),
        }
    }

    /// The URL that requests begin with: scheme, host, port where it is not the usual one, and path.
    pub fn request_url(&self) -> String {
        format!("{}://{}{}", self.origin.scheme, self.origin, self.path)
    }
}

impl fmt::Display for RepoUrl {
    /// Never holds credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.request_url())
    }
}

impl RepositoryIdentity {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The repository's own name, for tables.
    pub fn short_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for RepositoryIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
