//! The way to ask the agent for something while it runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use suitesync_contract::{ConnectionName, DelegateName, Failure, LinkName, RunId, ScheduleName};
use tokio::sync::{mpsc, oneshot};

use super::dispatcher::DelegateView;
use super::explanation::{DelegateVerdict, Subject};
use super::work::Waiter;
use crate::catalog::Catalog;
use crate::catalog::run::RunRecord;
use crate::config::ConfigDiff;
use crate::config::Diagnostic;
use crate::config::{Config, Loaded};
use crate::domain::selection::Candidate;

const LOOK_AT_LOG: &str = "look at the agent's log";

/// Why something that was asked for is not done, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub kind: RefusalKind,
    pub message: String,
    pub hint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// There is no such thing.
    Unknown,
    /// It is not in a state for that.
    Conflict,
    /// The agent or its catalog cannot do it now.
    Unavailable,
    /// It cannot be written down, so it is not done.
    Unrecorded,
    /// Whoever asked may not.
    NotPermitted,
}

impl Refusal {
    pub fn unknown(what: &str, name: &str) -> Self {
        let hint = format!("`suitesync {what} list` shows those there are");
        Self { kind: RefusalKind::Unknown, message: format!("there is no {what} `{name}`"), hint }
    }

    pub fn conflict(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Conflict, message: message.into(), hint: hint.into() }
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Unavailable, message: message.into(), hint: LOOK_AT_LOG.to_owned() }
    }

    /// `full` is the folder where room lacks, if that is why.
    pub fn unrecorded(message: impl Into<String>, full: Option<&Path>) -> Self {
        let make_room = |folder: &Path| format!("make room where the state folder lies ({})", folder.display());
        let hint = full.map_or_else(|| LOOK_AT_LOG.to_owned(), make_room);
        Self { kind: RefusalKind::Unrecorded, message: message.into(), hint }
    }
}

/// What came of taking up a configuration.
#[derive(Debug, Clone, Serialize)]
pub struct ReloadReport {
    pub outcome: ReloadOutcome,
    pub generation: u64,
    pub changes: Option<ConfigDiff>,
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReloadOutcome {
    Unchanged,
    Applied,
    /// The configuration is faulty: the running one stays.
    Rejected,
}

/// The agent at this moment.
#[derive(Debug, Clone)]
pub struct AgentState {
    pub config: Arc<Config>,
    pub now: DateTime<Utc>,
    pub generation: u64,
    pub started_at: DateTime<Utc>,
    pub configured_at: DateTime<Utc>,
    /// The faults of the configuration on disk, while it is not the running one.
    pub rejected: Vec<Diagnostic>,
    pub delegates: Vec<DelegateView>,
    /// The same delegates as selection knows them.
    pub candidates: Vec<Candidate>,
    /// Those that an operator has drained, be they there or not.
    pub drained: BTreeSet<DelegateName>,
    /// Runs that a delegate has in hand, begun or not.
    pub handed: BTreeSet<RunId>,
    /// What the agent was started with: some keys count at a start only.
    pub started_with: Arc<Config>,
    /// Why delegates of other hosts cannot be met, while that is so.
    pub remote: Option<Failure>,
    /// Whether there is no other delegate than these; before those of other hosts were met, nobody knows.
    pub all_known: bool,
    /// Whether any delegate executes runs, or there may be one that does.
    pub executes_runs: bool,
    /// Users of this host, by number, under whom delegates execute runs and nobody else works.
    pub run_users: BTreeSet<u32>,
    /// Why nothing can be recorded, while that is so.
    pub unwritable: Option<Failure>,
}

/// What an operator does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Disconnect(ConnectionName),
    Reconnect(ConnectionName),
    Archive {
        link: LinkName,
        running: Running,
    },
    Unarchive(LinkName),
    /// A delegate ends what it has and takes nothing new.
    Drain(DelegateName),
    Resume(DelegateName),
}

/// What becomes of the runs under way of a link that is archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running {
    Finish,
    Stop,
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    pub name: String,
    pub status: String,
    /// Whether it was not so before.
    pub changed: bool,
}

/// The same of an act on a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActedOnRun {
    pub run: RunId,
    pub status: String,
    /// Whether it was not so before.
    pub changed: bool,
}

