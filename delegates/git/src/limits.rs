//! How much a server may send: the numbers that keep a lying one to its own link.

/// Size limits of one repository's mirror. What is beyond them is refused with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one pack, as sent.
    pub pack_bytes: u64,
    /// Objects of one pack, as its header says.
    pub pack_objects: u32,
    /// Bytes of the base, the instructions and the result of one delta: all of them are held in memory at once.
    pub delta_bytes: u64,
    /// Files and directories of one commit.
    pub tree_entries: usize,
    /// Directories within directories.
    pub tree_depth: usize,
    /// Bytes of one path from the top of the repository.
    pub path_bytes: usize,
    /// Bytes of all paths of one commit together.
    pub paths_bytes: usize,
    /// Bytes of one file that is checked out; while it is written it is held in memory, for a moment twice.
    pub file_bytes: u64,
    /// Bytes of all files of one checkout.
    pub checkout_bytes: u64,
}

impl Limits {
    /// Providers advise to stay below 10 GB with the whole history; one commit's files are far less.
    pub const PACK_BYTES: u64 = 4 << 30;
    /// The index of a pack takes about 60 bytes of memory an object while it is made.
    pub const PACK_OBJECTS: u32 = 20_000_000;
    /// Git makes no deltas of larger objects (`core.bigFileThreshold`).
    pub const DELTA_BYTES: u64 = 512 << 20;
    /// Some ten times the largest public repositories.
    pub const TREE_ENTRIES: usize = 1_000_000;
    /// Deeper than any checkout that a file system takes.
    pub const TREE_DEPTH: usize = 100;
    /// `PATH_MAX` of Linux.
    pub const PATH_BYTES: usize = 4096;
    /// Bounds the memory of a listing whatever the shape of the tree.
    pub const PATHS_BYTES: usize = 256 << 20;
    /// Providers refuse larger ones, or ask to keep them elsewhere.
    pub const FILE_BYTES: u64 = 512 << 20;
    /// As the largest pack, unpacked.
    pub const CHECKOUT_BYTES: u64 = 8 << 30;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pack_bytes: Self::PACK_BYTES,
            pack_objects: Self::PACK_OBJECTS,
            delta_bytes: Self::DELTA_BYTES,
            tree_entries: Self::TREE_ENTRIES,
            tree_depth: Self::TREE_DEPTH,
            path_bytes: Self::PATH_BYTES,
            paths_bytes: Self::PATHS_BYTES,
            file_bytes: Self::FILE_BYTES,
            checkout_bytes: Self::CHECKOUT_BYTES,
        }
    }
}
