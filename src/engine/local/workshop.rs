//! What all local delegates of an agent share, whatever the configuration makes of them: clients, what was learnt of
//! remotes, secrets, remembered parses, and the folder that it is all kept in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use suitesync_azure::Servers;
use suitesync_contract::{DelegateName, Failure, FailureClass};
use suitesync_git::{Mirrors, Remotes};
use suitesync_reach::{Clients, TimeLimits, Trust};
use tokio::sync::Semaphore;

use super::super::parses::{Parses, ParsesError};
use super::run_folder;
use crate::config::Secrets;

/// Trees read and files parsed at once: each keeps a processor busy, and the agent must stay able to answer.
const READING_AT_ONCE: usize = 2;

/// Trusts kept parsed: the delegate's own with each connection's.
const MAX_TRUSTS: usize = 32;

/// What all local delegates share.
#[derive(Debug)]
pub struct Workshop {
    pub(super) clients: Clients,
    pub(super) remotes: Remotes,
    pub(super) servers: Servers,
    pub(super) parses: Parses,
    pub(super) secrets: Arc<ArcSwap<Secrets>>,
    pub(super) reading: Arc<Semaphore>,
    folder: PathBuf,
    trusts: Mutex<HashMap<Vec<String>, Trust>>,
}

/// Why a workshop cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum WorkshopError {
    #[error("failed to make the folder {}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("failed to open the store of parses")]
    Parses(#[from] ParsesError),
}

impl Workshop {
    /// Keeps mirrors and parses below `folder`. Blocks.
    pub fn open(folder: &Path, secrets: Arc<ArcSwap<Secrets>>) -> Result<Self, WorkshopError> {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|source| WorkshopError::Folder { path: folder.to_owned(), source })?;
        Ok(Self {
            clients: Clients::new(TimeLimits::default()),
            remotes: Remotes::default(),
            servers: Servers::default(),
            parses: Parses::open(&folder.join("parses.sqlite3"))?,
            secrets,
            reading: Arc::new(Semaphore::new(READING_AT_ONCE)),
            folder: folder.to_owned(),
            trusts: Mutex::new(HashMap::new()),
        })
    }

    /// Where all of it is kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn mirrors(&self, delegate: &DelegateName) -> Mirrors {
        Mirrors::new(self.folder_of_mirrors(), delegate.clone())
    }

    pub fn folder_of_mirrors(&self) -> PathBuf {
        self.folder.join("mirrors")
    }

    /// Where a delegate executes its runs.
    pub(super) fn runs(&self, delegate: &DelegateName) -> PathBuf {
        self.folder.join("runs").join(delegate.as_str())
    }

    /// Whether a killed process left runs of a delegate.
    pub(super) fn has_runs_left(&self, delegate: &DelegateName) -> bool {
        run_folder::has_left(&self.runs(delegate))
    }

    /// The system's roots with these; parsed once for the same content.
    pub(super) fn trust(&self, additional: Vec<String>) -> Result<Trust, Failure> {
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
