//! The local delegate: carries out tasks in this process, with its own mirrors and remembered parses.

mod gates;
mod keyring;
mod objects;
mod probing;
mod redactor;
mod syncing;
mod tests_found;
mod workshop;

use std::sync::Arc;

use chrono::{SecondsFormat, TimeDelta, Utc};
use suitesync_contract::{Access, DelegateName, Facts, Failure, FailureClass, Outcome, Tags, Task, Work};
use suitesync_git::{Authorization, Mirrors, PlainHttp, Remote, RemoteSettings};
use suitesync_reach::{Client, Route, Trust};
use tokio_util::sync::CancellationToken;

use super::delegate::{Carrying, Delegate, ProgressSink};
use crate::config::DelegateConfig;

use gates::Gates;
use keyring::{Keyring, Outlet};
use redactor::Redactor;

pub use workshop::{Workshop, WorkshopError};

/// A year: what a server names beyond that is no time worth telling.
const MAX_WAIT_TOLD: i64 = 365 * 86_400;

/// Whether repositories of this host may be read by their paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folders {
    /// Whoever may link one could read what the agent may read.
    Refused,
    /// The one who asks runs this process.
    Read,
}

/// A delegate made of threads of the agent.
#[derive(Debug)]
pub struct LocalDelegate {
    name: DelegateName,
    tags: Tags,
    gates: Gates,
    additional_certs: Option<String>,
    outlet: Outlet,
    workshop: Arc<Workshop>,
    mirrors: Mirrors,
    folders: Folders,
}

impl LocalDelegate {
    /// `per_host` bounds the requests at once to one host.
    pub fn new(config: &DelegateConfig, per_host: u32, workshop: Arc<Workshop>) -> Self {
        let mut tags = config.tags.clone();
        tags.insert(config.name.as_str());
        Self {
            name: config.name.clone(),
            tags,
            gates: Gates::new(config.capacity, per_host),
            additional_certs: config.additional_certs.as_ref().map(|certificates| certificates.pem.clone()),
            outlet: Outlet::new(config),
            mirrors: workshop.mirrors(&config.name),
            workshop,
            folders: Folders::Refused,
        }
    }

    /// One that reads repositories in folders of this host, too: for whoever runs the process, and nobody else.
    #[must_use]
    pub fn reading_folders(self) -> Self {
        Self { folders: Folders::Read, ..self }
    }

    async fn carry_out_work(
        &self,
        task: Task,
        progress: ProgressSink,
        cancel: CancellationToken,
    ) -> Result<Facts, Failure> {
        let job = Job { delegate: self, access: task.access, progress, cancel };
        match task.work {
            Work::Probe(_) => job.probe().await.map(Facts::Probe),
            Work::Sync(sync) => job.sync(sync).await.map(Facts::Sync),
        }
    }
}

impl Delegate for LocalDelegate {
    fn name(&self) -> &DelegateName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "local"
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn capacity(&self) -> u32 {
        self.gates.capacity()
    }

    fn running(&self) -> u32 {
        self.gates.running()
    }

    fn carry_out(&self, task: Task, progress: ProgressSink, cancel: CancellationToken) -> Carrying<'_> {
        Box::pin(async move {
            let id = task.id;
            Outcome { task: id, result: self.carry_out_work(task, progress, cancel).await }
        })
    }
}

/// One task under way.
struct Job<'a> {
    delegate: &'a LocalDelegate,
    access: Access,
    progress: ProgressSink,
    cancel: CancellationToken,
}

impl Job<'_> {
    async fn keyring(&self) -> Result<Keyring, Failure> {
        let secrets = self.delegate.workshop.secrets.load_full();
        let (access, outlet) = (self.access.clone(), self.delegate.outlet.clone());
        // A secret may come from a file on a slow disk, or from a command.
        let resolved = tokio::task::spawn_blocking(move || Keyring::resolve(&secrets, &access, &outlet)).await;
        resolved.map_err(|_| Failure::new(FailureClass::Internal, "failed to resolve the secrets"))?
    }

    fn trust(&self) -> Result<Trust, Failure> {
        let additional = [&self.delegate.additional_certs, &self.access.additional_certs];
        self.delegate.workshop.trust(additional.into_iter().flatten().cloned().collect())
    }

    fn client(&self, route: Route) -> Result<Client, Failure> {
        self.delegate.workshop.clients.client(&route)
    }

    fn remote(&self, client: Client, authorization: Option<Authorization>) -> Result<Remote, Failure> {
        let plain_http = if self.access.allow_plain_http { PlainHttp::Allowed } else { PlainHttp::Refused };
        let settings = RemoteSettings {
            url: self.access.url.clone(),
            authorization,
            host_keys: self.access.host_keys.clone(),
            plain_http,
            delegate: self.delegate.name.clone(),
        };
        self.delegate.workshop.remotes.remote(client, settings)
    }
}

/// A failure as it may be told: without the secret that a server repeats, and with the time that it names.
fn told(failure: Failure, redactor: &Redactor) -> Failure {
    let mut message = redactor.clean(&failure.message);
    if let Some(seconds) = failure.retry_after {
        let at = Utc::now() + TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX).min(MAX_WAIT_TOLD));
        message
            .push_str(&format!("; the server allows another try at {}", at.to_rfc3339_opts(SecondsFormat::Secs, true)));
    }
    Failure { message, hint: redactor.clean(&failure.hint), ..failure }
}
