//! Mirrors: one bare repository for each (connection, repository) under a folder of our own, shared by the links of
//! that repository and holding single commits at depth 1.
//!
//! What holds at any time, a `kill -9` in between included:
//! - A mirror is made beside its place and renamed into it, so what has the name is whole.
//! - One process at a time has a mirror open (`flock`); who opens it removes what a killed one left.
//! - A commit counts as held only when `suitesync.json` names it, which is written after its pack was indexed and
//!   every tree and blob of it was found; a pack without that is only a waste of space.
//! - A mirror is a cache: one that is damaged or not ours is thrown away and made anew, and the reason is told.
//!
//! libgit2 is the object database only. [`Mirrors::open`] and [`Mirror::fetch`] are async and do their blocking work
//! on blocking threads; [`Mirror::snapshot`] and [`Mirror::read_blob`] block and are to be called on such a thread.
//! Pruning, repacking and the disk budget are not here.

mod fault;
mod folder;
mod lock;
mod shallow;
mod sink;
mod state;
mod store;
mod tree;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use suitesync_contract::{ConnectionName, DelegateName, Failure, FailureClass, ObjectId, RepoUrl, TreeEntry};
use tokio_util::sync::CancellationToken;

use crate::cancel::{canceled, unless_canceled};
use crate::limits::Limits;
use crate::place::Place;
use crate::protocol_v2::FetchRequest;
use crate::remote::Remote;

use fault::{Fault, blocking};
use folder::Folder;
use lock::Lock;
use sink::Sink;
use state::State;
use store::Store;

/// Held commits offered to the server on an update: the newest ones share the most with what is wanted.
const MAX_HAVES: usize = 32;

