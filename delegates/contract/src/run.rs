//! What it takes to execute a suite, and what came of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Exit, LinkName, ObjectId, ResultFile, SecretRef};

/// Identity of a run in one agent's catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Execute one suite of a repository's commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunTask {
    pub run: RunId,
    /// Grows each time the run is handed out: an outcome with an older one is refused.
    pub fence: u64,
    pub link: LinkName,
    pub commit: ObjectId,
    /// The test project's folder in the repository, `/`-separated; empty for the top. It is the working folder.
    pub root: String,
    /// The id of the suite.
    pub suite: String,
    /// Words with the placeholders `{root}`, `{suite}`, `{commit}` and `{link}`, which the delegate fills in.
    pub command: Vec<String>,
    pub environment: BTreeMap<String, EnvironmentValue>,
    /// Globs below the root; nothing where the exit status is all that counts.
    pub results: Vec<String>,
    /// How long the command may take, in milliseconds.
    pub timeout_ms: u64,
}

/// A variable of a run's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentValue {
    Plain(String),
    /// Resolved at the last moment, and kept out of the log.
    Secret(SecretRef),
}

/// What came of a run whose delegate could try it, and of which nothing is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunReport {
    pub run: RunId,
    pub fence: u64,
    pub exit: Exit,
    /// Reports that the run made or changed; empty where none were asked for.
    pub results: Vec<ResultFile>,
    /// From the start of the command to its end, in milliseconds.
    pub duration_ms: u64,
    pub log: LogSummary,
}

/// How much a run has written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogSummary {
    pub written_bytes: u64,
    /// Left out in the middle, once the limit was reached.
    pub omitted_bytes: u64,
}
