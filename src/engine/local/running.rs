//! Runs: a commit's files are checked out, a command is executed on them, and what it reported is read.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::getuid;
use suitesync_contract::{
    EnvironmentValue, Failure, FailureClass, LogSummary, ObjectId, Progress, ResultFile, RunReport, RunTask, SecretRef,
};
use suitesync_git::{FetchProgress, Mirror};
use suitesync_reach::Route;
use suitesync_runner::{
    Globs, Listing, Redactor, RunLimits, RunMarker, RunOrder, RunProgress, Runner, Secret, list, read_results,
};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::keyring::Keyring;
use super::run_folder::{RunFolder, RunFolderError, RunPlace};
use super::{Job, run_log, run_words, told};

/// Between SIGTERM and SIGKILL: a browser and a database need seconds to end well.
const GRACE: Duration = Duration::from_secs(10);

/// Kept of a run's log: what a person can read, many times over.
const LOG_BYTES: u64 = 32 << 20;

/// Where the kernel shows its control groups, if it is as systemd mounts them.
const CONTROL_GROUPS: &str = "/sys/fs/cgroup";

/// What executes runs in this process.
#[derive(Debug)]
pub(super) struct RunShop {
    runner: Runner,
    folder: PathBuf,
    taken: OnceCell<Arc<RunFolder>>,
    /// This process's own, of which runs get a part.
    environment: BTreeMap<String, String>,
    control_group: Option<PathBuf>,
}

impl RunShop {
    /// Executes runs below `folder`, as the parent of all processes that they leave behind.
    pub(super) fn new(folder: PathBuf) -> std::io::Result<Self> {
        let variables = std::env::vars_os();
        let environment =
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
        let control_group = delegated_control_group();
        Ok(Self { runner: Runner::new()?, folder, taken: OnceCell::new(), environment, control_group })
    }

    /// The folder, once it is ours and swept.
    pub(super) async fn folder(&self) -> Result<&Arc<RunFolder>, Failure> {
        let path = self.folder.clone();
        let take = || async {
            let taken = tokio::task::spawn_blocking(move || RunFolder::take(&path)).await;
            let taken = taken.map_err(|_| broke_off("the folder of runs was taken"))?;
            taken.map(Arc::new).map_err(|error| unplaced(&error))
        };
        self.taken.get_or_try_init(take).await
    }
}

