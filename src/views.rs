//! What is shown of the agent: the same shapes for the CLI, scripts and the API. Their field names are contracts.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use suitesync_contract::{Failure, Notice, Root};

use crate::catalog::connection::{ConnectionRecord, TestRecord};
use crate::catalog::link::{Counts, LinkRecord};
use crate::config::{Diagnostic, Proceed, needs_restart};
use crate::domain::connection::ConnectionStatus;
use crate::domain::link::{ArchiveReason, LinkStatus};
use crate::engine::control::AgentState;
use crate::engine::dispatcher::DelegateView;

/// A link may miss one turn, and this much more, before it counts as overdue: servers may think for a minute.
const OVERDUE: TimeDelta = TimeDelta::seconds(90);

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

/// One line of `link list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinkView {
    pub name: String,
    pub display_name: String,
    pub connection: String,
    pub status: LinkStatus,
    /// The commit of the last good catalog.
    pub commit: Option<String>,
    pub checked_at: Option<DateTime<Utc>>,
    pub synced_at: Option<DateTime<Utc>>,
    /// Why it is archived.
    pub reasons: Vec<ArchiveReason>,
    pub counts: Counts,
    /// Whether the catalog is older than what the last sync wanted to record.
    pub stale: bool,
    pub failure: Option<Failure>,
}

impl From<&LinkRecord> for LinkView {
    fn from(record: &LinkRecord) -> Self {
        Self {
            name: record.name.to_string(),
            display_name: record.display_name.clone(),
            connection: record.connection.to_string(),
            status: record.state.status,
            commit: record.commit.map(|commit| commit.to_string()),
            checked_at: record.checked_at,
            synced_at: record.synced_at,
            reasons: record.state.reasons.iter().copied().collect(),
            counts: record.counts,
            stale: record.is_stale(),
            failure: record.failure.clone(),
        }
    }
}

/// `link show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinkDetail {
    #[serde(flatten)]
    pub link: LinkView,
    pub description: String,
    pub project: String,
    /// What the configuration says; nothing once it is out of it.
    pub settings: Option<LinkSettings>,
    pub roots: Vec<Root>,
    /// What was passed over, and why.
    pub notices: Vec<Notice>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinkSettings {
    pub repository: String,
    pub reference: String,
    pub directory: String,
    pub sync_every: String,
    pub proceed: String,
}

/// `status`: one screen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusView {
    pub agent: AgentView,
    pub config: ConfigView,
    pub connections: Vec<ConnectionView>,
    pub links: Vec<LinkView>,
    pub delegates: Vec<DelegateView>,
    /// What is wrong, and what to do about each.
    pub problems: Vec<Problem>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgentView {
    pub name: String,
    pub version: String,
    pub process: u32,
    pub started_at: DateTime<Utc>,
    pub state_dir: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConfigView {
    pub generation: u64,
    pub configured_at: DateTime<Utc>,
    /// The faults of the files on disk, while they are not what runs.
    pub rejected: Vec<Diagnostic>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Problem {
    /// What has it, such as `connection contoso`.
    pub subject: String,
    pub class: String,
    pub message: String,
    pub hint: String,
}

impl StatusView {
    pub fn new(state: &AgentState, connections: &[ConnectionRecord], links: &[LinkRecord]) -> Self {
        let agent = AgentView {
            name: state.started_with.agent.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            started_at: state.started_at,
            state_dir: state.started_with.agent.state_dir.display().to_string(),
        };
        let config = ConfigView {
            generation: state.generation,
            configured_at: state.configured_at,
            rejected: state.rejected.clone(),
        };
        Self {
            agent,
            config,
            connections: connections.iter().map(ConnectionView::from).collect(),
            links: links.iter().filter(|link| !link.state.is_archived()).map(LinkView::from).collect(),
            delegates: state.delegates.clone(),
            problems: problems(state, connections, links),
        }
    }
}

fn problems(state: &AgentState, connections: &[ConnectionRecord], links: &[LinkRecord]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for diagnostic in &state.rejected {
        problems.push(Problem {
            subject: format!("{}:{}:{}", diagnostic.file, diagnostic.line, diagnostic.column),
            class: "config_rejected".to_owned(),
            message: diagnostic.message.clone(),
            hint: diagnostic.help.clone().unwrap_or_else(|| "see `suitesync check`".to_owned()),
        });
    }
    for key in needs_restart(&state.started_with, &state.config) {
        problems.push(Problem {
            subject: format!("configuration key {key}"),
            class: "needs_restart".to_owned(),
            message: "it has another value than the agent was started with".to_owned(),
            hint: "systemctl restart suitesync".to_owned(),
        });
    }
    let failing = |subject: String, failure: &Failure| Problem {
        subject,
        class: failure.class.code().to_owned(),
        message: failure.message.clone(),
        hint: failure.hint.clone(),
    };
    problems.extend(state.unwritable.iter().map(|failure| failing("the catalog".to_owned(), failure)));
    let of_connection = |name: &str| connections.iter().find(|connection| connection.name.as_str() == name);
    for connection in connections.iter().filter(|connection| !connection.state.is_disconnected()) {
        problems.extend(
            connection.failure.iter().map(|failure| failing(format!("connection {}", connection.name), failure)),
        );
    }
    for link in links.iter().filter(|link| !link.state.is_archived()) {
        problems.extend(standing_still(state, link));
        let Some(failure) = &link.failure else { continue };
        // A link that fails as its connection does is told once, there.
        let same = of_connection(link.connection.as_str()).and_then(|connection| connection.failure.as_ref());
        if same.is_none_or(|same| same.class != failure.class) {
            problems.push(failing(format!("link {}", link.name), failure));
        }
    }
    problems
}

/// A link that nobody has looked at for longer than it should be, or that waits for someone to let it proceed.
fn standing_still(state: &AgentState, link: &LinkRecord) -> Option<Problem> {
    let settings = state.config.links.get(&link.name)?;
    let problem = |class: &str, message: String, hint: String| {
        Some(Problem { subject: format!("link {}", link.name), class: class.to_owned(), message, hint })
    };
    let waits = settings.proceed == Proceed::Manual
        && link.proceeded != Some(link.revision)
        && link.commit_revision != Some(link.revision);
    if waits {
        let hint = format!("suitesync link proceed {}", link.name);
        return problem("waiting", "it waits for someone to let it proceed".to_owned(), hint);
    }
    let checked = link.checked_at.filter(|_| link.state.status == LinkStatus::Active)?;
    let next = settings.sync_cadence.next_after(settings.sync_cadence.next_after(checked));
    if state.now <= next + OVERDUE {
        return None;
    }
    let message = format!("it was last looked at {}", checked.to_rfc3339_opts(SecondsFormat::Secs, true));
    problem("overdue", message, "look at its connection's host, and at `suitesync delegate list`".to_owned())
}
