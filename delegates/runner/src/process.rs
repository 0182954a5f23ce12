//! Executes one run: its command in a session of its own, a clean environment and a working folder, with bounds on
//! time, disk and log, until nothing of it is left.
//!
//! How a run ends is one procedure, whatever ended it ([`containment`]): a command that ended by itself may have left
//! daemons, and these go with it.
//!
//! A process that uses a [`Runner`] becomes the parent of orphans (`PR_SET_CHILD_SUBREAPER`). What else it starts must
//! stay in its own session: a child that makes itself a session of its own is taken for an orphan of the only run.

mod brand;
mod containment;
mod control_group;
mod environment;
mod family;
mod leader;
mod marker;
mod output;
mod program;
mod runs;
mod table;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{getpid, set_child_subreaper};
use serde::{Deserialize, Serialize};
use suitesync_contract::{Exit, StopReason};
use tokio_util::sync::CancellationToken;

pub use self::brand::Brand;
pub use self::containment::{StopSignal, StoppedProcess, Swept};
use self::control_group::ControlGroup;
pub use self::environment::base_environment;
use self::leader::Leader;
pub use self::marker::{RunMarker, sweep};
use self::program::StartFault;
use self::runs::Underway;
pub use self::table::{ProcessId, RUN_VARIABLE};
use crate::log::{LogFile, LogSummary};
use crate::redactor::Redactor;

/// How long the end of the output is waited for once nothing of the run is left: only a process that was handed the
/// pipe and is none of the run's can hold it open.
const OUTPUT_LIMIT: Duration = Duration::from_secs(2);

/// What a run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLimits {
    pub time: Duration,
    /// Between SIGTERM and SIGKILL.
    pub grace: Duration,
    pub log_bytes: u64,
    /// Of the working folder, in all.
    pub disk_bytes: u64,
}

/// What is to be executed.
#[derive(Clone)]
pub struct RunOrder {
    /// Marks the run's processes: unique on this host, whoever else executes runs on it.
    pub id: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    pub working_folder: PathBuf,
    /// All of it: nothing is inherited. [`base_environment`] is what to begin with.
    pub environment: BTreeMap<String, String>,
    /// Where what is printed goes.
    pub log: PathBuf,
    pub limits: RunLimits,
    /// Takes secrets out of what is printed.
    pub redactor: Redactor,
    /// A folder of cgroup v2 that is delegated to us, if there is one.
    pub delegated_control_group: Option<PathBuf>,
}

impl fmt::Debug for RunOrder {
    /// Arguments and environment may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.command.first();
        f.debug_struct("RunOrder").field("id", &self.id).field("program", &program).finish_non_exhaustive()
    }
}

/// What is to be known of a run before it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunProgress {
    Started(RunMarker),
    /// It is being ended before it ended by itself.
    Stopping(StopReason),
}

/// A run that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    pub exit: Exit,
    pub duration_ms: u64,
    pub log: LogSummary,
    /// What did not end by itself.
    pub swept: Swept,
}

/// Executes runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Runner;

impl Runner {
    /// Makes this process the parent of what loses its own. Any number of runners may be made.
    pub fn new() -> io::Result<Self> {
        set_child_subreaper(Some(getpid()))?;
        Ok(Self)
    }

    /// Executes a run and returns when nothing of it is left. One whose future is dropped is ended all the same.
    pub async fn run(
        &self,
        order: RunOrder,
        on_progress: impl Fn(RunProgress) + Send + Sync,
        cancel: &CancellationToken,
    ) -> RunEnd {
        let began = Instant::now();
        let nothing = |exit| (exit, LogSummary::default(), Swept::default());
        let (exit, log, swept) = if cancel.is_cancelled() {
            nothing(Exit::Stopped(StopReason::Canceled))
        } else {
            match Started::new(&order) {
                Ok(started) => started.finish(&order, on_progress, cancel).await,
                Err(fault) => nothing(Exit::NotStarted(told(&fault))),
            }
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        RunEnd { exit, duration_ms, log, swept }
    }
}

/// A run whose first process was started.
struct Started {
    leader: Leader,
    underway: Underway,
    marker: RunMarker,
    output: tokio::task::JoinHandle<LogSummary>,
    no_more_output: CancellationToken,
}

impl Started {
    fn new(order: &RunOrder) -> Result<Self, StartFault> {
        let program = || order.command.first().cloned().unwrap_or_default();
        let spawn = |source| StartFault::Spawn { program: program(), source };
        leader::check(order)?;
        let log = LogFile::create(&order.log, order.limits.log_bytes, &order.redactor)
            .map_err(|source| StartFault::Log { path: order.log.clone(), source })?;
        // Where there is none to be had, the sweep does without.
        let delegated = order.delegated_control_group.as_deref();
        let group = delegated.and_then(|delegated| ControlGroup::create(delegated, &order.id).ok());
        let mut marker = RunMarker::new(&order.id).map_err(spawn)?;
        let mut underway = Underway::begin(order, group.clone());
        let (leader, pipe) = leader::start(order, group.as_ref())?;
        underway.led_by(leader.id);
        marker.leader = Some(leader.id);
        marker.control_group = group.map(|group| group.folder().to_owned());
        let no_more_output = CancellationToken::new();
        let pipe = output::receive(pipe).map_err(spawn)?;
        let output = tokio::spawn(output::take(pipe, log, no_more_output.clone()));
        Ok(Self { leader, underway, marker, output, no_more_output })
    }

    async fn finish(
        self,
        order: &RunOrder,
        on_progress: impl Fn(RunProgress) + Send + Sync,
        cancel: &CancellationToken,
    ) -> (Exit, LogSummary, Swept) {
        let Self { mut leader, underway, marker, mut output, no_more_output } = self;
        on_progress(RunProgress::Started(marker));
        let stop = watch::until_stopped(order, &underway, cancel);
        let exit = tokio::select! {
            biased;
            exit = leader.exit() => exit,
            reason = stop => {
                on_progress(RunProgress::Stopping(reason));
                Exit::Stopped(reason)
            }
        };
        let swept = underway.end(order.limits.grace).await;
        let log = match tokio::time::timeout(OUTPUT_LIMIT, &mut output).await {
            Ok(log) => log,
            Err(_) => {
                no_more_output.cancel();
                output.await
            }
        };
        (exit, log.unwrap_or_default(), swept)
    }
}

/// The fault with its causes, for a person.
fn told(fault: &StartFault) -> String {
    let mut text = fault.to_string();
    let mut cause = std::error::Error::source(fault);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
