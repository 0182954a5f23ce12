//! The store of what was found and what happened: SQLite, one writer thread, a few read-only connections.
//!
//! A write is a closure over one transaction. What it tells as events is stored in the same transaction, and logged and
//! passed on only once that is committed. Nothing here decides; it records what the domain decided.

pub mod audit;
pub mod columns;
pub mod connection;
pub mod contents;
pub mod delegate;
pub mod delivery;
mod error;
pub mod history;
pub mod import;
pub mod link;
pub mod open;
mod readers;
pub mod results;
pub mod run;
pub mod schedule;
pub mod sync;
mod wanted;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use suitesync_contract::Failure;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::domain::event::Event;
use readers::Readers;

pub use error::CatalogError;

/// Writes that may wait: more means that the disk does not keep up, and the senders have to.
const WAITING_WRITES: usize = 256;

/// Events that a slow follower may lag behind before it is told that it missed some.
const FOLLOWER_LAG: usize = 4096;

pub type Result<T> = std::result::Result<T, CatalogError>;

/// One write under way: its transaction, and what it tells.
#[derive(Debug)]
pub struct Change<'a> {
    transaction: Transaction<'a>,
    events: Vec<Event>,
    /// Who asked for it, where somebody did: told with each event.
    by: Option<String>,
}

impl Change<'_> {
    pub fn sql(&self) -> &Connection {
        &self.transaction
    }

    /// Keeps the event in the audit trail; it is logged when the write is committed.
    pub fn tell(&mut self, event: Event) -> Result<()> {
        let event = match &self.by {
            Some(by) => event.field("by", by.as_str()),
            None => event,
        };
        audit::insert(&self.transaction, &event)?;
        self.events.push(event);
        Ok(())
    }
}

/// What a committed write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// A kill of the agent. After a power cut the newest of these may be lost, and are found again.
    Normal,
    /// A power cut, too.
    Full,
}

impl Durability {
    fn set(self, connection: &Connection) -> Result<()> {
        let level = match self {
            Self::Normal => "NORMAL",
            Self::Full => "FULL",
        };
        Ok(connection.pragma_update(None, "synchronous", level)?)
    }
}

type Write = Box<dyn FnOnce(&mut Connection) + Send>;

/// A handle on the store; clones share it.
#[derive(Debug, Clone)]
pub struct Catalog {
    path: Arc<PathBuf>,
    writer: mpsc::Sender<Write>,
    readers: Readers,
    followers: broadcast::Sender<Arc<Event>>,
    /// Why the store refused the last write that it refused, until that is forgiven.
    refused: watch::Sender<Option<Failure>>,
    /// Cancelled when the writer has ended.
    ended: CancellationToken,
}

