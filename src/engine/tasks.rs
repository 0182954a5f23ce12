//! Tasks as the configuration asks for them.

use std::time::Duration;

use suitesync_contract::{
    Access, ClientCertificate, EnvironmentValue, HostKeys, LinkView, ObjectId, ProbeTask, RepoUrl, RunTask, SecretRef,
    SyncTask, Task, TaskId, Work,
};

use crate::catalog::run::RunRecord;
use crate::config::{ConnectionConfig, HostKeysConfig, LinkConfig, ScheduleConfig};

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

/// What fetching and checking out may take besides the command's own time.
const CHECKOUT_LIMIT: Duration = Duration::from_secs(3600);

/// Executes a suite.
pub fn run(
    id: TaskId,
    (connection, link, schedule): (&ConnectionConfig, &LinkConfig, &ScheduleConfig),
    record: &RunRecord,
    commit: ObjectId,
) -> Task {
    let run = RunTask {
        run: record.id,
        fence: record.fence,
        link: link.name.clone(),
        commit,
        root: record.root.clone(),
        suite: record.suite.clone(),
        command: schedule.command.clone(),
        environment: schedule.environment.clone(),
        results: schedule.results.clone(),
        timeout_ms: millis(schedule.timeout),
    };
    Task {
        id,
        time_limit_ms: millis(schedule.timeout.saturating_add(CHECKOUT_LIMIT)),
        access: access(connection, link.repository.clone()),
        work: Work::Run(run),
    }
}

/// What a link looks at, and the commit that the catalog holds for it.
pub fn view(link: &LinkConfig, revision: u64, known: Option<ObjectId>) -> LinkView {
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
        host_keys: host_keys(&connection.host_keys),
        client_certificate: connection.client_certificate.as_ref().map(|certificate| ClientCertificate {
            chain: certificate.chain.pem.clone(),
            key: certificate.key.clone(),
        }),
        additional_certs: connection.additional_certs.as_ref().map(|certificates| certificates.pem.clone()),
        allow_plain_http: connection.allow_plain_http,
        api: connection.api.clone(),
    }
}

fn host_keys(settings: &HostKeysConfig) -> HostKeys {
    match settings {
        HostKeysConfig::Published => HostKeys::default(),
        HostKeysConfig::KnownHosts { content, .. } => {
            HostKeys { known_hosts: Some(content.clone()), fingerprints: Vec::new() }
        }
        HostKeysConfig::Pinned(fingerprints) => HostKeys { known_hosts: None, fingerprints: fingerprints.clone() },
    }
}

fn millis(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}

/// A secret of a task that is told by where it lies on this host: only names can be sent to another one.
pub fn host_secret(task: &Task) -> Option<&SecretRef> {
    let given = match &task.work {
        Work::Run(run) => host_secret_among(run.environment.values()),
        Work::Probe(_) | Work::Sync(_) => None,
    };
    task.access.secrets().find(|reference| is_of_host(reference)).or(given)
}

/// One among what a run is given.
pub fn host_secret_among<'v>(values: impl IntoIterator<Item = &'v EnvironmentValue>) -> Option<&'v SecretRef> {
    values.into_iter().find_map(|value| match value {
        EnvironmentValue::Secret(reference) => Some(reference).filter(|reference| is_of_host(reference)),
        EnvironmentValue::Plain(_) => None,
    })
}

fn is_of_host(reference: &SecretRef) -> bool {
    !matches!(reference, SecretRef::Secret(_))
}

#[cfg(test)]
mod tests {
    use suitesync_contract::{Credentials, Step};

    use super::*;
    use crate::config::{Config, Environment, Location, load};

    fn config(text: &str) -> Config {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("suitesync.toml");
        std::fs::write(&main, text).unwrap();
        let loaded = load(&Location::new(main), &Environment::of([("STATE_DIRECTORY", "/var/lib/suitesync")]));
        loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
    }

    #[test]
    fn a_task_carries_how_its_connection_is_reached() {
        let fingerprint = "SHA256:uNiVztksCsDhcc0u9e8BrgJXnYuVNiHRcuKyfSbjLDs";
        let config = config(&format!(
            "[[connection]]\nname = \"c\"\nurl = \"git@ssh.dev.azure.com:v3/contoso/payments/checkout\"\n\
             credentials = {{ private_key = {{ env = \"KEY\" }}, host_keys = [\"{fingerprint}\"] }}\n\
             api = {{ token = {{ env = \"PAT\" }} }}\n"
        ));
        let access = probe(TaskId(1), &config.connections["c"], 1).access;
        let key = SecretRef::Env("KEY".to_owned());
        assert_eq!(access.credentials, Some(Credentials::PrivateKey { private_key: key, passphrase: None }));
        assert_eq!(access.host_keys, HostKeys { known_hosts: None, fingerprints: vec![fingerprint.to_owned()] });
        assert_eq!(access.api.as_ref().unwrap().url, "https://dev.azure.com/contoso");
        assert!(access.steps().contains(&Step::HostKey) && access.steps().contains(&Step::Api));
    }
}
