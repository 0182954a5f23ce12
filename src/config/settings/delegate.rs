//! `[[delegate]]`: who carries out tasks.

use std::path::PathBuf;

use suitesync_contract::rpc::{ProxySetting, WorkKind};
use suitesync_contract::{DelegateName, Tags};

use super::Certificates;

/// What the files of one run may take where nothing is said: videos and browser profiles are large, and a disk that is
/// full stops everybody.
pub const RUNS_DISK: u64 = 20 << 30;

/// A delegate of this host, or one of another host that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegateConfig {
    pub name: DelegateName,
    /// As written; the name counts as one more.
    pub tags: Tags,
    /// Tasks at once.
    pub capacity: u32,
    pub kind: DelegateKind,
    /// Whether it may execute runs.
    pub runs: bool,
    /// What the files of one run may take, in bytes.
    pub runs_disk: u64,
    pub additional_certs: Option<Certificates>,
    pub proxy: Option<ProxySetting>,
    /// Rules for servers that are reached without the proxy; each can be read by [`NoProxy`](suitesync_reach::NoProxy).
    pub no_proxy: Vec<String>,
}

impl DelegateConfig {
    /// The kinds of tasks that it may carry out.
    pub fn work(&self) -> Vec<WorkKind> {
        let runs = self.runs.then_some(WorkKind::Run);
        [WorkKind::Probe, WorkKind::Sync].into_iter().chain(runs).collect()
    }
}

/// What a delegate is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DelegateKind {
    /// Threads of the agent.
    Local,
    /// A child of the agent: a program and its arguments.
    Command(Vec<String>),
    /// A process behind a Unix socket, which is started by somebody else.
    Socket(PathBuf),
    /// A process on another host, which announces itself over NATS.
    Remote,
}

impl DelegateKind {
    /// The word of the configuration.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Command(_) | Self::Socket(_) => "process",
            Self::Remote => "remote",
        }
    }
}
