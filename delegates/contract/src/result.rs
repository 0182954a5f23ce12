//! What a run's results are, and what they make of the run.
//!
//! [`Verdict::of`] is the one place that says how a run ended, from how its process ended and what its reports hold.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How one test case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    Passed,
    /// What was checked is not so.
    Failed,
    /// The check itself broke, or did not come to its end.
    Error,
    Skipped,
}

impl CaseStatus {
    pub fn code(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// When something began, by the clock of the machine that wrote the report: RFC 3339, but with an offset only where
/// the report gives one, such as `2018-03-31T20:20:20`. Katalon never gives one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ReportedTime(pub String);

impl fmt::Display for ReportedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One execution of one test case. A suite may hold the same case many times: none of this is a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CaseResult {
    pub name: String,
    pub class_name: String,
    /// The suite's id where the report gives one, else its name.
    pub suite: String,
    /// Where the case lies, as the report says it: a file, or the id of a Katalon case (its path without extension).
    pub path: Option<String>,
    pub status: CaseStatus,
    pub duration_ms: Option<u64>,
    /// Why it did not pass, shortened and without secrets.
    pub message: Option<String>,
    /// When the case began, else when its suite did.
    pub started_at: Option<ReportedTime>,
    /// How often it was executed until it ended like this; more than 1 where failed cases are tried again.
    pub attempts: u32,
}

/// How many cases ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultCounts {
    pub passed: u64,
    pub failed: u64,
    pub errors: u64,
    pub skipped: u64,
}

impl ResultCounts {
    pub fn total(self) -> u64 {
        self.passed + self.failed + self.errors + self.skipped
    }
}

impl<'a> FromIterator<&'a CaseResult> for ResultCounts {
    /// Counts the cases themselves; what a report says of its own counts is not to be relied on.
    fn from_iter<I: IntoIterator<Item = &'a CaseResult>>(cases: I) -> Self {
        cases.into_iter().fold(Self::default(), |mut counts, case| {
            match case.status {
                CaseStatus::Passed => counts.passed += 1,
                CaseStatus::Failed => counts.failed += 1,
                CaseStatus::Error => counts.errors += 1,
                CaseStatus::Skipped => counts.skipped += 1,
            }
            counts
        })
    }
}

/// How much of a file could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResultFileState {
    Whole,
    /// It breaks off, is not well-formed or is past a bound: what came before is there.
    Incomplete,
    /// It is something else than a report.
    NoReport,
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResultFile {
    /// Below the root.
    pub path: String,
    pub state: ResultFileState,
    /// In the order of the report.
    pub cases: Vec<CaseResult>,
    /// What a person should know of how it was read.
    pub notices: Vec<String>,
}

/// Why a run was stopped before it ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    Canceled,
    TimeLimit,
    DiskBudget,
}

impl StopReason {
    pub fn code(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::TimeLimit => "time_limit",
            Self::DiskBudget => "disk_budget",
        }
    }
}

/// How the process of a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    Code(i32),
    Signal(i32),
    Stopped(StopReason),
    /// There was never a process; why not, for a person.
    NotStarted(String),
}

/// What a run's reports hold, all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultsSeen {
    NotAsked,
    /// Asked for, but there is no case.
    NotFound,
    /// No case failed.
    Good,
    /// No case failed in what could be read of reports that break off.
    GoodSoFar,
    /// At least one case failed or is an error.
    Bad,
}

impl ResultsSeen {
    /// What these reports hold; they were asked for.
    pub fn of(files: &[ResultFile]) -> Self {
        let counts: ResultCounts = files.iter().flat_map(|file| &file.cases).collect();
        if counts.failed + counts.errors > 0 {
            Self::Bad
        } else if files.iter().any(|file| file.state == ResultFileState::Incomplete) {
            Self::GoodSoFar
        } else if counts.total() == 0 {
            Self::NotFound
        } else {
            Self::Good
        }
    }
}

/// What is to be said of a run that is over: a status and, unless it passed, the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Passed,
    FailedCases,
    ExitStatus,
    NoResults,
    ResultsIncomplete,
    Signal,
    DiskBudget,
    NotStarted,
    Canceled,
    TimedOut,
}

impl Verdict {
    /// A run that did not end by itself is not judged by its results: they are not all there.
    pub fn of(exit: &Exit, results: ResultsSeen) -> Self {
        match exit {
            Exit::NotStarted(_) => Self::NotStarted,
            Exit::Stopped(StopReason::Canceled) => Self::Canceled,
            Exit::Stopped(StopReason::TimeLimit) => Self::TimedOut,
            Exit::Stopped(StopReason::DiskBudget) => Self::DiskBudget,
            Exit::Signal(_) => Self::Signal,
            Exit::Code(code) => Self::of_ended(*code, results),
        }
    }

    fn of_ended(code: i32, results: ResultsSeen) -> Self {
        match (results, code) {
            (ResultsSeen::Bad, _) => Self::FailedCases,
            (ResultsSeen::NotFound, _) => Self::NoResults,
            (ResultsSeen::Good | ResultsSeen::NotAsked, 0) => Self::Passed,
            (ResultsSeen::GoodSoFar, 0) => Self::ResultsIncomplete,
            (ResultsSeen::Good | ResultsSeen::GoodSoFar | ResultsSeen::NotAsked, _) => Self::ExitStatus,
        }
    }

    /// The stable codes: the run's status, and the reason.
    fn entry(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Passed => ("passed", None),
            Self::FailedCases => ("failed", Some("failed_cases")),
            Self::ExitStatus => ("failed", Some("exit_status")),
            Self::NoResults => ("error", Some("no_results")),
            Self::ResultsIncomplete => ("error", Some("results_incomplete")),
            Self::Signal => ("error", Some("signal")),
            Self::DiskBudget => ("error", Some("disk_budget")),
            Self::NotStarted => ("error", Some("not_started")),
            Self::Canceled => ("canceled", Some("canceled")),
            Self::TimedOut => ("timed_out", Some("time_limit")),
        }
    }

    /// The status of the run.
    pub fn status(self) -> &'static str {
        self.entry().0
    }

    pub fn reason(self) -> Option<&'static str> {
        self.entry().1
    }
}