/// Room for what surrounds a small pack.
const FRAMING_BYTES: u64 = 1 << 20;

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
    rebuilt: Option<String>,
    /// Opened when first read from, and again after new packs came.
    store: OnceLock<Mutex<Store>>,
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
        let ready = blocking(move || {
            let ready = inside.prepare();
            drop(held);
            ready
        });
        let (state, rebuilt) = unless_canceled(cancel, ready).await?.map_err(|fault| fault.failure(&place))?;
        Ok(Mirror { folder, lock, place, limits: self.limits, state, rebuilt, store: OnceLock::new() })
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

    /// Brings in the commits that are not held yet, each with its whole tree and without its parents. With the held
    /// ones at hand only what differs is sent. A mirror that turns out to be damaged is made anew.
    ///
    /// A canceled fetch leaves nothing behind.
    pub async fn fetch(
        &mut self,
        remote: &Remote,
        wants: &[ObjectId],
        progress: &mut (dyn FnMut(FetchProgress) + Send),
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let held: Vec<_> = wants.iter().copied().filter(|want| self.state.holds(*want)).collect();
        if let Some(damage) = self.damage(&held, cancel).await? {
            self.rebuild(damage).await?;
        }
        let lacking = self.lacking(wants);
        if lacking.is_empty() {
            return Ok(());
        }
        let update = FetchRequest { wants: lacking.clone(), tips: self.state.newest(MAX_HAVES) };
        let mut received = self.receive(remote, &update, progress, cancel).await?;
        if matches!(received, Received::Refused(_)) && !update.tips.is_empty() {
            // An update is made of differences to what is here: if that cannot be read, it takes everything.
            let whole = FetchRequest { tips: Vec::new(), ..update };
            received = self.receive(remote, &whole, progress, cancel).await?;
        }
        received.stored()?;
        if let Some(damage) = self.damage(&lacking, cancel).await? {
            self.rebuild(damage).await?;
            let whole = FetchRequest { wants: self.lacking(wants), tips: Vec::new() };
            self.receive(remote, &whole, progress, cancel).await?.stored()?;
            if let Some(damage) = self.damage(wants, cancel).await? {
                let cause = format!("what the server sent is incomplete: {damage}");
                return Err(self.place.repository_failure(FailureClass::RepositoryCorrupt, "fetch", cause));
            }
        }
        let lacking = self.lacking(wants);
        self.record(lacking).await
    }

    /// Makes sure that the content of `blobs` can be read. Fetches bring all of it, so a missing one is damage.
    pub async fn ensure_blobs(&mut self, blobs: &[ObjectId]) -> Result<(), Failure> {
        let (folder, blobs) = (Arc::clone(&self.folder), blobs.to_vec());
        let checked = blocking(move || {
            let store = Store::open(folder.path())?;
            blobs.iter().try_for_each(|blob| store.expect_present(*blob))
        });
        checked.await.map_err(|fault| self.reported(fault))
    }

    /// Everything that the commit's tree holds, in Git's order, a directory before what it holds. Blocks.
    pub fn snapshot(&self, commit: ObjectId) -> Result<Vec<TreeEntry>, Failure> {
        let snapshot = self.store().and_then(|store| store.snapshot(commit, &self.limits));
        snapshot.map_err(|fault| self.reported(fault))
    }

    /// The content of a blob of at most `max` bytes; the size is looked at before anything is read. Blocks.
    pub fn read_blob(&self, id: ObjectId, max: u64) -> Result<BlobContent, Failure> {
        let content = self.store().and_then(|store| store.read_blob(id, max));
        content.map_err(|fault| self.reported(fault))
    }

    fn store(&self) -> Result<MutexGuard<'_, Store>, Fault> {
        let store = match self.store.get() {
            Some(store) => store,
            None => {
                let store = Store::open(self.folder.path())?;
                self.store.get_or_init(|| Mutex::new(store))
            }
        };
        Ok(store.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A fault as a failure; a damaged mirror is marked, so that the next one to open it makes it anew.
    fn reported(&self, fault: Fault) -> Failure {
        if let Fault::Damaged(reason) = &fault {
            self.folder.condemn(reason);
        }
        fault.failure(&self.place)
    }

    fn lacking(&self, wants: &[ObjectId]) -> Vec<ObjectId> {
        let mut lacking: Vec<_> = wants.iter().copied().filter(|want| !self.state.holds(*want)).collect();
        lacking.sort_unstable();
        lacking.dedup();
        lacking
    }

    /// What is wrong with the trees of `commits`, if anything.
    async fn damage(&self, commits: &[ObjectId], cancel: &CancellationToken) -> Result<Option<String>, Failure> {
        if commits.is_empty() {
            return Ok(None);
        }
        let (folder, limits, commits) = (Arc::clone(&self.folder), self.limits, commits.to_vec());
        let checked = blocking(move || {
            let store = Store::open(folder.path())?;
            commits.iter().try_for_each(|commit| store.verify(*commit, &limits))
        });
        match unless_canceled(cancel, checked).await? {
            Ok(()) => Ok(None),
            Err(Fault::Damaged(reason)) => Ok(Some(reason)),
            Err(other) => Err(other.failure(&self.place)),
        }
    }

    async fn rebuild(&mut self, reason: String) -> Result<(), Failure> {
        self.store.take();
        let (folder, lock) = (Arc::clone(&self.folder), Arc::clone(&self.lock));
        let made = blocking(move || {
            let made = folder.replace();
            drop(lock);
            made
        });
        self.state = made.await.map_err(|fault| fault.failure(&self.place))?;
        self.rebuilt = Some(reason);
        Ok(())
    }

    /// Streams a pack into the object database.
    async fn receive(
        &mut self,
        remote: &Remote,
        asked: &FetchRequest,
        progress: &mut (dyn FnMut(FetchProgress) + Send),
        cancel: &CancellationToken,
    ) -> Result<Received, Failure> {
        // What the pack itself may have is counted by the sink: this only ends an answer that is mostly framing.
        let most = self.limits.pack_bytes.saturating_mul(2).saturating_add(FRAMING_BYTES);
        let mut pack = remote.fetch(asked, most, cancel).await?;
        let mut sink = Sink::start(&self.folder, &self.lock, &self.limits, cancel);
        let mut received = FetchProgress::default();
        let fed = loop {
            match pack.chunk().await {
                Ok(Some(bytes)) => {
                    received.received_bytes += bytes.len() as u64;
                    progress(received);
                    if !sink.push(bytes).await {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(failure) => break Err(failure),
            }
        };
        if let Err(failure) = fed {
            sink.abandon().await;
            return Err(failure);
        }
        let stored = sink.finish().await;
        if cancel.is_cancelled() {
            return Err(canceled());
        }
        match stored {
            Ok(()) => {}
            Err(refused @ Fault::NoPack(_)) => return Ok(Received::Refused(refused.failure(&self.place))),
            Err(other) => return Err(other.failure(&self.place)),
        }
        self.store.take();
        shallow::update(self.folder.path(), pack.shallow()).map_err(|fault| fault.failure(&self.place))?;
        Ok(Received::Stored)
    }

    async fn record(&mut self, commits: Vec<ObjectId>) -> Result<(), Failure> {
        let state = self.state.with(commits);
        let (folder, written) = (Arc::clone(&self.folder), state.clone());
        blocking(move || written.write(folder.path())).await.map_err(|fault| fault.failure(&self.place))?;
        self.state = state;
        Ok(())
    }
}

/// What became of a pack that came whole.
enum Received {
    Stored,
    /// It is no pack, or rests on objects that cannot be read here.
    Refused(Failure),
}

impl Received {
    fn stored(self) -> Result<(), Failure> {
        match self {
            Self::Stored => Ok(()),
            Self::Refused(failure) => Err(failure),
        }
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mirror").field("path", &self.path()).field("rebuilt", &self.rebuilt).finish_non_exhaustive()
    }
}
