//! Read-only connections to the store, each lent to one read at a time. One comes back whatever becomes of its read: also
//! when whoever asked has gone, or the read panics.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{CatalogError, Result, open};

/// Reads at the same time: enough for a console and a few scripts; each holds a page cache.
const READERS: usize = 4;

#[derive(Debug, Clone)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let idle = (0..READERS).map(|_| open::reader(path)).collect::<Result<_>>()?;
        Ok(Self { idle: Arc::new(Mutex::new(idle)), places: Arc::new(Semaphore::new(READERS)) })
    }

    /// Runs `read` off the async threads, over one state of the store.
    pub(super) async fn read<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let mut lent = self.lend().await?;
        // It goes on to its end where whoever asked has gone: the connection is with it.
        tokio::task::spawn_blocking(move || lent.read(read)).await.map_err(|_| CatalogError::Closed)?
    }

    async fn lend(&self) -> Result<Lent> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| CatalogError::Closed)?;
        let connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Lent { connection, idle: Arc::clone(&self.idle), _place: place })
    }
}

/// A connection in use.
struct Lent {
    /// None once it is given back.
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    /// Given back after the connection, so that whoever gets the place finds one.
    _place: OwnedSemaphorePermit,
}

impl Lent {
    fn read<T>(&mut self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let connection = self.connection.as_mut().ok_or(CatalogError::Closed)?;
        read(&*connection.transaction()?)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.connection.take());
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::super::Catalog;
    use super::*;

    #[tokio::test]
    async fn reads_that_are_given_up_leave_their_connections_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
        for _ in 0..=READERS {
            let (begun, beginning) = oneshot::channel();
            let (end, ending) = std::sync::mpsc::channel::<()>();
            let read = catalog.read(move |_| {
                begun.send(()).unwrap();
                // Nobody says so: the other end is dropped.
                let _ = ending.recv();
                Ok(())
            });
            tokio::select! {
                result = read => panic!("it ended as {result:?}"),
                begun = beginning => begun.unwrap(),
            }
            drop(end);
        }
        catalog.read(|_| Ok(())).await.unwrap();
    }

    #[tokio::test]
    async fn reads_that_panic_leave_their_connections_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
        for _ in 0..=READERS {
            let broken = catalog.read(|_| -> Result<()> { panic!("a fault of ours") }).await;
            assert!(matches!(broken, Err(CatalogError::Closed)), "{broken:?}");
        }
        catalog.read(|_| Ok(())).await.unwrap();
    }
}
