//! One mirror is open once at a time, across processes: `flock` on a file beside it, which the kernel lets go with
//! the process however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::fault::Fault;
use super::folder::Folder;

/// How often a taken lock is tried again; `flock` itself could not be canceled while it waits.
const TRY_EVERY: Duration = Duration::from_millis(50);
const PRIVATE: u32 = 0o600;

/// Held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) async fn acquire(folder: &Folder, cancel: &CancellationToken) -> Result<Self, Fault> {
        folder.make_parent()?;
        let path = folder.lock_path();
        let file = OpenOptions::new().create(true).write(true).truncate(false).mode(PRIVATE).open(&path);
        let file = file.map_err(|error| Fault::io("open the lock", &path, &error))?;
        loop {
            if cancel.is_cancelled() {
                return Err(Fault::Canceled);
            }
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(Fault::io("lock", &path, &error)),
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(TRY_EVERY) => {}
            }
        }
    }
}
