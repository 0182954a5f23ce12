//! The local delegate: carries out tasks in this process, with its own mirrors and remembered parses.

mod gates;
mod redactor;
mod tests_found;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use chrono::{SecondsFormat, TimeDelta, Utc};
use suitesync_contract::{
    Access, Credentials, DelegateName, Facts, Failure, FailureClass, LinkFacts, LinkReport, LinkView, ObjectId,
    Outcome, ProbeReport, Progress, RefSpec, SecretRef, Step, StepOutcome, StepReport, SyncReport, SyncTask, Tags,
    Task, Work,
};
use suitesync_git::{
    Authorization, Clients, Mirror, Mirrors, PlainHttp, Remote, RemoteSettings, TimeLimits, Tip, Trust,
};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::delegate::{Carrying, Delegate, ProgressSink};
use super::parses::{Parses, ParsesError};
use crate::config::{DelegateConfig, Secrets};

use gates::Gates;
use redactor::Redactor;
use tests_found::Finder;

/// Trees read and files parsed at once: each keeps a processor busy, and the agent must stay able to answer.
const READING_AT_ONCE: usize = 2;

/// A year: what a server names beyond that is no time worth telling.
const MAX_WAIT_TOLD: i64 = 365 * 86_400;

/// Trusts kept parsed: the delegate's own with each connection's.
const MAX_TRUSTS: usize = 32;

/// What all local delegates of an agent share, whatever the configuration makes of them.
#[derive(Debug)]
pub struct Workshop {
    clients: Clients,
    parses: Parses,
    secrets: Arc<ArcSwap<Secrets>>,
    reading: Arc<Semaphore>,
    folder: std::path::PathBuf,
    trusts: Mutex<HashMap<Vec<String>, Trust>>,
}

impl Workshop {
    /// Keeps mirrors and parses below `folder`. Blocks.
    pub fn open(folder: &Path, secrets: Arc<ArcSwap<Secrets>>) -> Result<Self, WorkshopError> {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|source| WorkshopError::Folder { path: folder.to_owned(), source })?;
        Ok(Self {
            clients: Clients::new(TimeLimits::default()),
            parses: Parses::open(&folder.join("parses.sqlite3"))?,
            secrets,
            reading: Arc::new(Semaphore::new(READING_AT_ONCE)),
            folder: folder.to_owned(),
            trusts: Mutex::new(HashMap::new()),
        })
    }

    /// Everything kept here but the mirrors lies right in this folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn mirrors(&self, delegate: &DelegateName) -> Mirrors {
        Mirrors::new(self.folder.join("mirrors"), delegate.clone())
    }

    /// The system's roots with these; parsed once for the same content.
    fn trust(&self, additional: Vec<String>) -> Result<Trust, Failure> {
        let mut trusts = self.trusts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(trust) = trusts.get(&additional) {
            return Ok(trust.clone());
        }
        let trust = Trust::with_additional(additional.iter().map(String::as_str))
            .map_err(|error| Failure::new(FailureClass::TlsOther, error.to_string()))?;
        if trusts.len() >= MAX_TRUSTS {
            trusts.clear();
        }
        trusts.insert(additional, trust.clone());
        Ok(trust)
    }
}

/// Why a workshop cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum WorkshopError {
    #[error("failed to make the folder {}", path.display())]
    Folder { path: std::path::PathBuf, source: std::io::Error },
    #[error("failed to open the store of parses")]
    Parses(#[from] ParsesError),
}

