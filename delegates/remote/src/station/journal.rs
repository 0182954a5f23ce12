//! Which runs were taken, on the disk: a file a run, from before it can be started until its outcome is stored.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::bus::RemoteError;
use crate::message::Key;

/// The file that is locked while the journal is in use.
const LOCK: &str = "lock";

pub(super) struct Journal {
    folder: PathBuf,
    _lock: File,
}

/// A run that an earlier start took, and of which no outcome was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leftover {
    pub(super) key: Key,
    /// Where the first part of its task lay in the stream, if that can be read.
    pub(super) sequence: Option<u64>,
}

impl Journal {
    /// Makes the folder where it lacks; an error if another delegate uses it.
    pub(super) fn open(folder: PathBuf) -> Result<Self, RemoteError> {
        let fault = |source| RemoteError::Journal { path: folder.display().to_string(), source };
        fs::create_dir_all(&folder).map_err(fault)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(LOCK)).map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(fault(io::Error::from(io::ErrorKind::ResourceBusy))),
            Err(TryLockError::Error(source)) => Err(fault(source)),
        }
    }

    pub(super) fn leftovers(&self) -> io::Result<Vec<Leftover>> {
        let mut leftovers = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if let Some(key) = entry.file_name().to_str().and_then(|name| name.parse::<Key>().ok()) {
                let sequence = fs::read_to_string(entry.path()).ok().and_then(|text| text.trim().parse().ok());
                leftovers.push(Leftover { key, sequence });
            }
        }
        Ok(leftovers)
    }

    /// Writes down that a run may be started from now on. It is on the disk when this returns.
    pub(super) fn enter(&self, key: Key, sequence: u64) -> io::Result<()> {
        let mut file = OpenOptions::new().create_new(true).write(true).open(self.path(key))?;
        file.write_all(format!("{sequence}\n").as_bytes())?;
        file.sync_all()?;
        self.sync()
    }

    pub(super) fn remove(&self, key: Key) -> io::Result<()> {
        fs::remove_file(self.path(key))
    }

    fn path(&self, key: Key) -> PathBuf {
        self.folder.join(key.to_string())
    }

    fn sync(&self) -> io::Result<()> {
        sync_folder(&self.folder)
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder is no file that could be synced; its entries are durable with the files.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use suitesync_contract::RunId;

    use super::*;

    const RUN: Key = Key::Run { run: RunId(7), fence: 2 };

    #[test]
    fn a_run_is_found_again_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path().to_owned()).unwrap();
        journal.enter(RUN, 41).unwrap();
        drop(journal);
        let journal = Journal::open(folder.path().to_owned()).unwrap();
        assert_eq!(journal.leftovers().unwrap(), [Leftover { key: RUN, sequence: Some(41) }]);
        assert!(journal.enter(RUN, 42).is_err(), "it is never taken twice");
        journal.remove(RUN).unwrap();
        assert_eq!(journal.leftovers().unwrap(), []);
    }

    #[test]
    fn a_folder_is_one_delegate_s_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let _journal = Journal::open(folder.path().to_owned()).unwrap();
        assert!(matches!(Journal::open(folder.path().to_owned()), Err(RemoteError::Journal { .. })));
    }
}
