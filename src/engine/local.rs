//! The local delegate: carries out tasks in this process, with its own mirrors and remembered parses. Runs it executes
//! here only where the process is there for that, as it becomes the parent of what they leave; else a child does.

mod gates;
mod hidden;
mod keyring;
mod mirror_care;
mod objects;
mod probing;
mod run_folder;
mod run_log;
mod run_words;
mod running;
mod syncing;
mod tests_found;
mod workshop;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{Access, DelegateName, Facts, Failure, FailureClass, Outcome, Tags, Task, Work};
use suitesync_git::{Authorization, Mirrors, PlainHttp, Remote, RemoteSettings};
use suitesync_reach::{Client, Route, Trust};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::delegate::{Carrying, Delegate, DelegateStatus, ProgressSink};
use super::process::{ProcessDelegate, ProcessSettings};
use crate::config::DelegateConfig;

use gates::Gates;
use hidden::Hidden;
use keyring::{Keyring, Outlet};
use mirror_care::MirrorCare;
use running::RunShop;

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
    runs: Runs,
    runs_disk: u64,
    /// Where nobody else looks after its mirrors.
    mirror_care: Option<MirrorCare>,
    folders: Folders,
}

/// What starts the child that executes a local delegate's runs, and what it ends with.
#[derive(Debug)]
pub struct ChildOfRuns {
    pub settings: ProcessSettings,
    pub tracker: TaskTracker,
    pub stop: CancellationToken,
}

impl ChildOfRuns {
    fn start(&self) -> Box<ProcessDelegate> {
        Box::new(ProcessDelegate::start(self.settings.clone(), &self.tracker, self.stop.clone()))
    }
}

/// Who executes the runs of a local delegate.
#[derive(Debug)]
enum Runs {
    Nobody,
    Here(Arc<RunShop>),
    /// A child, which is started when there is something for it to do.
    Child(Box<ChildOfRuns>, OnceLock<Box<ProcessDelegate>>),
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
            runs: Runs::Nobody,
            runs_disk: config.runs_disk,
            mirror_care: None,
            folders: Folders::Refused,
        }
    }

    /// Executes runs in this process, which from now on is the parent of what loses its own. What a killed process left
    /// of earlier runs is ended in the background.
    pub fn executing_runs(self) -> std::io::Result<Self> {
        let shop = Arc::new(RunShop::new(self.workshop.runs(&self.name))?);
        let sweeping = Arc::clone(&shop);
        // Not waited for: the first run does that, and is told what goes wrong.
        tokio::spawn(async move { sweeping.folder().await.map(drop) });
        Ok(Self { runs: Runs::Here(shop), ..self })
    }

    /// Has a child execute runs. It is started at the first one, or now if a killed one left something to be ended.
    #[must_use]
    pub fn with_runs_in_child(self, child: ChildOfRuns) -> Self {
        let runs = OnceLock::new();
        if self.workshop.has_runs_left(&self.name) {
            runs.get_or_init(|| child.start());
        }
        Self { runs: Runs::Child(Box::new(child), runs), ..self }
    }

    /// Looks after its mirrors itself: one that no task has used for `keep` goes.
    #[must_use]
    pub fn caring_for_mirrors(self, keep: Duration) -> Self {
        let care = MirrorCare::start(self.workshop.mirrors(&self.name), keep);
        Self { mirror_care: Some(care), ..self }
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
        if let Some(care) = &self.mirror_care {
            care.note_use(&task.access);
        }
        let job = Job { delegate: self, access: task.access, progress, cancel };
        match task.work {
            // Hundreds of tasks wait here at once: none is to take the memory of the largest kind.
            Work::Probe(_) => Box::pin(job.probe()).await.map(Facts::Probe),
            Work::Sync(sync) => Box::pin(job.sync(sync)).await.map(Facts::Sync),
            Work::Run(run) => match &self.runs {
                Runs::Here(shop) => Box::pin(job.run(shop, run)).await.map(Facts::Run),
                Runs::Child(..) | Runs::Nobody => {
                    Err(Failure::new(FailureClass::NoEligibleDelegate, "this delegate executes no runs"))
                }
            },
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

    fn work(&self) -> Vec<WorkKind> {
        match self.runs {
            Runs::Nobody => vec![WorkKind::Probe, WorkKind::Sync],
            Runs::Here(_) | Runs::Child(..) => vec![WorkKind::Probe, WorkKind::Sync, WorkKind::Run],
        }
    }

    fn status(&self) -> DelegateStatus {
        DelegateStatus::Connected
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
        if let (Runs::Child(child, started), Work::Run(_)) = (&self.runs, &task.work) {
            return started.get_or_init(|| child.start()).carry_out(task, progress, cancel);
        }
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
fn told(failure: Failure, hidden: &Hidden) -> Failure {
    let mut message = hidden.clean(&failure.message);
    if let Some(seconds) = failure.retry_after {
        let at = Utc::now() + TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX).min(MAX_WAIT_TOLD));
        message
            .push_str(&format!("; the server allows another try at {}", at.to_rfc3339_opts(SecondsFormat::Secs, true)));
    }
    Failure { message, hint: hidden.clean(&failure.hint), ..failure }
}
