//! The entries of a Git tree, as the Git delegate lists them and as test discovery reads them.

use crate::ObjectId;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TreeEntryKind {
    /// A regular file, executable or not.
    File,
    Directory,
    Symlink,
    Submodule,
}

/// One entry with its whole path from the top of the repository: `/`-separated, exact bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    pub path: Vec<u8>,
    pub id: ObjectId,
    pub kind: TreeEntryKind,
}
