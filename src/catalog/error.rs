//! What can go wrong with the store, and what is told of it.

use std::error::Error;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use suitesync_contract::{Failure, FailureClass};

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("failed to open the catalog {}", path.display())]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("failed to bring the catalog {} to this version", path.display())]
    Migrate { path: PathBuf, source: Box<refinery::Error> },
    #[error("failed to keep a copy of the catalog as {}", path.display())]
    Copy { path: PathBuf, source: std::io::Error },
    #[error("the catalog {} was written by a newer suitesync (version {found}, this one knows {known}); install that version again", path.display())]
    Newer { path: PathBuf, found: i32, known: i32 },
    #[error("failed to use the catalog {}: the disk is full", path.display())]
    DiskFull { path: PathBuf },
    #[error("failed to use the catalog")]
    Sqlite(#[from] rusqlite::Error),
    #[error("failed to read a field of the catalog")]
    Content(#[from] serde_json::Error),
    #[error("the catalog is closed")]
    Closed,
}

impl CatalogError {
    /// What the store itself said, for people.
    pub fn cause(&self) -> String {
        if self.full_disk().is_some() {
            return "the disk is full".to_owned();
        }
        self.source().map_or_else(|| self.to_string(), ToString::to_string)
    }

    /// The folder where room lacks, if that is what lacks.
    pub fn full_disk(&self) -> Option<&Path> {
        match self {
            Self::DiskFull { path } => path.parent(),
            Self::Open { .. }
            | Self::Migrate { .. }
            | Self::Copy { .. }
            | Self::Newer { .. }
            | Self::Sqlite(_)
            | Self::Content(_)
            | Self::Closed => None,
        }
    }

    /// The same, told as a full disk where the store at `path` says that it is one.
    pub(super) fn at(self, path: &Path) -> Self {
        let is_full = std::iter::successors(self.source(), |&cause| cause.source())
            .filter_map(|cause| cause.downcast_ref::<rusqlite::Error>())
            .any(|cause| cause.sqlite_error_code() == Some(ErrorCode::DiskFull));
        if is_full { Self::DiskFull { path: path.to_owned() } } else { self }
    }

    /// What is told of a write of the store at `path` that ended so.
    pub fn failure(&self, path: &Path) -> Failure {
        let folder = path.parent().unwrap_or(path).display();
        let (class, hint) = if self.full_disk().is_some() {
            (FailureClass::DiskFull, format!("make room in {folder}"))
        } else {
            (FailureClass::Internal, format!("see that {folder} has room and can be written"))
        };
        Failure::new(class, format!("failed to write the catalog: {}", self.cause())).with_hint(hint)
    }
}
