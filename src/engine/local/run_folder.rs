//! Where a delegate executes its runs: each process that does so has a seat, and each run a folder in it. A process with
//! other settings begins while the one before still ends its runs, so there may be several; what lies in a seat that
//! nobody holds is what a killed one left.
//!
//! `runs/DELEGATE/SEAT/RUN.FENCE/` has the `marker` by which the run's processes are found, its `log`, its `checkout`,
//! and a `home` and a `tmp` of its own. It goes away with the run, the seat with its process.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use suitesync_contract::RunTask;
use suitesync_runner::{RunMarker, sweep};
use tempfile::TempDir;

/// For another process that looks which seats are taken: a moment.
const LOCK_LIMIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Between SIGTERM and SIGKILL for what a killed delegate left.
const SWEEP_GRACE: Duration = Duration::from_secs(5);

/// Only the service's own user looks into runs.
const PRIVATE: u32 = 0o700;
const LOCK: &str = "lock";
const MARKER: &str = "marker";

/// The seat of this process among a delegate's runs.
#[derive(Debug)]
pub(super) struct RunFolder {
    seat: TempDir,
    /// Part of the ids of the runs in it, which no other seat's have.
    mark: String,
    /// Says that the seat is taken.
    _lock: File,
}

/// A seat whose process is gone. It is held, so that only one looks after it.
struct Abandoned {
    path: PathBuf,
    _lock: File,
}

/// The folder of one run.
#[derive(Debug)]
pub(super) struct RunPlace {
    path: PathBuf,
    /// Marks the run's processes on this host.
    pub(super) id: String,
}

