//! What can be wrong with a mirror, and how it is told.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use suitesync_contract::{Failure, FailureClass, ObjectId};
use suitesync_reach::{Place, shown};

/// Less than this and a disk counts as full: a pack is written in pieces of at most some 64 KiB.
const FULL_BELOW: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The mirror lacks or cannot read what it should hold.
    #[error("{0}")]
    Damaged(String),
    /// The repository holds what is refused, on the server as well.
    #[error("{0}")]
    Refused(String),
    /// The repository is beyond a limit.
    #[error("{0}")]
    TooLarge(String),
    #[error("object {0} is no commit")]
    NoCommit(ObjectId),
    /// The server sent what is no pack.
    #[error("what it sent cannot be stored: {0}")]
    NoPack(String),
    /// A blob that a partial mirror was never asked to get.
    #[error("blob {0} was not fetched")]
    NotFetched(ObjectId),
    #[error("the disk is full")]
    DiskFull,
    /// What lies in this folder is not ours to use.
    #[error("{message}")]
    Denied { message: String, folder: PathBuf },
    #[error("{0}")]
    Local(String),
    #[error("the task was canceled")]
    Canceled,
}

impl Fault {
    /// An error of the file system.
    pub(crate) fn io(verb: &str, path: &Path, error: &io::Error) -> Self {
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return Self::DiskFull;
        }
        if error.kind() == io::ErrorKind::PermissionDenied {
            return Self::denied(verb, path, error);
        }
        Self::Local(format!("failed to {verb} {}: {error}", path.display()))
    }

    /// Something cannot be done for want of permission in the folder that it lies in.
    pub(crate) fn denied(verb: &str, path: &Path, cause: impl Display) -> Self {
        let message = format!("failed to {verb} {}: {cause}", path.display());
        Self::Denied { message, folder: path.parent().unwrap_or(path).to_owned() }
    }

    /// An error of libgit2 on writing. It keeps no error number, so a full disk is told by looking at the disk.
    pub(crate) fn writing(folder: &Path, error: &git2::Error) -> Self {
        if is_full(folder) {
            return Self::DiskFull;
        }
        let message = shown(error.message().as_bytes());
        let of_this_host =
            matches!(error.class(), git2::ErrorClass::Os | git2::ErrorClass::Filesystem | git2::ErrorClass::NoMemory);
        if of_this_host { Self::Local(message) } else { Self::NoPack(message) }
    }

    pub(crate) fn failure(&self, place: &Place) -> Failure {
        let class = match self {
            Self::Damaged(_) | Self::Refused(_) | Self::TooLarge(_) => FailureClass::RepositoryCorrupt,
            Self::NoCommit(_) => FailureClass::RefNotFound,
            Self::NoPack(_) => FailureClass::Protocol,
            Self::DiskFull => FailureClass::DiskFull,
            Self::NotFetched(_) | Self::Denied { .. } | Self::Local(_) => FailureClass::Internal,
            Self::Canceled => return suitesync_reach::canceled(),
        };
        let failure = place.repository_failure(class, "mirror", self);
        match self {
            Self::Damaged(_) => {
                failure.with_hint("nothing: the mirror is thrown away and fetched anew on the next sync")
            }
            Self::TooLarge(_) => failure.with_hint("keep the tests in a smaller repository"),
            Self::Refused(_) => {
                failure.with_hint("remove the entry from the repository; `git fsck` there names it too")
            }
            Self::Denied { folder, .. } => {
                let (folder, user) = (folder.display(), rustix::process::geteuid().as_raw());
                failure.with_hint(format!("make {folder} the agent's own: `chown -R {user} {folder}`"))
            }
            Self::NoCommit(_)
            | Self::NoPack(_)
            | Self::NotFetched(_)
            | Self::DiskFull
            | Self::Local(_)
            | Self::Canceled => failure,
        }
    }
}

/// Runs blocking work on a thread for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_cancelled() => Err(Fault::Canceled),
        Err(error) => Err(Fault::Local(format!("work on the mirror broke off: {error}"))),
    }
}

fn is_full(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < FULL_BELOW)
}