pub type Answer<T> = oneshot::Sender<Result<T, Refusal>>;

#[derive(Debug)]
pub enum Command {
    Apply {
        loaded: Box<Loaded>,
        answer: Answer<ReloadReport>,
    },
    Test {
        connection: ConnectionName,
        waiter: Waiter,
        answer: Answer<()>,
    },
    Sync {
        link: LinkName,
        waiter: Waiter,
        answer: Answer<()>,
    },
    Proceed {
        link: LinkName,
        waiter: Waiter,
        answer: Answer<()>,
    },
    /// `by` is who asked for it.
    Act {
        act: Act,
        by: String,
        answer: Answer<Acted>,
    },
    /// Records runs of a schedule now: of one suite, or of all that it names.
    Start {
        schedule: ScheduleName,
        suite: Option<String>,
        by: String,
        answer: Answer<Vec<RunRecord>>,
    },
    Cancel {
        run: RunId,
        by: String,
        answer: Answer<ActedOnRun>,
    },
    Explain {
        subject: Subject,
        answer: Answer<Vec<DelegateVerdict>>,
    },
    /// A second has passed.
    Tick,
    State {
        answer: Answer<AgentState>,
    },
}

/// Asks the agent; clones share the way.
#[derive(Debug, Clone)]
pub struct Control {
    commands: mpsc::Sender<Command>,
    pub catalog: Catalog,
}

impl Control {
    pub fn new(commands: mpsc::Sender<Command>, catalog: Catalog) -> Self {
        Self { commands, catalog }
    }

    pub async fn apply(&self, loaded: Loaded) -> Result<ReloadReport, Refusal> {
        self.ask(|answer| Command::Apply { loaded: Box::new(loaded), answer }).await
    }

    /// Tests a connection now; `waiter` hears of every step and of the end.
    pub async fn test(&self, connection: ConnectionName, waiter: Waiter) -> Result<(), Refusal> {
        self.ask(|answer| Command::Test { connection, waiter, answer }).await
    }

    /// Syncs a link now; `waiter` hears how far it is and what came of it.
    pub async fn sync(&self, link: LinkName, waiter: Waiter) -> Result<(), Refusal> {
        self.ask(|answer| Command::Sync { link, waiter, answer }).await
    }

    /// Lets a link proceed that does not by itself, and syncs it.
    pub async fn proceed(&self, link: LinkName, waiter: Waiter) -> Result<(), Refusal> {
        self.ask(|answer| Command::Proceed { link, waiter, answer }).await
    }

    /// Has an operator's act done, with who asked for it.
    pub async fn act(&self, act: Act, by: String) -> Result<Acted, Refusal> {
        self.ask(|answer| Command::Act { act, by, answer }).await
    }

    pub async fn start_schedule(
        &self,
        schedule: ScheduleName,
        suite: Option<String>,
        by: String,
    ) -> Result<Vec<RunRecord>, Refusal> {
        self.ask(|answer| Command::Start { schedule, suite, by, answer }).await
    }

    pub async fn cancel_run(&self, run: RunId, by: String) -> Result<ActedOnRun, Refusal> {
        self.ask(|answer| Command::Cancel { run, by, answer }).await
    }

    /// Which delegate would be given work now, and why no other one.
    pub async fn explain(&self, subject: Subject) -> Result<Vec<DelegateVerdict>, Refusal> {
        self.ask(|answer| Command::Explain { subject, answer }).await
    }

    /// Lets the agent look at what has fallen due. One that is busy looks soon enough by itself.
    pub fn tick(&self) {
        let _ = self.commands.try_send(Command::Tick);
    }

    pub async fn state(&self) -> Result<AgentState, Refusal> {
        self.ask(|answer| Command::State { answer }).await
    }

    async fn ask<T>(&self, command: impl FnOnce(Answer<T>) -> Command) -> Result<T, Refusal> {
        let (answer, reply) = oneshot::channel();
        let stopping = |_| Refusal::unavailable("the agent is stopping");
        self.commands.send(command(answer)).await.map_err(|_| stopping(()))?;
        reply.await.map_err(|_| stopping(()))?
    }
}
