//! The vocabulary that agent and delegates share: tasks, outcomes, failure classes, names, tags, secret references
//! and repository addresses.
//!
//! A crate of its own so that nothing in it can do I/O or need a runtime: its manifest knows neither tokio nor a
//! file system. Everything here is data that can be written as JSON and read back on another host.

pub mod discovery;
pub mod failure;
pub mod name;
pub mod object_id;
pub mod outcome;
pub mod readable;
pub mod repo_url;
pub mod result;
pub mod rpc;
pub mod run;
#[cfg(feature = "schema")]
pub mod schema;
pub mod secret;
pub mod tags;
pub mod task;
pub mod tree;

pub use discovery::{Case, Discovery, Entry, EntryState, FileState, Notice, Root, Suite, SuiteKind};
pub use failure::{Failure, FailureClass};
pub use name::{ConnectionName, DelegateName, InvalidName, LinkName, ScheduleName, SecretName};
pub use object_id::{InvalidObjectId, ObjectId};
pub use outcome::{
    Facts, LinkFacts, LinkReport, Outcome, ProbeReport, Progress, Step, StepOutcome, StepReport, SyncReport, Transfer,
};
pub use readable::readable;
pub use repo_url::{
    AzureAccount, AzureRepository, ConnectionUrl, LinkUrl, Origin, Provider, RepoUrl, RepositoryIdentity, Scheme,
    ServerUrl, UrlError, UrlType, is_same_azure_name,
};
pub use result::{
    CaseResult, CaseStatus, Exit, ReportedTime, ResultCounts, ResultFile, ResultFileState, ResultsSeen, StopReason,
    Verdict,
};
pub use run::{EnvironmentValue, LogSummary, RunId, RunReport, RunTask};
pub use secret::SecretRef;
pub use tags::Tags;
pub use task::{
    Access, ApiAccess, ClientCertificate, Credentials, HostKeys, LinkView, ProbeTask, RefSpec, SyncTask, Task, TaskId,
    Work,
};
pub use tree::{TreeEntry, TreeEntryKind};
