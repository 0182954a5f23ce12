//! Links as they are shown.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use suitesync_contract::{Failure, Notice, Root};

use crate::catalog::link::{Counts, LinkRecord};
use crate::domain::link::{ArchiveReason, LinkStatus};

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
    /// Why no delegate can be given its syncs now, if none can.
    pub unserved: Option<String>,
    pub roots: Vec<Root>,
    /// What was passed over, and why.
    pub notices: Vec<Notice>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinkSettings {
    pub repository: String,
    pub reference: String,
    pub directory: String,
    /// What it asks of a delegate, be it its own or its connection's.
    pub delegate_tags: Vec<String>,
    pub sync_every: String,
    pub proceed: String,
}
