//! The logs of runs as the agent keeps them: pieces come from delegates, already without secrets, and are appended by a
//! thread of their own, so that a slow disk holds nobody up.
//!
//! Delegates bound their logs; one that does not costs its own log only. What is too much is left out, and that is said once a
//! run.

use std::collections::BTreeSet;
use std::fs::{DirEntry, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use suitesync_contract::RunId;

/// What the name of a log has after the number of its run.
const ENDING: &str = ".log";

/// What is kept of a log: twice of what our own runner makes of one.
const MOST_BYTES: u64 = 64 << 20;

/// What may wait for the disk, of all logs together: some whole ones, as runs end at once.
const MOST_WAITING: u64 = 128 << 20;

/// Where the logs are; clones share the thread, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct RunLogs {
    folder: PathBuf,
    pieces: mpsc::Sender<Piece>,
    intake: Arc<Intake>,
}

/// What the thread and those who feed it know of each other.
#[derive(Debug, Default)]
struct Intake {
    /// Bytes on their way to the disk.
    waiting: AtomicU64,
    /// Runs of which it was said that their logs are not whole.
    cut: Mutex<BTreeSet<RunId>>,
}

impl Intake {
    /// Takes room for a piece, if there is any.
    fn admit(&self, weight: u64) -> bool {
        let room = |waiting: u64| waiting.checked_add(weight).filter(|waiting| *waiting <= MOST_WAITING);
        self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }

    fn cut(&self, run: RunId, why: &str) {
        if self.cut.lock().unwrap_or_else(PoisonError::into_inner).insert(run) {
            tracing::warn!(run = run.0, "a part of the log of a run is left out: {why}");
        }
    }
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
        let (kept, intake) = (folder.clone(), Arc::<Intake>::default());
        let arrived = Arc::clone(&intake);
        std::thread::Builder::new().name("run-logs".to_owned()).spawn(move || {
            for piece in arriving {
                match piece.write(&kept) {
                    Ok(Written::Whole) => {}
                    Ok(Written::TooMuch) => arrived.cut(piece.run, "it is longer than logs are"),
                    Err(error) => tracing::warn!(%error, run = piece.run.0, "failed to keep a piece of a run's log"),
                }
                arrived.waiting.fetch_sub(piece.weight(), Ordering::Relaxed);
            }
        })?;
        Ok(Self { folder, pieces, intake })
    }

    /// Keeps the next piece, which comes in base64. What is none is left out. One that says where in the log it begins may
    /// come again.
    pub fn append(&self, run: RunId, piece: &str, at: Option<u64>) {
        let Ok(bytes) = STANDARD.decode(piece) else { return };
        let piece = Piece { run, bytes, at };
        if !self.intake.admit(piece.weight()) {
            return self.intake.cut(run, "the disk does not keep up");
        }
        // The thread has ended: the agent stops.
        let _ = self.pieces.send(piece);
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

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Whole,
    /// The log would be too long with it.
    TooMuch,
}

impl Piece {
    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// What it takes while it waits: many without content are much, too.
    fn weight(&self) -> u64 {
        self.length() + size_of::<Self>() as u64
    }

    fn write(&self, folder: &Path) -> io::Result<Written> {
        let path = path(folder, self.run);
        let fits = |at: u64| at.checked_add(self.length()).is_some_and(|end| end <= MOST_BYTES);
        match self.at {
            Some(at) if !fits(at) => return Ok(Written::TooMuch),
            Some(at) => {
                let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
                file.write_all_at(&self.bytes, at)?;
            }
            None => {
                let mut file = OpenOptions::new().create(true).append(true).open(path)?;
                if !fits(file.metadata()?.len()) {
                    return Ok(Written::TooMuch);
                }
                file.write_all(&self.bytes)?;
            }
        }
        Ok(Written::Whole)
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
        for (text, at) in [("one ", Some(0)), ("two", Some(4)), ("one ", Some(0)), ("!", None)] {
            assert_eq!(write(text, at), Written::Whole);
        }
        assert_eq!(std::fs::read_to_string(path(folder.path(), run)).unwrap(), "one two!");
    }

    #[test]
    fn what_a_log_cannot_hold_is_left_out_wherever_it_is_said_to_begin() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunId(7);
        let write = |text: &str, at| Piece { run, bytes: text.into(), at }.write(folder.path()).unwrap();
        for at in [MOST_BYTES, MOST_BYTES - 1, u64::MAX] {
            assert_eq!(write("!!", Some(at)), Written::TooMuch, "{at}");
        }
        assert!(!path(folder.path(), run).exists());
        assert_eq!(write("!!", Some(MOST_BYTES - 2)), Written::Whole);
        assert_eq!(write("!", None), Written::TooMuch);
        assert_eq!(path(folder.path(), run).metadata().unwrap().len(), MOST_BYTES);
    }

    #[test]
    fn what_waits_for_the_disk_is_bounded() {
        let intake = Intake::default();
        assert!(intake.admit(MOST_WAITING));
        assert!(!intake.admit(1));
        intake.waiting.fetch_sub(MOST_WAITING, Ordering::Relaxed);
        assert!(intake.admit(1));
    }
}
