//! Where the objects of a commit are read from: a mirror, or a repository of this host as it lies there.

use std::sync::Arc;

use suitesync_contract::{Failure, ObjectId, TreeEntry};
use suitesync_git::{BlobContent, LocalRepository, Mirror};

pub(super) enum Objects<'a> {
    Mirrored(&'a mut Mirror),
    Local(&'a LocalRepository),
}

impl Objects<'_> {
    /// Blocks.
    pub(super) fn snapshot(&self, commit: ObjectId) -> Result<Arc<[TreeEntry]>, Failure> {
        match self {
            Self::Mirrored(mirror) => mirror.snapshot(commit),
            Self::Local(repository) => repository.snapshot(commit),
        }
    }

    /// Blocks.
    pub(super) fn read_blob(&self, id: ObjectId, max: u64) -> Result<BlobContent, Failure> {
        match self {
            Self::Mirrored(mirror) => mirror.read_blob(id, max),
            Self::Local(repository) => repository.read_blob(id, max),
        }
    }

    /// Whether blobs have to be brought in before they are read.
    pub(super) fn may_lack_blobs(&self) -> bool {
        match self {
            Self::Mirrored(mirror) => mirror.is_partial(),
            Self::Local(_) => false,
        }
    }

    /// Brings in what a mirror left out so far.
    pub(super) async fn ensure_blobs(&mut self, blobs: &[ObjectId]) -> Result<(), Failure> {
        match self {
            Self::Mirrored(mirror) => mirror.ensure_blobs(blobs).await,
            Self::Local(_) => Ok(()),
        }
    }
}