impl Catalog {
    /// Opens the store, made or brought to this version where needed. Ends when the last handle is dropped.
    pub fn open(path: &Path) -> Result<Self> {
        let mut connection = open::writer(path).map_err(|error| error.at(path))?;
        let readers = Readers::open(path).map_err(|error| error.at(path))?;
        let (writer, mut writes) = mpsc::channel::<Write>(WAITING_WRITES);
        let ended = CancellationToken::new();
        let at_end = ended.clone().drop_guard();
        std::thread::Builder::new()
            .name("catalog".to_owned())
            .spawn(move || {
                let _told = at_end;
                while let Some(write) = writes.blocking_recv() {
                    write(&mut connection);
                }
                if let Err(error) = connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);") {
                    tracing::debug!(%error, "failed to tidy the catalog up at the end");
                }
            })
            .map_err(|_| CatalogError::Closed)?;
        let (followers, _) = broadcast::channel(FOLLOWER_LAG);
        let refused = watch::Sender::default();
        Ok(Self { path: Arc::new(path.to_owned()), writer, readers, followers, refused, ended })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `write` in one transaction: all of it is there afterwards, or nothing.
    pub async fn write<T, F>(&self, write: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Change<'_>) -> Result<T> + Send + 'static,
    {
        self.send(None, Durability::Normal, write).await
    }

    /// The same for what has effects elsewhere: it is on the disk before this returns, whatever happens to the host.
    /// `by` is who asked for it, if somebody did; each of its events says who.
    pub async fn write_durably<T, F>(&self, by: Option<&str>, write: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Change<'_>) -> Result<T> + Send + 'static,
    {
        self.send(by.map(str::to_owned), Durability::Full, write).await
    }

    async fn send<T, F>(&self, by: Option<String>, durability: Durability, write: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Change<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let followers = self.followers.clone();
        let job: Write = Box::new(move |connection| {
            let result = durability.set(connection).and_then(|()| in_transaction(connection, by, write)).map(
                |(value, events)| {
                    events.into_iter().for_each(|event| publish(&followers, event));
                    value
                },
            );
            // Whoever asked may have gone; what was written stays.
            let _ = reply.send(result);
        });
        self.writer.send(job).await.map_err(|_| CatalogError::Closed)?;
        let written = answer.await.map_err(|_| CatalogError::Closed)?.map_err(|error| error.at(&self.path));
        if let Err(error) = &written {
            self.refused.send_replace(Some(error.failure(&self.path)));
        }
        written
    }

    /// Why nothing can be recorded, while that is so.
    pub fn unwritable(&self) -> Option<Failure> {
        self.refused.borrow().clone()
    }

    /// The same, for whoever tries until something can be, and then says so by [`forgive`](Self::forgive).
    pub fn follow_refusals(&self) -> watch::Receiver<Option<Failure>> {
        self.refused.subscribe()
    }

    /// Something could be recorded again.
    pub fn forgive(&self) {
        self.refused.send_replace(None);
    }

    /// Keeps and logs one event that belongs to no other write.
    pub async fn tell(&self, event: Event) -> Result<()> {
        self.write(move |change| change.tell(event)).await
    }

    /// Runs `read` on a read-only connection, off the async threads, over one state of the store.
    pub async fn read<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.readers.read(read).await
    }

    /// Returns when the writer has ended, and nothing is recorded any more. As long as there is a handle that is a fault:
    /// a write broke off.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Events from now on.
    pub fn follow(&self) -> broadcast::Receiver<Arc<Event>> {
        self.followers.subscribe()
    }
}

/// Logs a write that failed where nobody else can do anything about it, with what it was for: `to keep an event`.
pub fn report_write<T>(purpose: &str, written: Result<T>) {
    if let Err(error) = written {
        tracing::error!(error = &error as &dyn Error, "failed {purpose}");
    }
}

fn in_transaction<T>(
    connection: &mut Connection,
    by: Option<String>,
    write: impl FnOnce(&mut Change<'_>) -> Result<T>,
) -> Result<(T, Vec<Event>)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut change = Change { transaction, events: Vec::new(), by };
    let value = write(&mut change)?;
    change.transaction.commit()?;
    Ok((value, change.events))
}

fn publish(followers: &broadcast::Sender<Arc<Event>>, event: Event) {
    audit::log(&event);
    // Nobody may be following.
    let _ = followers.send(Arc::new(event));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_that_breaks_off_ends_the_writer_and_that_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
        let broken = catalog.write(|_| -> Result<()> { panic!("a fault of ours") }).await;
        assert!(matches!(broken, Err(CatalogError::Closed)), "{broken:?}");
        catalog.ended().await;
    }

    #[tokio::test]
    async fn a_full_disk_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
        let fill = |change: &mut Change<'_>| {
            change.sql().pragma_update(None, "max_page_count", 1)?;
            Ok(change.sql().execute_batch("CREATE TABLE large AS SELECT zeroblob(1000000) AS noise")?)
        };
        let error = catalog.write(fill).await.unwrap_err();
        assert_eq!((error.full_disk(), error.cause().as_str()), (Some(folder.path()), "the disk is full"));
        assert!(error.source().is_none(), "{error} tells all of it");
        let refused = catalog.unwritable().unwrap();
        assert_eq!(refused.hint, format!("make room in {}", folder.path().display()));
        catalog.forgive();
        assert!(catalog.unwritable().is_none());
    }
}
