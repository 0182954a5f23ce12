//! Connections as they are shown.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use suitesync_contract::Failure;

use crate::catalog::connection::{ConnectionRecord, TestRecord};
use crate::domain::connection::ConnectionStatus;

/// One line of `connection list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConnectionView {
    pub name: String,
    pub display_name: String,
    pub status: ConnectionStatus,
    pub disconnected: bool,
    /// Whether all work but its tests is held back: its credentials were refused.
    pub held: bool,
    pub last_test: Option<LastTest>,
    pub next_test_at: Option<DateTime<Utc>>,
    pub failure: Option<Failure>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LastTest {
    pub at: DateTime<Utc>,
    pub outcome: String,
}

impl From<&ConnectionRecord> for ConnectionView {
    fn from(record: &ConnectionRecord) -> Self {
        let outcome = if record.failure.is_some() { "failed" } else { "ok" };
        let disconnected = record.state.is_disconnected();
        Self {
            name: record.name.to_string(),
            display_name: record.display_name.clone(),
            status: record.state.status,
            disconnected,
            held: record.is_held(),
            last_test: record.last_test_at.map(|at| LastTest { at, outcome: outcome.to_owned() }),
            next_test_at: record.next_test_at.filter(|_| !disconnected),
            failure: record.failure.clone(),
        }
    }
}

/// `connection show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConnectionDetail {
    #[serde(flatten)]
    pub connection: ConnectionView,
    /// What the configuration says; nothing once it is out of it.
    pub settings: Option<ConnectionSettings>,
    pub links: Vec<String>,
    /// Why no delegate can be given its tests now, if none can.
    pub unserved: Option<String>,
    /// The newest test with its steps.
    pub test: Option<TestRecord>,
}

/// A connection's settings, secrets shown as where they come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConnectionSettings {
    pub description: String,
    /// `http` or `ssh`.
    pub connection_type: String,
    pub url: String,
    /// Where an Azure DevOps Server is installed.
    pub server_url: Option<String>,
    pub test_repository: String,
    pub credentials: Option<String>,
    /// Over SSH: which keys the server may show.
    pub host_keys: Option<HostKeysView>,
    pub client_certificate: Option<ClientCertificateView>,
    /// The provider's API, where it is used.
    pub api: Option<ApiView>,
    pub additional_certs_path: Option<String>,
    pub delegate_tags: Vec<String>,
    pub test_every: String,
}

/// Neither a file nor fingerprints: the keys that the provider publishes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct HostKeysView {
    pub known_hosts: Option<String>,
    pub fingerprints: Vec<String>,
}

/// Our own certificate: its file, and where its key comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClientCertificateView {
    pub path: String,
    pub key: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiView {
    pub url: String,
    /// Where it comes from.
    pub token: String,
}
