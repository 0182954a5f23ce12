//! The logs of runs as the agent keeps them: pieces come from delegates, already without secrets, and are appended by a
//! thread of their own, so that a slow disk holds nobody up.

use std::fs::{DirEntry, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use suitesync_contract::RunId;

/// What the name of a log has after the number of its run.
const ENDING: &str = ".log";

/// Where the logs are; clones share the thread, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct RunLogs {
    folder: PathBuf,
    pieces: mpsc::Sender<Piece>,
}

/// A piece of a log on its way to the disk.
struct Piece {
    run: RunId,
    bytes: Vec<u8>,
    /// Where it begins; at the end unless that is known.
    at: Option<u64>,
}

impl RunLogs {
    /// Keeps logs in `folder`. Blocks.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let (pieces, arriving) = mpsc::channel::<Piece>();
        let kept = folder.clone();
        std::thread::Builder::new().name("run-logs".to_owned()).spawn(move || {
            for piece in arriving {
                if let Err(error) = piece.write(&kept) {
                    tracing::warn!(%error, run = piece.run.0, "failed to keep a piece of a run's log");
                }
            }
        })?;
        Ok(Self { folder, pieces })
    }

    /// Keeps the next piece, which comes in base64. What is none is left out. One that says where in the log it begins may
    /// come again.
    pub fn append(&self, run: RunId, piece: &str, at: Option<u64>) {
        if let Ok(bytes) = STANDARD.decode(piece) {
            // The thread has ended: the agent stops.
            let _ = self.pieces.send(Piece { run, bytes, at });
        }
    }

    pub fn path(&self, run: RunId) -> PathBuf {
        path(&self.folder, run)
    }

    /// The runs that there are logs of. Blocks.
    pub fn runs(&self) -> io::Result<Vec<RunId>> {
        let run = |entry: DirEntry| entry.file_name().to_str()?.strip_suffix(ENDING)?.parse().ok().map(RunId);
        std::fs::read_dir(&self.folder)?.filter_map(|entry| entry.map(run).transpose()).collect()
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
    folder.join(format!("{run}{ENDING}"))
}

impl Piece {
    fn write(&self, folder: &Path) -> io::Result<()> {
        let path = path(folder, self.run);
        match self.at {
            None => OpenOptions::new().create(true).append(true).open(path)?.write_all(&self.bytes),
            Some(at) => {
                OpenOptions::new().create(true).truncate(false).write(true).open(path)?.write_all_at(&self.bytes, at)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_that_comes_again_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunId(7);
        let write = |text: &str, at| Piece { run, bytes: text.into(), at }.write(folder.path()).unwrap();
        write("one ", Some(0));
        write("two", Some(4));
        write("one ", Some(0));
        write("!", None);
        assert_eq!(std::fs::read_to_string(path(folder.path(), run)).unwrap(), "one two!");
    }
}
