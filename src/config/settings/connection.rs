//! What a valid configuration says of one connection.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use suitesync_contract::{
    ApiAccess, ConnectionName, ConnectionUrl, Credentials, Provider, RepoUrl, SecretName, SecretRef, Tags, UrlType,
};

use super::{Certificates, Pin, SecretSource};
use crate::domain::cadence::Cadence;

/// `[[connection]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionConfig {
    pub name: ConnectionName,
    pub display_name: String,
    pub description: String,
    pub provider: Provider,
    pub url: ConnectionUrl,
    pub url_type: UrlType,
    pub connection_type: ConnectionType,
    /// The name under `test_repository`, where the URL names more than one repository.
    pub test_repository: Option<String>,
    /// The repository that a test reads.
    pub probed_repository: RepoUrl,
    pub credentials: Option<Credentials>,
    pub host_keys: HostKeysConfig,
    pub client_certificate: Option<ClientCertificateConfig>,
    /// The provider's API, where it is to be used.
    pub api: Option<ApiAccess>,
    /// What `[secrets]` says about the secrets that this connection names.
    pub secret_sources: BTreeMap<SecretName, SecretSource>,
    pub delegate_tags: Tags,
    pub test_cadence: Cadence,
    pub additional_certs: Option<Certificates>,
    pub allow_plain_http: bool,
    /// `disconnected = true` pins it, and this is where it says so.
    pub disconnected: Option<Pin>,
}

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionType {
    Http,
    Ssh,
}

impl ConnectionType {
    /// The word of the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Ssh => "ssh",
        }
    }
}

impl ConnectionConfig {
    /// Every secret that the connection needs.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let credentials = self.credentials.iter().flat_map(Credentials::secrets);
        let certificate = self.client_certificate.iter().map(|certificate| &certificate.key);
        credentials.chain(certificate).chain(self.api.iter().map(|api| &api.token))
    }
}

/// `[connection.tls]`: a certificate of our own, for a server that asks for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificateConfig {
    /// Our certificate first, then what it is built on.
    pub chain: Certificates,
    pub key: SecretRef,
}

/// Which keys an SSH server may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKeysConfig {
    /// Nothing is said: those that the provider publishes.
    Published,
    /// A file in the format of sshd(8), with what it held when the configuration was read.
    KnownHosts { path: PathBuf, content: String },
    /// Fingerprints as OpenSSH shows them, `SHA256:` and 43 characters.
    Pinned(Vec<String>),
}
