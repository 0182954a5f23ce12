//! What a valid configuration says, typed. Nothing here can hold a secret, only where one comes from.

mod connection;
mod delegate;
mod remote;
mod schedule;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use suitesync_contract::{
    ConnectionName, EnvironmentValue, LinkName, RefSpec, RepoUrl, ScheduleName, SecretName, SecretRef, Tags,
};

use crate::domain::access::AccessRules;
use crate::domain::cadence::Cadence;
use crate::domain::selection::most_specific;

pub use connection::{ClientCertificateConfig, ConnectionConfig, ConnectionType, HostKeysConfig};
pub use delegate::{DelegateConfig, DelegateKind, RUNS_DISK};
pub use remote::{DelegateFile, RemoteConfig, RemoteLogin, SecretGrant, StationConfig};
pub use schedule::ScheduleConfig;
pub use suitesync_contract::rpc::{ProxyLogin, ProxySetting};

/// A whole, valid configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub agent: AgentConfig,
    pub access: AccessRules,
    pub retention: RetentionConfig,
    pub log: LogConfig,
    pub secrets: BTreeMap<SecretName, SecretSource>,
    /// Where delegates on other hosts are met, if they are.
    pub remote: Option<RemoteConfig>,
    /// At least one.
    pub delegates: Vec<DelegateConfig>,
    pub connections: BTreeMap<ConnectionName, ConnectionConfig>,
    /// Every link's connection is among `connections`.
    pub links: BTreeMap<LinkName, LinkConfig>,
    /// Every schedule's link is among `links`.
    pub schedules: BTreeMap<ScheduleName, ScheduleConfig>,
}

impl Config {
    /// What the syncs of a link ask of a delegate.
    pub fn tags_of_link(&self, link: &LinkConfig) -> Tags {
        most_specific([link.delegate_tags.as_ref(), self.tags_of_connection(&link.connection)])
    }

    /// What the runs of a schedule ask of a delegate.
    pub fn tags_of_schedule(&self, schedule: &ScheduleConfig) -> Tags {
        let link = self.links.get(&schedule.link);
        let of_link = link.and_then(|link| link.delegate_tags.as_ref());
        let of_connection = link.and_then(|link| self.tags_of_connection(&link.connection));
        most_specific([schedule.delegate_tags.as_ref(), of_link, of_connection])
    }

    fn tags_of_connection(&self, name: &ConnectionName) -> Option<&Tags> {
        self.connections.get(name).map(|connection| &connection.delegate_tags)
    }

    /// The environment variables that any secret comes from.
    pub fn secret_variables(&self) -> BTreeSet<String> {
        let declared = self.secrets.values().map(SecretSource::reference);
        let inline = self.connections.values().flat_map(ConnectionConfig::secrets).cloned();
        let logins = self.delegates.iter().filter_map(|delegate| delegate.proxy.as_ref()?.login.as_ref());
        let logins = logins.map(|login| match login {
            ProxyLogin::Written { password, .. } => password.clone(),
            ProxyLogin::InVariable(name) => SecretRef::Env(name.clone()),
        });
        let environments = self.schedules.values().flat_map(|schedule| schedule.environment.values());
        let given = environments.filter_map(|value| match value {
            EnvironmentValue::Secret(reference) => Some(reference.clone()),
            EnvironmentValue::Plain(_) => None,
        });
        let remote = self.remote.iter().flat_map(RemoteConfig::secrets).cloned();
        let variable = |reference| if let SecretRef::Env(name) = reference { Some(name) } else { None };
        declared.chain(inline).chain(logins).chain(given).chain(remote).filter_map(variable).collect()
    }
}

/// `[agent]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentConfig {
    pub name: String,
    pub state_dir: PathBuf,
    pub socket: PathBuf,
    /// Whether `socket` was written down, so that a client knows to look nowhere else.
    pub socket_origin: SettingOrigin,
    /// How often a task is tried before its failure counts.
    pub attempts: u32,
    /// Requests at once to one host.
    pub per_host: u32,
}

/// Where the value of a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingOrigin {
    Written,
    Default,
}

/// `[retention]`: how long things are kept, and how much room they may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionConfig {
    /// How long the mirror of a repository is kept that no link uses any more.
    pub mirrors_keep: Duration,
    /// Bytes of the state folder, in all.
    pub disk: u64,
    /// How long events and tests of connections are kept.
    pub events: Duration,
    /// How long runs that are over are kept, and their logs.
    pub runs: Duration,
    pub results: Duration,
}

/// `[log]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogConfig {
    pub format: LogFormat,
    pub level: LogLevel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// The journal under systemd, text on a terminal, JSON otherwise.
    Auto,
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// The word of the configuration, which is also a filter directive.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// `[secrets.NAME]`: where a value is taken from when it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    Env(String),
    File(PathBuf),
    Credential(String),
    Command(Vec<String>),
}

impl SecretSource {
    /// The source that a reference stands for; a name of another one is none.
    pub fn of(reference: SecretRef) -> Option<Self> {
        match reference {
            SecretRef::Env(name) => Some(Self::Env(name)),
            SecretRef::File(path) => Some(Self::File(path.into())),
            SecretRef::Credential(name) => Some(Self::Credential(name)),
            SecretRef::Command(words) => Some(Self::Command(words)),
            SecretRef::Secret(_) => None,
        }
    }

    /// The same source as it may stand inline.
    pub fn reference(&self) -> SecretRef {
        match self {
            Self::Env(name) => SecretRef::Env(name.clone()),
            Self::File(path) => SecretRef::File(path.to_string_lossy().into_owned()),
            Self::Credential(name) => SecretRef::Credential(name.clone()),
            Self::Command(words) => SecretRef::Command(words.clone()),
        }
    }
}

/// Certificates in PEM, and where they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    /// The file or folder they come from.
    pub path: PathBuf,
    /// PEM, certificates only.
    pub pem: String,
}

/// Where the configuration holds something down that an operator could otherwise change.
#[derive(Debug, Clone, Serialize)]
pub struct Pin {
    pub file: String,
    pub line: usize,
}

impl PartialEq for Pin {
    /// A pin that moved to another line is no change.
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Pin {}

/// `[[link]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkConfig {
    pub name: LinkName,
    pub display_name: String,
    pub description: String,
    pub connection: ConnectionName,
    pub project: String,
    pub repository: RepoUrl,
    /// As the URL or the keys say.
    pub reference: RefSpec,
    /// `/`-separated, without slashes at the ends; empty for the whole repository.
    pub directory: String,
    pub sync_cadence: Cadence,
    pub proceed: Proceed,
    /// `archived = true` pins it, and this is where it says so.
    pub archived: Option<Pin>,
    pub formats: Vec<Format>,
    /// Wins over the connection's, whole, where it is there.
    pub delegate_tags: Option<Tags>,
    /// Whether results that the project already holds are attached to cases as they appear.
    pub link_existing_results: bool,
}

/// Whether a new or changed link goes on by itself once its connection has passed a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proceed {
    Auto,
    Manual,
}

/// A format of tests to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Katalon,
}

impl Format {
    pub const ALL: [Self; 1] = [Self::Katalon];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Katalon => "katalon",
        }
    }
}
