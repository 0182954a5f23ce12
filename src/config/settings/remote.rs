//! `[remote]`, and the file of a delegate that runs as somebody else than the agent, here or on another host.

use std::collections::BTreeMap;
use std::path::PathBuf;

use suitesync_contract::{DelegateName, SecretName, SecretRef};
use suitesync_remote::{HostPattern, Permission};

use super::{Certificates, DelegateConfig, RetentionConfig, SecretSource};

/// `[remote]`: the NATS server where an agent and its delegates on other hosts meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteConfig {
    /// `tls://HOST:PORT` or `nats://HOST:PORT`.
    pub url: String,
    pub login: Option<RemoteLogin>,
    /// Globs over the names of delegates that may announce themselves.
    pub accept: Vec<String>,
    /// Certificates trusted besides the system's.
    pub additional_certs: Option<Certificates>,
}

/// Who we are to the NATS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteLogin {
    /// The content of a `.creds` file.
    Credentials(SecretRef),
    /// The seed of a user's NKey.
    NKey(SecretRef),
}

impl RemoteConfig {
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        self.login.iter().map(|login| match login {
            RemoteLogin::Credentials(reference) | RemoteLogin::NKey(reference) => reference,
        })
    }
}

/// What the file of a delegate says that runs as somebody else than the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DelegateFile {
    pub state_dir: Option<PathBuf>,
    pub secrets: BTreeMap<SecretName, SecretGrant>,
    /// There with `[remote]`: it serves an agent on another host.
    pub station: Option<StationConfig>,
}

impl DelegateFile {
    /// What each name of a secret stands for.
    pub fn sources(&self) -> BTreeMap<SecretName, SecretSource> {
        self.secrets.iter().map(|(name, grant)| (name.clone(), grant.source.clone())).collect()
    }

    /// What the agent may use of them, and for what.
    pub fn permissions(&self) -> BTreeMap<SecretName, Permission> {
        let permission = |grant: &SecretGrant| Permission { hosts: grant.hosts.clone(), runs: grant.runs };
        self.secrets.iter().map(|(name, grant)| (name.clone(), permission(grant))).collect()
    }
}

/// `[secrets.NAME]` of a delegate's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretGrant {
    pub source: SecretSource,
    /// The hosts that it may be sent to on behalf of the agent.
    pub hosts: Vec<HostPattern>,
    /// Whether runs may be given it.
    pub runs: bool,
}

/// A delegate that serves an agent on another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationConfig {
    /// The name of the agent that it serves, which follows the rules of a delegate's.
    pub agent: DelegateName,
    /// Of the kind that carries tasks out here.
    pub delegate: DelegateConfig,
    pub remote: RemoteConfig,
    /// Of mirrors.
    pub retention: RetentionConfig,
}
