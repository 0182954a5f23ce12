//! Tasks as the configuration asks for them.

use std::time::Duration;

use suitesync_contract::{Access, LinkView, ProbeTask, RepoUrl, SyncTask, Task, TaskId, Work};

use crate::config::{ConnectionConfig, LinkConfig};

/// A test walks a handful of requests, each with limits of its own; more than this is no answer to a waiting person.
const PROBE_LIMIT: Duration = Duration::from_secs(120);

/// A first fetch of a large repository over a slow line, with room; the stall limits end a dead one long before.
const SYNC_LIMIT: Duration = Duration::from_secs(3600);

/// Tests a connection by its test repository.
pub fn probe(id: TaskId, connection: &ConnectionConfig, revision: u64) -> Task {
    Task {
        id,
        time_limit_ms: millis(PROBE_LIMIT),
        access: access(connection, connection.probed_repository.clone()),
        work: Work::Probe(ProbeTask { revision }),
    }
}

/// Brings the links of one repository up to date.
pub fn sync(id: TaskId, connection: &ConnectionConfig, url: RepoUrl, links: Vec<LinkView>) -> Task {
    Task {
        id,
        time_limit_ms: millis(SYNC_LIMIT),
        access: access(connection, url),
        work: Work::Sync(SyncTask { links }),
    }
}

/// What a link looks at, and the commit that the catalog holds for it.
pub fn view(link: &LinkConfig, revision: u64, known: Option<suitesync_contract::ObjectId>) -> LinkView {
    LinkView {
        link: link.name.clone(),
        revision,
        reference: link.reference.clone(),
        directory: link.directory.clone(),
        known,
    }
}

fn access(connection: &ConnectionConfig, url: RepoUrl) -> Access {
    Access {
        connection: connection.name.clone(),
        url,
        credentials: connection.credentials.clone(),
        additional_certs: connection.additional_certs.as_ref().map(|certificates| certificates.pem.clone()),
        allow_plain_http: connection.allow_plain_http,
    }
}

fn millis(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}
