//! One mirror is open once at a time, across processes: `flock` on a file beside it, which the kernel lets go with
//! the process however that ends.
//!
//! When the file was last modified says when the mirror was last used, to within [`NOTE_EVERY`]. The file goes with its
//! mirror; who then gets the lock of a file without a name tries again, so that two never hold it.

use std::fs::{self, File, FileTimes, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use super::access::regain;
use super::fault::Fault;
use super::folder::Folder;
use super::paths::discard;

/// How often a taken lock is tried again; `flock` itself could not be canceled while it waits.
const TRY_EVERY: Duration = Duration::from_millis(50);
/// Use is noted no more often than this: days count, and syncs shall not write for it.
const NOTE_EVERY: Duration = Duration::from_secs(3600);
const PRIVATE: u32 = 0o600;

/// Held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    pub(crate) async fn acquire(folder: &Folder, cancel: &CancellationToken) -> Result<Self, Fault> {
        folder.make_parent()?;
        let path = folder.paths().lock();
        loop {
            if cancel.is_cancelled() {
                return Err(Fault::Canceled);
            }
            if let Some(lock) = Self::try_acquire(&path)? {
                note_use(&lock.file, SystemTime::now()).map_err(|error| Fault::io("write", &path, &error))?;
                return Ok(lock);
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(TRY_EVERY) => {}
            }
        }
    }

    /// Nothing while someone else holds it.
    pub(crate) fn try_acquire(path: &Path) -> Result<Option<Self>, Fault> {
        let file = match open(path) {
            Err(error) if is_obstructed(&error) => {
                clear(path)?;
                open(path)
            }
            opened => opened,
        };
        let file = file.map_err(|error| Fault::io("open the lock", path, &error))?;
        match file.try_lock() {
            Ok(()) if has_name(&file, path) => Ok(Some(Self { file, path: path.to_owned() })),
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Fault::io("lock", path, &error)),
        }
    }

    pub(crate) fn last_use(&self) -> Option<SystemTime> {
        self.file.metadata().and_then(|metadata| metadata.modified()).ok()
    }

    /// Takes the file away, after the mirror.
    pub(crate) fn remove(self) -> Result<(), Fault> {
        super::heal::remove(&self.path)
    }
}

/// Notes that the mirror of a lock is of use to someone, whoever holds it.
pub(crate) fn note_use_of(path: &Path, now: SystemTime) -> Result<(), Fault> {
    let noted = OpenOptions::new().write(true).open(path).and_then(|file| note_use(&file, now));
    noted.map_err(|error| Fault::io("write", path, &error))
}

fn note_use(file: &File, now: SystemTime) -> io::Result<()> {
    // A time to come was noted by a clock that was wrong: it would keep the mirror for ever.
    let is_recent = now.duration_since(file.metadata()?.modified()?).is_ok_and(|age| age < NOTE_EVERY);
    if is_recent { Ok(()) } else { file.set_times(FileTimes::new().set_modified(now)) }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).write(true).truncate(false).mode(PRIVATE).open(path)
}

/// Whether something lies in the place of the lock that cannot be one.
fn is_obstructed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory)
}

/// Makes way for a lock. A file of ours stays the one that others may have locked.
fn clear(path: &Path) -> Result<(), Fault> {
    regain(path);
    match open(path) {
        Err(error) if is_obstructed(&error) => discard(path),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether the file is still the one at this path, and not one that went with its mirror.
fn has_name(file: &File, path: &Path) -> bool {
    let same = |held: fs::Metadata, named: fs::Metadata| (held.dev(), held.ino()) == (named.dev(), named.ino());
    file.metadata().and_then(|held| Ok(same(held, fs::symlink_metadata(path)?))).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_whose_file_went_is_not_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let first = Lock::try_acquire(&path).unwrap().unwrap();
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        let late = File::open(&path).unwrap();
        first.remove().unwrap();
        assert!(!has_name(&late, &path));
        assert!(Lock::try_acquire(&path).unwrap().is_some());
    }

    #[test]
    fn use_is_noted_at_most_once_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let lock = Lock::try_acquire(&path).unwrap().unwrap();
        let start = lock.last_use().unwrap();
        let check = |seconds: u64, noted: u64| {
            note_use_of(&path, start + Duration::from_secs(seconds)).unwrap();
            assert_eq!(lock.last_use().unwrap(), start + Duration::from_secs(noted));
        };
        check(3_599, 0);
        check(3_601, 3_601);
        check(4_000, 3_601);
        check(100, 100);
    }
}
