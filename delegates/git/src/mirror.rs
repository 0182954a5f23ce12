//! Mirrors: one bare repository for each (connection, repository) under a folder of our own, shared by the links of
//! that repository and holding single commits at depth 1.
//!
//! What holds at any time, a `kill -9` in between included:
//! - A mirror is made beside its place and renamed into it, so what has the name is whole.
//! - One process at a time has a mirror open (`flock`); who opens it removes what a killed one left.
//! - A commit counts as held only when `suitesync.json` names it, which is written after its pack was indexed and
//!   every tree of it was found, and every blob where the mirror is whole; a pack without that is a waste of space.
//! - A mirror of a server that sends parts lacks blobs that nobody needed; its own configuration says so (`extent`).
//! - A mirror is a cache: one that is damaged or not ours is thrown away and made anew, and the reason is told.
//!   What is not ours to remove is moved away and left (`paths`).
//! - Nothing is taken out of a mirror: one that has grown too much is fetched anew beside and swapped (`usage`, `swap`).
//!
//! libgit2 is the object database only. [`Mirrors::open`], [`Mirror::fetch`], [`Mirror::ensure_blobs`] and the steps of a
//! `checkout` are async and do their blocking work on blocking threads; [`Mirror::snapshot`] and [`Mirror::read_blob`] block and are to be called
//! on such a thread.
//! [`Mirrors::care`] removes what nobody uses and holds the disk budget; it blocks.

mod access;
mod apart;
mod care;
mod checkout;
mod delta_guard;
mod extent;
mod fault;
mod fetch;
mod folder;
mod heal;
mod lock;
mod name;
mod paths;
mod shallow;
mod sink;
mod state;
mod store;
mod swap;
mod tree;
mod usage;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use suitesync_contract::{ConnectionName, DelegateName, Failure, ObjectId, RepoUrl, TreeEntry};
use suitesync_reach::{Place, unless_canceled};
use tokio_util::sync::CancellationToken;

use crate::limits::Limits;

use fault::blocking;
use fetch::Promisor;
use folder::Folder;
use lock::Lock;
use state::State;

pub(crate) use extent::Extent;
pub(crate) use fault::Fault;
pub(crate) use store::SharedStore;

pub use care::{CareError, CarePolicy, CareReport, RemovalReason, RemovedMirror};
pub use name::MirrorKey;

/// Held commits offered to the server on an update: the newest ones share the most with what is wanted.
const MAX_HAVES: usize = 32;

/// The mirrors of a process.
#[derive(Debug, Clone)]
pub struct Mirrors {
    folder: PathBuf,
    delegate: DelegateName,
    limits: Limits,
}

/// One repository's mirror, locked against others while this value lives.
pub struct Mirror {
    folder: Arc<Folder>,
    lock: Arc<Lock>,
    place: Place,
    limits: Limits,
    state: State,
    extent: Extent,
    /// Where what is lacking can be had.
    promisor: Option<Promisor>,
    rebuilt: Option<String>,
    /// Commits that come along when it is fetched anew; unless they are known, it is not.
    kept: Option<Vec<ObjectId>>,
    store: SharedStore,
    /// What the commits hold that were walked to see whether they are whole: to walk them again costs as much.
    walked: HashMap<ObjectId, Arc<[TreeEntry]>>,
}

/// How far a fetch has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FetchProgress {
    /// Bytes of the pack so far.
    pub received_bytes: u64,
}

/// A blob, unless it is larger than what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobContent {
    Bytes(Vec<u8>),
    /// Its size; nothing of it was read.
    TooLarge(u64),
}

impl Mirrors {
    /// Mirrors below `folder`, which is made, for nobody else to read, when the first one is opened.
    pub fn new(folder: impl Into<PathBuf>, delegate: DelegateName) -> Self {
        Self { folder: folder.into(), delegate, limits: Limits::default() }
    }

    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Opens the mirror of a repository, made or healed where needed; waits while someone else has it open.
    pub async fn open(
        &self,
        connection: &ConnectionName,
        url: &RepoUrl,
        cancel: &CancellationToken,
    ) -> Result<Mirror, Failure> {
        let place = Place::new(url, &self.delegate);
        let folder = Arc::new(Folder::new(&self.folder, connection, url));
        let lock = Lock::acquire(&folder, cancel).await.map_err(|fault| fault.failure(&place))?;
        let lock = Arc::new(lock);
        let (inside, held) = (Arc::clone(&folder), Arc::clone(&lock));
        let (limits, store) = (self.limits, SharedStore::default());
        let opened = store.clone();
        let ready = blocking(move || {
            let ready = inside.prepare(&opened).and_then(|ready| Ok((ready, Extent::declared(inside.path())?)));
            drop(held);
            ready
        });
        let ((state, rebuilt), extent) =
            unless_canceled(cancel, ready).await?.map_err(|fault| fault.failure(&place))?;
        Ok(Mirror {
            folder,
            lock,
            place,
            limits,
            state,
            extent,
            promisor: None,
            rebuilt,
            kept: None,
            store,
            walked: HashMap::new(),
        })
    }
}

impl Mirror {
    /// The bare repository.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Why the mirror had to be made anew, if it had.
    pub fn rebuilt(&self) -> Option<&str> {
        self.rebuilt.as_deref()
    }

    /// Whether it lacks blobs that nobody asked for: [`Mirror::ensure_blobs`] brings them in.
    pub fn is_partial(&self) -> bool {
        self.extent == Extent::Blobless
    }

    /// Everything that the commit's tree holds, in Git's order, a directory before what it holds. Blocks.
    pub fn snapshot(&self, commit: ObjectId) -> Result<Arc<[TreeEntry]>, Failure> {
        if let Some(entries) = self.walked.get(&commit) {
            return Ok(Arc::clone(entries));
        }
        let snapshot = self.store.read(self.path(), |store| store.snapshot(commit, &self.limits));
        snapshot.map_err(|fault| self.reported(fault))
    }

    /// The content of a blob of at most `max` bytes; the size is looked at before anything is read. Only what was asked
    /// of [`Mirror::ensure_blobs`] is sure to be here. Blocks.
    pub fn read_blob(&self, id: ObjectId, max: u64) -> Result<BlobContent, Failure> {
        let content = self.store.read(self.path(), |store| store.read_blob(id, max, self.extent));
        content.map_err(|fault| self.reported(fault))
    }

    /// A fault as a failure; a damaged mirror is marked, so that the next one to open it makes it anew.
    fn reported(&self, fault: Fault) -> Failure {
        if let Fault::Damaged(reason) = &fault {
            self.folder.condemn(reason);
        }
        fault.failure(&self.place)
    }

    async fn rebuild(&mut self, reason: String) -> Result<(), Failure> {
        self.store.close();
        self.walked.clear();
        let (folder, lock) = (Arc::clone(&self.folder), Arc::clone(&self.lock));
        let made = blocking(move || {
            let made = folder.replace();
            drop(lock);
            made
        });
        self.state = made.await.map_err(|fault| fault.failure(&self.place))?;
        self.extent = Extent::Whole;
        self.rebuilt = Some(reason);
        Ok(())
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mirror").field("path", &self.path()).field("rebuilt", &self.rebuilt).finish_non_exhaustive()
    }
}