impl Job<'_> {
    pub(super) async fn run(&self, shop: &RunShop, task: RunTask) -> Result<RunReport, Failure> {
        let globs = Globs::new(task.results.iter().map(String::as_str))
            .map_err(|error| Failure::new(FailureClass::Internal, error.to_string()))?;
        let folder = Arc::clone(shop.folder().await?);
        let place = Arc::new(folder.place(&task).map_err(|error| unplaced(&error))?);
        let report = self.run_in(shop, &place, &task, &globs).await;
        // Not waited for: a large tree may take longer than an answer. The runtime ends after it, and the seat is held so long.
        drop(tokio::task::spawn_blocking(move || {
            if let Some(place) = Arc::into_inner(place) {
                place.remove();
            }
            drop(folder);
        }));
        report
    }

    async fn run_in(
        &self,
        shop: &RunShop,
        place: &Arc<RunPlace>,
        task: &RunTask,
        globs: &Globs,
    ) -> Result<RunReport, Failure> {
        self.check_out(task, &place.checkout()).await?;
        let (schedules, redactor) = self.environment_of(task).await?;
        let root = place.root(&task.root);
        let order = RunOrder {
            id: place.id.clone(),
            command: run_words::command(task, &root),
            environment: run_words::environment(task, place, &root, &shop.environment, schedules),
            working_folder: root.clone(),
            log: place.log(),
            limits: RunLimits {
                time: Duration::from_millis(task.timeout_ms),
                grace: GRACE,
                log_bytes: LOG_BYTES,
                disk_bytes: self.delegate.runs_disk,
            },
            redactor: redactor.clone(),
            delegated_control_group: shop.control_group.clone(),
        };
        let before = listed(&root, globs).await?;
        let end = self.execute(shop, place, order).await;
        let results = read(root, globs, before, redactor).await?;
        if !end.swept.remaining.is_empty() {
            tracing::warn!(run = %task.run, processes = ?end.swept.remaining, "processes of a run cannot be ended");
        }
        if let Some(fault) = &end.log.fault {
            tracing::warn!(run = %task.run, fault, "the log of a run is not whole");
        }
        let log = LogSummary { written_bytes: end.log.written, omitted_bytes: end.log.left_out };
        let duration_ms = end.duration_ms;
        Ok(RunReport { run: task.run, fence: task.fence, exit: end.exit, results, duration_ms, log })
    }

    /// Executes the order and tells of it, until nothing of it is left.
    async fn execute(&self, shop: &RunShop, place: &Arc<RunPlace>, order: RunOrder) -> suitesync_runner::RunEnd {
        let (written, log) = (CancellationToken::new(), order.log.clone());
        let on_progress = |progress| match progress {
            RunProgress::Started(marker) => self.tell_started(place, &marker),
            RunProgress::Stopping(reason) => tracing::info!(run = %place.id, reason = reason.code(), "stopping a run"),
        };
        let running = async {
            let end = shop.runner.run(order, on_progress, &self.cancel).await;
            written.cancel();
            end
        };
        tokio::join!(running, run_log::follow(log, &self.progress, &written)).0
    }

    fn tell_started(&self, place: &RunPlace, marker: &RunMarker) {
        if let Err(error) = place.mark(marker) {
            tracing::warn!(run = %place.id, %error, "failed to note by what a run is found");
        }
        if let Ok(marker) = serde_json::to_value(marker) {
            (self.progress)(Progress::Started { marker });
        }
    }

    /// Writes the files of the root into `folder`. Where all of them are here, nothing is asked of the server, and no
    /// secret is needed.
    async fn check_out(&self, task: &RunTask, folder: &Path) -> Result<(), Failure> {
        let (access, gates) = (&self.access, &self.delegate.gates);
        let _leave = gates.fetch(access.url.origin(), &self.cancel).await?;
        let mut mirror = self.delegate.mirrors.open(&access.connection, &access.url, &self.cancel).await?;
        if !mirror.can_check_out(task.commit, &task.root).await? {
            self.fetch_files(&mut mirror, task.commit, &task.root).await?;
        }
        mirror.check_out(task.commit, &task.root, folder, &self.cancel).await
    }

    async fn fetch_files(&self, mirror: &mut Mirror, commit: ObjectId, root: &str) -> Result<(), Failure> {
        let Keyring { authorization, identity, proxy, hidden, .. } = self.keyring().await?;
        let client = self.client(Route { trust: self.trust()?, proxy, identity })?;
        let remote = self.remote(client, authorization)?;
        let mut on_bytes =
            |fetched: FetchProgress| (self.progress)(Progress::Received { bytes: fetched.received_bytes });
        let fetched = match mirror.fetch(&remote, &[commit], &mut on_bytes, &self.cancel).await {
            Ok(()) => mirror.ensure_directory(commit, root).await,
            Err(failure) => Err(failure),
        };
        fetched.map_err(|failure| told(failure, &hidden))
    }

    /// The schedule's variables with their secrets in the clear, and what keeps these out of the log.
    async fn environment_of(&self, task: &RunTask) -> Result<(BTreeMap<String, String>, Redactor), Failure> {
        let (secrets, wanted) = (self.delegate.workshop.secrets.load_full(), task.environment.clone());
        let resolve = move || {
            let mut hidden = Vec::new();
            let mut value_of = |value| match value {
                EnvironmentValue::Plain(text) => Ok(text),
                EnvironmentValue::Secret(reference) => {
                    let value = secrets.resolve_lines(&reference)?;
                    hidden.push(hide(reference, value.expose()));
                    Ok(value.expose().to_owned())
                }
            };
            let variables = wanted.into_iter().map(|(name, value)| Ok((name, value_of(value)?)));
            let variables = variables.collect::<Result<BTreeMap<_, _>, Failure>>()?;
            let redactor = Redactor::new(&hidden)
                .map_err(|error| Failure::new(FailureClass::SecretUnavailable, error.to_string()))?;
            Ok((variables, redactor))
        };
        tokio::task::spawn_blocking(resolve).await.map_err(|_| broke_off("its secrets were resolved"))?
    }
}

fn hide(source: SecretRef, value: &str) -> Secret {
    Secret { source, value: Zeroizing::new(value.to_owned()), user: None }
}

async fn listed(root: &Path, globs: &Globs) -> Result<Listing, Failure> {
    let (root, globs) = (root.to_owned(), globs.clone());
    let listed = tokio::task::spawn_blocking(move || list(&root, &globs)).await;
    listed.map_err(|_| broke_off("its reports were looked for"))
}

async fn read(root: PathBuf, globs: &Globs, before: Listing, redactor: Redactor) -> Result<Vec<ResultFile>, Failure> {
    let globs = globs.clone();
    let read = tokio::task::spawn_blocking(move || read_results(&root, &globs, &before, &redactor)).await;
    let results = read.map_err(|_| broke_off("its reports were read"))?;
    for notice in results.notices {
        tracing::warn!("the reports of a run: {notice}");
    }
    Ok(results.files)
}

/// Our own control group, if it is delegated to us: systemd makes it ours then (`Delegate=`). To root all of them belong,
/// which says nothing.
fn delegated_control_group() -> Option<PathBuf> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folder = Path::new(CONTROL_GROUPS).join(own);
    let metadata = std::fs::metadata(&folder).ok()?;
    (!getuid().is_root() && metadata.uid() == getuid().as_raw()).then_some(folder)
}

fn unplaced(error: &RunFolderError) -> Failure {
    let class = if error.is_full_disk() { FailureClass::DiskFull } else { FailureClass::Internal };
    Failure::new(class, error.to_string())
}

fn broke_off(when: &str) -> Failure {
    Failure::new(FailureClass::Internal, format!("the run broke off when {when}"))
}
