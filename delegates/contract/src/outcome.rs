//! What came of a task.

use serde::{Deserialize, Serialize};

use crate::{Discovery, Failure, LinkName, ObjectId, RunReport, TaskId};

/// What came of a task: facts, or a failure with a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Outcome {
    pub task: TaskId,
    pub result: Result<Facts, Failure>,
}

/// What a task found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Facts {
    Probe(ProbeReport),
    Sync(SyncReport),
    Run(RunReport),
}

/// The steps of a connection test, in their order. `tls` is walked over HTTPS, `host_key` over SSH, `api` where the
/// connection has API access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Delegate,
    Secrets,
    Dns,
    Connect,
    Tls,
    HostKey,
    Credentials,
    Repository,
    Api,
}

impl Step {
    pub const ALL: [Self; 9] = [
        Self::Delegate,
        Self::Secrets,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::HostKey,
        Self::Credentials,
        Self::Repository,
        Self::Api,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::Delegate => "delegate",
            Self::Secrets => "secrets",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::HostKey => "host_key",
            Self::Credentials => "credentials",
            Self::Repository => "repository",
            Self::Api => "api",
        }
    }

    /// The place in a test, from 0; no test walks both steps that share one.
    pub fn place(self) -> usize {
        match self {
            Self::Delegate => 0,
            Self::Secrets => 1,
            Self::Dns => 2,
            Self::Connect => 3,
            Self::Tls | Self::HostKey => 4,
            Self::Credentials => 5,
            Self::Repository => 6,
            Self::Api => 7,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    Ok,
    Failed,
    Skipped,
}

/// One step of a connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StepReport {
    pub step: Step,
    pub outcome: StepOutcome,
    /// What was seen, in a few words: an address, a protocol version, a number of refs.
    pub detail: String,
    pub duration_ms: u64,
}

impl StepReport {
    /// A step that was not walked.
    pub fn skipped(step: Step) -> Self {
        Self { step, outcome: StepOutcome::Skipped, detail: String::new(), duration_ms: 0 }
    }
}

/// A connection test: every step, and the failure of the one that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProbeReport {
    pub steps: Vec<StepReport>,
    pub failure: Option<Failure>,
    /// Days until the first certificate of the server's chain runs out; negative once it has.
    pub certificate_days_left: Option<i64>,
}

impl ProbeReport {
    /// The step that the test stopped at, if it stopped.
    pub fn failed_step(&self) -> Option<Step> {
        self.steps.iter().find(|report| report.outcome == StepOutcome::Failed).map(|report| report.step)
    }
}

/// What came of one repository's sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SyncReport {
    pub links: Vec<LinkReport>,
    pub transfer: Transfer,
    /// Why the mirror had to be made anew, if it had.
    pub mirror_rebuilt: Option<String>,
}

/// What a sync cost on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transfer {
    pub requests: u64,
    /// Bytes of answers' bodies, as they came.
    pub received_bytes: u64,
}

/// What came of one link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LinkReport {
    pub link: LinkName,
    /// Revision of the link that asked; an older one than the link's own is refused.
    pub revision: u64,
    pub result: Result<LinkFacts, Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LinkFacts {
    /// The ref still points where the catalog is.
    Unchanged { commit: ObjectId },
    /// The tests at a commit.
    Found {
        /// Nothing where the repository has no commit yet.
        commit: Option<ObjectId>,
        discovery: Discovery,
        /// Files read and parsed now.
        parsed: u64,
        /// Files whose parse was remembered.
        remembered: u64,
    },
}

/// How far a task under way has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// A step of a connection test ended.
    Step(StepReport),
    /// Bytes of a pack that came in so far; how many will come is not known.
    Received { bytes: u64 },
    /// Files looked at, of all that have to be.
    Read { done: u64, total: u64 },
    /// The command of a run was started; by the marker it can be found again.
    Started { marker: serde_json::Value },
    /// The next piece of a run's log, without secrets, in base64.
    Log {
        #[cfg_attr(feature = "schema", schemars(extend("contentEncoding" = "base64")))]
        piece: String,
        /// Where it lies in the log, in bytes from its beginning, if that is told: so one that comes twice is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<u64>,
    },
}