/// A delegate made of threads of the agent.
#[derive(Debug)]
pub struct LocalDelegate {
    name: DelegateName,
    tags: Tags,
    gates: Gates,
    additional_certs: Option<String>,
    workshop: Arc<Workshop>,
    mirrors: Mirrors,
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
            mirrors: workshop.mirrors(&config.name),
            workshop,
        }
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
    async fn probe(&self) -> Result<ProbeReport, Failure> {
        let name = self.delegate.name.to_string();
        let found = StepReport { step: Step::Delegate, outcome: StepOutcome::Ok, detail: name, duration_ms: 0 };
        (self.progress)(Progress::Step(found));
        let begun = Instant::now();
        let authorization = self.authorization().await;
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let step = |outcome, detail| StepReport { step: Step::Secrets, outcome, detail, duration_ms: took };
        let authorization = match authorization {
            Ok(authorization) => authorization,
            Err(failure) => {
                let failed = step(StepOutcome::Failed, failure.message.clone());
                (self.progress)(Progress::Step(failed.clone()));
                return Ok(stopped_at_secrets(failed, failure));
            }
        };
        let secrets = step(StepOutcome::Ok, self.shown_credentials());
        (self.progress)(Progress::Step(secrets.clone()));
        let redactor = Redactor::of(authorization.as_ref());
        let remote = self.remote(authorization)?;
        let clean = |step: &StepReport| StepReport { detail: redactor.clean(&step.detail), ..step.clone() };
        let mut on_step = |step: &StepReport| (self.progress)(Progress::Step(clean(step)));
        let report = suitesync_git::probe(&remote, &mut on_step, &self.cancel).await;
        let steps = std::iter::once(secrets).chain(report.steps.iter().map(clean)).collect();
        let failure = report.failure.map(|failure| told(failure, &redactor));
        Ok(ProbeReport { steps, failure, certificate_days_left: report.certificate_days_left })
    }

    /// Where the secret comes from, never what it is.
    fn shown_credentials(&self) -> String {
        let credentials = self.access.credentials.as_ref();
        credentials.map_or_else(|| "none needed".to_owned(), |credentials| credentials.secret().to_string())
    }

    async fn authorization(&self) -> Result<Option<Authorization>, Failure> {
        let Some(credentials) = self.access.credentials.clone() else {
            return Ok(None);
        };
        let secrets = self.delegate.workshop.secrets.load_full();
        let resolve = move || {
            let value = |reference: &SecretRef| secrets.resolve(reference).map(|value| value.expose().to_owned());
            match credentials {
                Credentials::Basic { username, password } => {
                    value(&password).map(|password| Authorization::Basic { username, password })
                }
                Credentials::Bearer { token } => value(&token).map(|token| Authorization::Bearer { token }),
            }
        };
        // A secret may come from a file on a slow disk.
        let resolved = tokio::task::spawn_blocking(resolve).await;
        resolved.map_err(|_| Failure::new(FailureClass::Internal, "failed to resolve the secrets"))?.map(Some)
    }

    fn remote(&self, authorization: Option<Authorization>) -> Result<Remote, Failure> {
        let additional = [&self.delegate.additional_certs, &self.access.additional_certs];
        let trust = self.delegate.workshop.trust(additional.into_iter().flatten().cloned().collect())?;
        let client = self.delegate.workshop.clients.client(&trust)?;
        let plain_http = if self.access.allow_plain_http { PlainHttp::Allowed } else { PlainHttp::Refused };
        let settings = RemoteSettings {
            url: self.access.url.clone(),
            authorization,
            plain_http,
            delegate: self.delegate.name.clone(),
        };
        Remote::new(client, settings)
    }

    async fn sync(&self, task: SyncTask) -> Result<SyncReport, Failure> {
        let authorization = self.authorization().await?;
        let redactor = Redactor::of(authorization.as_ref());
        let remote = self.remote(authorization)?;
        let mut report = self.sync_with(&remote, task).await.map_err(|failure| told(failure, &redactor))?;
        for link in &mut report.links {
            if let Err(failure) = &mut link.result {
                *failure = told(failure.clone(), &redactor);
            }
        }
        Ok(report)
    }

    async fn sync_with(&self, remote: &Remote, task: SyncTask) -> Result<SyncReport, Failure> {
        let wanted: Vec<RefSpec> = task.links.iter().map(|view| view.reference.clone()).collect();
        let leave = self.delegate.gates.poll(self.access.url.origin(), &self.cancel).await?;
        let tips = remote.resolve(&wanted, &self.cancel).await?.tips;
        drop(leave);
        let mut links = Vec::new();
        let mut moved: Vec<(ObjectId, LinkView)> = Vec::new();
        let mut unmoved = Vec::new();
        for (view, (_, tip)) in task.links.into_iter().zip(tips) {
            match tip {
                Ok(Tip::Commit(commit)) if view.known == Some(commit) => {
                    unmoved.push(commit);
                    links.push(report(&view, Ok(LinkFacts::Unchanged { commit })));
                }
                Ok(Tip::Commit(commit)) => moved.push((commit, view)),
                Ok(Tip::Empty) => links.push(report(&view, Ok(tests_found::nothing()))),
                Err(failure) => links.push(report(&view, Err(failure))),
            }
        }
        let mut mirror_rebuilt = None;
        if !moved.is_empty() {
            let _leave = self.delegate.gates.fetch(self.access.url.origin(), &self.cancel).await?;
            let mut mirror =
                self.delegate.mirrors.open(&self.access.connection, &self.access.url, &self.cancel).await?;
            mirror.keep(unmoved);
            links.extend(self.fetch_and_find(remote, &mut mirror, moved).await);
            mirror_rebuilt = mirror.rebuilt().map(str::to_owned);
        }
        Ok(SyncReport { links, transfer: remote.transfer(), mirror_rebuilt })
    }

    /// Brings the commits in and reads the tests of each link; a link that fails leaves the others alone.
    async fn fetch_and_find(
        &self,
        remote: &Remote,
        mirror: &mut Mirror,
        moved: Vec<(ObjectId, LinkView)>,
    ) -> Vec<LinkReport> {
        let wants: Vec<_> = moved.iter().map(|(commit, _)| *commit).collect();
        let mut on_bytes = |fetched: suitesync_git::FetchProgress| {
            (self.progress)(Progress::Received { bytes: fetched.received_bytes })
        };
        if let Err(failure) = mirror.fetch(remote, &wants, &mut on_bytes, &self.cancel).await {
            return moved.iter().map(|(_, view)| report(view, Err(failure.clone()))).collect();
        }
        let finder = Finder {
            parses: &self.delegate.workshop.parses,
            reading: &self.delegate.workshop.reading,
            progress: &self.progress,
            cancel: &self.cancel,
        };
        let mut reports = Vec::new();
        for (commit, view) in moved {
            let found = finder.find(mirror, commit, &view).await;
            reports.push(report(&view, found));
        }
        reports
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

fn report(view: &LinkView, result: Result<LinkFacts, Failure>) -> LinkReport {
    LinkReport { link: view.link.clone(), revision: view.revision, result }
}

fn stopped_at_secrets(failed: StepReport, failure: Failure) -> ProbeReport {
    let after = Step::ALL.into_iter().skip_while(|step| *step != Step::Secrets).skip(1);
    let skipped = |step| StepReport { step, outcome: StepOutcome::Skipped, detail: String::new(), duration_ms: 0 };
    let steps = std::iter::once(failed).chain(after.map(skipped)).collect();
    ProbeReport { steps, failure: Some(failure), certificate_days_left: None }
}
