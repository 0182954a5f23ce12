//! The object database of a mirror, as libgit2 gives it: commits, trees and blobs by their ids.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use git2::{ErrorCode, ObjectType, OdbLookupFlags, Oid, Repository, RepositoryInitOptions, RepositoryOpenFlags};
use suitesync_contract::{ObjectId, TreeEntry, TreeEntryKind};
use suitesync_reach::shown;

use super::BlobContent;
use super::extent::Extent;
use super::fault::Fault;
use super::tree::{self, Listing, Tree};
use crate::limits::Limits;

/// A commit's message is text; larger ones are made to harm.
const MAX_COMMIT: u64 = 16 << 20;
/// One directory: half a million files with long names.
const MAX_TREE: u64 = 64 << 20;
/// libgit2's setting is the process's.
static HASHED_ONCE: Once = Once::new();
const TREE_LINE: &[u8] = b"tree ";
const HEX_DIGITS: usize = 40;

pub(crate) struct Store {
    repository: Repository,
}

/// The store of one mirror, opened when it is first read from and kept open for all who read after: what libgit2 has
/// learned of the packs serves them, too.
#[derive(Clone, Default)]
pub(crate) struct SharedStore(Arc<Mutex<Option<Store>>>);

impl SharedStore {
    /// Reads from the mirror in `folder`. Blocks.
    pub(crate) fn read<T>(&self, folder: &Path, read: impl FnOnce(&Store) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut held = self.held();
        let store = match held.take() {
            Some(store) => store,
            None => Store::open(folder)?,
        };
        read(held.insert(store))
    }

    /// Looks for packs that came.
    pub(crate) fn refresh(&self) {
        let mut held = self.held();
        if held.as_ref().is_some_and(|store| store.repository.odb().and_then(|odb| odb.refresh()).is_err()) {
            // Opening it again says what is wrong.
            held.take();
        }
    }

    /// Forgets what is open: the folder becomes another mirror.
    pub(crate) fn close(&self) {
        self.held().take();
    }

    fn held(&self) -> MutexGuard<'_, Option<Store>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Makes an empty bare repository in an existing folder, without templates of the host.
    pub(crate) fn create(folder: &Path) -> Result<(), Fault> {
        let mut options = RepositoryInitOptions::new();
        options.bare(true).no_reinit(true).mkdir(false).external_template(false);
        let made = Repository::init_opts(folder, &options).and_then(|repository| {
            // A commit that is recorded as held must survive a power cut as its record does.
            repository.config()?.set_bool("core.fsyncObjectFiles", true)
        });
        made.map_err(|error| Fault::writing(folder, &error))
    }

    pub(crate) fn open(folder: &Path) -> Result<Self, Fault> {
        // A pack's objects are hashed when they come in, and zlib sums are checked at each reading: to hash them at each
        // reading, too, would double what reading costs.
        HASHED_ONCE.call_once(|| git2::opts::strict_hash_verification(false));
        let repository = open_repository(folder).map_err(|error| {
            Fault::Damaged(format!("the repository cannot be opened: {}", shown(error.message().as_bytes())))
        })?;
        Ok(Self { repository })
    }

    /// The commit and its top tree can be read.
    pub(crate) fn expect_readable(&self, commit: ObjectId) -> Result<(), Fault> {
        let tree = self.tree_of(commit)?;
        Tree::parse(tree, &self.read_tree(tree)?).map(drop)
    }

    /// Those of `ids` that are not here.
    pub(crate) fn missing(&self, ids: Vec<ObjectId>) -> Result<Vec<ObjectId>, Fault> {
        let odb = self.repository.odb().map_err(|error| {
            Fault::Damaged(format!("its objects cannot be read: {}", shown(error.message().as_bytes())))
        })?;
        // Looking for new packs at every one that is missing would take longer than all else.
        let here = |oid| odb.exists_ext(oid, OdbLookupFlags::NO_REFRESH);
        let present = |id: &ObjectId| Oid::from_bytes(id.as_bytes()).is_ok_and(here);
        Ok(ids.into_iter().filter(|id| !present(id)).collect())
    }