/// Why a folder cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("failed to {verb} {}: {source}", path.display())]
pub(super) struct RunFolderError {
    verb: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl RunFolderError {
    fn new(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { verb, path, source }
    }

    pub(super) fn is_full_disk(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

impl RunFolder {
    /// Takes a seat below `path`, and ends what is left of runs in seats that nobody holds. Blocks.
    pub(super) fn take(path: &Path) -> Result<Self, RunFolderError> {
        let made = DirBuilder::new().recursive(true).mode(PRIVATE).create(path);
        made.map_err(RunFolderError::new("make the folder", path))?;
        let path = path.canonicalize().map_err(RunFolderError::new("find the folder", path))?;
        let gate = wait_for_lock(&path.join(LOCK)).map_err(RunFolderError::new("lock", &path))?;
        let abandoned: Vec<_> = folders(&path).into_iter().filter_map(Abandoned::claim).collect();
        let seat = tempfile::Builder::new().prefix("").tempdir_in(&path);
        let seat = seat.map_err(RunFolderError::new("make a folder in", &path))?;
        let lock = wait_for_lock(&seat.path().join(LOCK)).map_err(RunFolderError::new("lock", seat.path()))?;
        drop(gate);
        abandoned.iter().for_each(Abandoned::clear);
        let digest = Sha256::digest(seat.path().as_os_str().as_encoded_bytes());
        Ok(Self { mark: hex::encode(digest.get(..4).unwrap_or_default()), seat, _lock: lock })
    }

    /// Makes the folder of a run.
    pub(super) fn place(&self, task: &RunTask) -> Result<RunPlace, RunFolderError> {
        let name = format!("{}.{}", task.run, task.fence);
        let place = RunPlace { path: self.seat.path().join(&name), id: format!("{name}.{}", self.mark) };
        for folder in [place.path.clone(), place.checkout(), place.home(), place.temporary()] {
            let made = DirBuilder::new().mode(PRIVATE).create(&folder);
            made.map_err(RunFolderError::new("make the folder", &folder))?;
        }
        let marker = RunMarker::new(&place.id).map_err(RunFolderError::new("mark", &place.path))?;
        place.mark(&marker).map_err(RunFolderError::new("mark", &place.path))?;
        Ok(place)
    }
}

impl RunPlace {
    pub(super) fn checkout(&self) -> PathBuf {
        self.path.join("checkout")
    }

    /// Where a folder of the repository lies; empty for its top.
    pub(super) fn root(&self, folder: &str) -> PathBuf {
        match folder.trim_matches('/') {
            "" => self.checkout(),
            folder => self.checkout().join(folder),
        }
    }

    pub(super) fn home(&self) -> PathBuf {
        self.path.join("home")
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.path.join("tmp")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Writes down by what the run's processes are found.
    pub(super) fn mark(&self, marker: &RunMarker) -> io::Result<()> {
        let (path, beside) = (self.path.join(MARKER), self.path.join("marker.new"));
        fs::write(&beside, serde_json::to_vec(marker)?)?;
        fs::rename(beside, path)
    }

    /// Takes the folder away, with whatever the run left in it. Blocks.
    pub(super) fn remove(self) {
        discard(&self.path);
    }
}

impl Abandoned {
    /// The seat, if nobody holds it.
    fn claim(path: PathBuf) -> Option<Self> {
        let lock = open_lock(&path.join(LOCK)).ok()?;
        lock.try_lock().ok()?;
        Some(Self { path, _lock: lock })
    }

    fn clear(&self) {
        folders(&self.path).iter().for_each(|place| clear(place));
        discard(&self.path);
    }
}

/// Whether there are runs in any seat: a killed process left them, if none holds it.
pub(super) fn has_left(path: &Path) -> bool {
    folders(path).iter().any(|seat| !folders(seat).is_empty())
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}

/// Ends what is left of a run, then takes its folder away. One without a marker has started nothing.
fn clear(place: &Path) {
    let marker = fs::read(place.join(MARKER)).ok();
    if let Some(marker) = marker.and_then(|marker| serde_json::from_slice::<RunMarker>(&marker).ok()) {
        let swept = sweep(&marker, SWEEP_GRACE);
        let (stopped, remaining) = (swept.stopped.len(), swept.remaining.len());
        tracing::warn!(run = %marker.run, stopped, remaining, "a run that a killed delegate left was ended");
    }
    discard(place);
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(path)
}

fn wait_for_lock(path: &Path) -> io::Result<File> {
    let file = open_lock(path)?;
    let deadline = Instant::now() + LOCK_LIMIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOOK_EVERY),
            Err(fs::TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process does not let go of it"));
            }
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Removes a folder that tests may have closed to its owner.
fn discard(path: &Path) {
    let removed = fs::remove_dir_all(path).or_else(|error| {
        if error.kind() != io::ErrorKind::PermissionDenied {
            return Err(error);
        }
        open_up(path);
        fs::remove_dir_all(path)
    });
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(folder = %path.display(), %error, "failed to remove the folder of a run");
        }
        Ok(()) | Err(_) => {}
    }
}

/// Gives the owner all rights to the folders below; links are not followed.
fn open_up(path: &Path) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    if !metadata.is_dir() {
        return;
    }
    if metadata.mode() & PRIVATE != PRIVATE {
        // What cannot be changed shows by what cannot be removed.
        let _ = fs::set_permissions(path, Permissions::from_mode(PRIVATE));
    }
    let Ok(entries) = fs::read_dir(path) else { return };
    entries.flatten().for_each(|entry| open_up(&entry.path()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(run: u64) -> RunTask {
        RunTask {
            run: suitesync_contract::RunId(run),
            fence: 1,
            link: "shop".parse().unwrap(),
            commit: suitesync_contract::ObjectId::from_bytes([1; 20]),
            root: String::new(),
            suite: "Smoke".to_owned(),
            command: Vec::new(),
            environment: Default::default(),
            results: Vec::new(),
            timeout_ms: 1,
        }
    }

    #[test]
    fn what_a_killed_process_left_is_gone_once_another_takes_a_seat() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs");
        assert!(!has_left(&path));
        let closed = path.join("killed/1.1/checkout/closed");
        fs::create_dir_all(&closed).unwrap();
        fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
        assert!(has_left(&path));
        let seat = RunFolder::take(&path).unwrap();
        assert_eq!(folders(&path), [seat.seat.path().canonicalize().unwrap()]);
    }

    #[test]
    fn a_process_that_ends_its_runs_keeps_its_seat_beside_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let before = RunFolder::take(folder.path()).unwrap();
        let under_way = before.place(&task(1)).unwrap();
        let after = RunFolder::take(folder.path()).unwrap();
        let again = after.place(&task(1)).unwrap();
        assert!(under_way.checkout().is_dir() && again.checkout().is_dir());
        assert_ne!(under_way.id, again.id);
        drop(before);
        assert_eq!(folders(folder.path()).len(), 1);
    }

    #[test]
    fn runs_of_another_folder_have_other_ids() {
        let folder = tempfile::tempdir().unwrap();
        let id = |name| RunFolder::take(&folder.path().join(name)).unwrap().place(&task(1)).unwrap().id;
        let (a, b) = (id("a"), id("b"));
        assert!(a != b && a.starts_with("1.1.") && b.starts_with("1.1."), "{a} {b}");
    }

    #[test]
    fn the_root_at_the_top_has_no_slash_at_its_end() {
        let place = RunPlace { path: PathBuf::from("/runs/1.1"), id: String::new() };
        let check = |folder: &str, expect: &str| assert_eq!(place.root(folder).as_os_str(), expect, "{folder}");
        check("", "/runs/1.1/checkout");
        check("/", "/runs/1.1/checkout");
        check("tests/ui/", "/runs/1.1/checkout/tests/ui");
    }

    #[test]
    fn a_run_is_placed_once() {
        let folder = tempfile::tempdir().unwrap();
        let runs = RunFolder::take(folder.path()).unwrap();
        let place = runs.place(&task(1)).unwrap();
        assert!(runs.place(&task(1)).unwrap_err().to_string().starts_with("failed to make the folder"));
        place.remove();
        runs.place(&task(1)).unwrap();
    }
}
