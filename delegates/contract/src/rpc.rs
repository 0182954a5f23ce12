//! How the agent and a delegate that is a process of its own speak: JSON-RPC 2.0, one message a line.
//!
//! The agent asks `initialize` once, then `run_task` as often as the delegate has places; it may send `cancel` for a
//! task under way. The delegate answers each request once, and tells how far a task is by `progress`. Members that one
//! side does not know are ignored by it, so that either can be newer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{DelegateName, Outcome, Progress, SecretName, SecretRef, Task, TaskId};

/// The version of the protocol that is described here.
pub const PROTOCOL: u32 = 1;

/// Longest line in bytes: a sync of a very large repository's tests, with room.
pub const MAX_LINE: usize = 64 << 20;

/// Methods of requests, and of notifications, which have no answer.
pub mod method {
    pub const INITIALIZE: &str = "initialize";
    pub const RUN_TASK: &str = "run_task";
    /// Notification: the task is no longer wanted. Its request is still answered.
    pub const CANCEL: &str = "cancel";
    /// Notification of the delegate.
    pub const PROGRESS: &str = "progress";
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub jsonrpc: Version,
    /// Of a request and of its answer; a notification has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RpcError>,
}

/// Always `2.0`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    #[default]
    #[serde(rename = "2.0")]
    V2,
}

/// A request that was not understood. A task that failed is an outcome and no error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RpcError {
    pub code: i64,
    pub message: String,
}

/// What `initialize` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Initialize {
    /// The newest version that the agent speaks.
    pub protocol: u32,
    /// The name of the agent.
    pub agent: String,
    /// What the delegate is called in messages and events.
    pub delegate: DelegateName,
    /// A folder of its own to keep things in.
    pub state_dir: String,
    /// Tasks that will be handed out at once.
    pub capacity: u32,
    /// Requests at once to one host.
    pub per_host: u32,
    /// What the names of secrets stand for, where the agent is to say; never a value.
    #[serde(default)]
    pub secrets: BTreeMap<SecretName, SecretRef>,
    /// Certificates trusted besides the system's: PEM.
    #[serde(default)]
    pub additional_certs: Option<String>,
    #[serde(default)]
    pub proxy: Option<ProxySetting>,
    /// Rules for servers that are reached without the proxy.
    #[serde(default)]
    pub no_proxy: Vec<String>,
    /// What the files of one run may take, in bytes; as the delegate has it where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_disk_bytes: Option<u64>,
    /// How long a mirror is kept that no task uses, in seconds; somebody else looks after them where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirrors_keep_s: Option<u64>,
}

/// The proxy of a delegate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProxySetting {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: String,
    #[serde(default)]
    pub login: Option<ProxyLogin>,
}

/// Who we are to a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProxyLogin {
    Written {
        username: String,
        password: SecretRef,
    },
    /// User and password stand in the URL that this environment variable holds.
    InVariable(String),
}

/// The answer to `initialize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Initialized {
    /// The version that will be spoken: at most the agent's.
    pub protocol: u32,
    /// What it is, for people: a program and its version.
    pub program: String,
    pub work: Vec<WorkKind>,
    /// The number of the user as whom it executes runs, on this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
}

/// Kinds of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    Probe,
    Sync,
    Run,
}

/// What `run_task` says; its answer is an [`Outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunTaskParams {
    pub task: Task,
}

/// The answer to `run_task`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RunTaskResult {
    pub outcome: Outcome,
}

/// What `cancel` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CancelParams {
    pub task: TaskId,
}

/// What `progress` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProgressParams {
    pub task: TaskId,
    pub progress: Progress,
}

impl Message {
    pub fn request(id: u64, method: &str, params: &impl Serialize) -> Self {
        Self { id: Some(id), ..Self::notification(method, params) }
    }

    pub fn notification(method: &str, params: &impl Serialize) -> Self {
        Self { method: Some(method.to_owned()), params: serde_json::to_value(params).ok(), ..Self::empty(None) }
    }

    pub fn answer(id: u64, result: &impl Serialize) -> Self {
        Self { result: serde_json::to_value(result).ok(), ..Self::empty(Some(id)) }
    }

    pub fn refusal(id: Option<u64>, error: RpcError) -> Self {
        Self { error: Some(error), ..Self::empty(id) }
    }

    fn empty(id: Option<u64>) -> Self {
        Self { jsonrpc: Version::V2, id, method: None, params: None, result: None, error: None }
    }
}

/// Codes of JSON-RPC 2.0.
impl RpcError {
    pub const PARSE: i64 = -32700;
    pub const INVALID_REQUEST: i64 = -32600;
    pub const METHOD_NOT_FOUND: i64 = -32601;
    pub const INVALID_PARAMS: i64 = -32602;

    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
