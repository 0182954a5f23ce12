//! The logs of runs as the agent keeps them: pieces come from delegates, already without secrets, and are appended by a
//! thread of their own, so that a slow disk holds nobody up.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use suitesync_contract::RunId;

/// Where the logs are; clones share the thread, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct RunLogs {
    folder: PathBuf,
    pieces: mpsc::Sender<(RunId, Vec<u8>)>,
}

impl RunLogs {
    /// Keeps logs in `folder`. Blocks.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let (pieces, arriving) = mpsc::channel::<(RunId, Vec<u8>)>();
        let kept = folder.clone();
        std::thread::Builder::new().name("run-logs".to_owned()).spawn(move || {
            for (run, piece) in arriving {
                if let Err(error) = append(&kept, run, &piece) {
                    tracing::warn!(%error, run = run.0, "failed to keep a piece of a run's log");
                }
            }
        })?;
        Ok(Self { folder, pieces })
    }

    /// Keeps the next piece, which comes in base64. What is none is left out.
    pub fn append(&self, run: RunId, piece: &str) {
        if let Ok(bytes) = STANDARD.decode(piece) {
            // The thread has ended: the agent stops.
            let _ = self.pieces.send((run, bytes));
        }
    }

    pub fn path(&self, run: RunId) -> PathBuf {
        path(&self.folder, run)
    }

    /// Removes the logs of runs that are forgotten. Blocks.
    pub fn remove(&self, runs: &[RunId]) {
        for run in runs {
            // One that was never written needs no removal.
            let _ = std::fs::remove_file(self.path(*run));
        }
    }
}

fn path(folder: &Path, run: RunId) -> PathBuf {
    folder.join(format!("{run}.log"))
}

fn append(folder: &Path, run: RunId, piece: &[u8]) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path(folder, run))?.write_all(piece)
}