    /// What the commit holds: every tree of it can be read and, where the mirror is whole, every blob is there.
    /// Nothing where a tree is to be refused, which is not judged here.
    pub(crate) fn verify(
        &self,
        commit: ObjectId,
        extent: Extent,
        limits: &Limits,
    ) -> Result<Option<Arc<[TreeEntry]>>, Fault> {
        let entries = match self.snapshot(commit, limits) {
            Err(Fault::Refused(_) | Fault::TooLarge(_)) => return Ok(None),
            other => other?,
        };
        if extent == Extent::Whole {
            let has_content = |entry: &&TreeEntry| matches!(entry.kind, TreeEntryKind::File | TreeEntryKind::Symlink);
            let blobs = entries.iter().filter(has_content).map(|entry| entry.id).collect();
            if let Some(id) = self.missing(blobs)?.first() {
                return Err(Fault::Damaged(format!("object {id} is missing")));
            }
        }
        Ok(Some(entries))
    }

    pub(crate) fn snapshot(&self, commit: ObjectId, limits: &Limits) -> Result<Arc<[TreeEntry]>, Fault> {
        tree::list(self, self.tree_of(commit)?, limits).map(Arc::from)
    }

    /// Everything below a directory of the commit; nothing where it has no such directory.
    pub(crate) fn listing(&self, commit: ObjectId, directory: &str, limits: &Limits) -> Result<Option<Listing>, Fault> {
        tree::list_below(self, self.tree_of(commit)?, directory, limits)
    }

    pub(crate) fn read_blob(&self, id: ObjectId, max: u64, extent: Extent) -> Result<BlobContent, Fault> {
        match self.read(id, ObjectType::Blob, max) {
            Ok(Content::Bytes(bytes)) => Ok(BlobContent::Bytes(bytes)),
            Ok(Content::TooLarge(size)) => Ok(BlobContent::TooLarge(size)),
            Ok(Content::OtherKind) => Err(Fault::Refused(format!("object {id} is no blob"))),
            Err(_) if extent == Extent::Blobless && !self.missing(vec![id])?.is_empty() => Err(Fault::NotFetched(id)),
            Err(fault) => Err(fault),
        }
    }

    fn tree_of(&self, commit: ObjectId) -> Result<ObjectId, Fault> {
        let bytes = match self.read(commit, ObjectType::Commit, MAX_COMMIT)? {
            Content::Bytes(bytes) => bytes,
            Content::TooLarge(size) => return Err(Fault::TooLarge(format!("commit {commit} has {size} bytes"))),
            Content::OtherKind => return Err(Fault::NoCommit(commit)),
        };
        let digits = bytes.strip_prefix(TREE_LINE).and_then(|rest| rest.get(..HEX_DIGITS));
        let tree = digits.and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| digits.parse().ok());
        tree.ok_or_else(|| Fault::Refused(format!("commit {commit} names no tree")))
    }

    /// The bytes of a tree, not looked into.
    pub(crate) fn read_tree(&self, id: ObjectId) -> Result<Vec<u8>, Fault> {
        match self.read(id, ObjectType::Tree, MAX_TREE)? {
            Content::Bytes(bytes) => Ok(bytes),
            Content::TooLarge(size) => Err(Fault::TooLarge(format!("tree {id} has {size} bytes"))),
            Content::OtherKind => Err(Fault::Refused(format!("object {id} is no tree"))),
        }
    }

    /// The content, after a look at kind and size.
    fn read(&self, id: ObjectId, kind: ObjectType, max: u64) -> Result<Content, Fault> {
        let read = || {
            let oid = Oid::from_bytes(id.as_bytes())?;
            let odb = self.repository.odb()?;
            let (size, found) = odb.read_header(oid)?;
            if found != kind {
                return Ok(Content::OtherKind);
            }
            if size as u64 > max {
                return Ok(Content::TooLarge(size as u64));
            }
            Ok(Content::Bytes(odb.read(oid)?.data().to_vec()))
        };
        read().map_err(|error| damaged(id, &error))
    }
}

enum Content {
    Bytes(Vec<u8>),
    TooLarge(u64),
    OtherKind,
}

/// Opens a bare repository at exactly this place, whatever the environment says.
pub(crate) fn open_repository(folder: &Path) -> Result<Repository, git2::Error> {
    let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::BARE | RepositoryOpenFlags::NO_DOTGIT;
    Repository::open_ext(folder, flags, std::iter::empty::<&OsStr>())
}

fn damaged(id: ObjectId, error: &git2::Error) -> Fault {
    if error.code() == ErrorCode::NotFound {
        return Fault::Damaged(format!("object {id} is missing"));
    }
    Fault::Damaged(format!("object {id} cannot be read: {}", shown(error.message().as_bytes())))
}
