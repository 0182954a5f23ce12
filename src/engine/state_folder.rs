//! The folder that holds everything an agent keeps. One agent at a time has it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// Why the folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StateFolderError {
    #[error("failed to make the state folder {}", path.display())]
    Make { path: PathBuf, source: io::Error },
    #[error("failed to lock the state folder {}", path.display())]
    Lock { path: PathBuf, source: io::Error },
    #[error("the state folder {} is in use by process {holder}; stop it, or set another `state_dir`", path.display())]
    InUse { path: PathBuf, holder: String },
}

/// The folder, locked as long as this lives. The system lets go of the lock however the process ends.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    _lock: File,
}

impl StateFolder {
    /// Makes the folder (mode 0700) where it lacks, and takes its lock.
    pub fn claim(path: &Path) -> Result<Self, StateFolderError> {
        make_private(path).map_err(|source| StateFolderError::Make { path: path.to_owned(), source })?;
        let lock_failed = |source| StateFolderError::Lock { path: path.to_owned(), source };
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("agent.lock"))
            .map_err(lock_failed)?;
        if let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(lock_failed(error.into()));
            }
            let mut holder = String::new();
            lock.read_to_string(&mut holder).map_err(lock_failed)?;
            return Err(StateFolderError::InUse { path: path.to_owned(), holder: holder.trim().to_owned() });
        }
        let note = |lock: &mut File| -> io::Result<()> {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        // A full disk must not keep the agent from starting: the lock holds without the note.
        if let Err(error) = note(&mut lock) {
            tracing::warn!(%error, "failed to write the process id into the lock file");
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn catalog(&self) -> PathBuf {
        self.path.join("catalog.sqlite3")
    }

    /// The logs of runs.
    pub fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// Where each delegate that is a process has a folder of its own.
    pub fn delegates(&self) -> PathBuf {
        self.path.join("delegates")
    }

    /// What a delegate on this host keeps: mirrors, and the parses of files.
    pub fn delegate(&self) -> PathBuf {
        self.path.join("delegate")
    }
}

fn make_private(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_agent_is_told_who_holds_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let held = StateFolder::claim(&path).unwrap();
        let Err(StateFolderError::InUse { holder, .. }) = StateFolder::claim(&path) else {
            panic!("the folder is held");
        };
        assert_eq!(holder, std::process::id().to_string());
        drop(held);
        StateFolder::claim(&path).unwrap();
    }
}
