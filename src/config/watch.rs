//! Tells when files of the configuration may have changed.
//!
//! Folders are watched, never files: a watch on a file ends with the file, and editors, package managers and container
//! platforms replace files rather than write them. Every event is a hint and no more: it sets one flag, and the hash of
//! the content decides whether anything happened. Where hints do not come (network file systems, bind mounts, no
//! watches left), a regular look does the same, later.
//!
//! Watches are set anew before each return of [`Watcher::changed`]: a folder that was deleted and made again has lost its
//! own, and what is read after the return is then covered.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

/// An editor or a package manager writes several files within this time.
const QUIET: Duration = Duration::from_millis(250);

/// Files that are written all the time are taken up all the same after this.
const LONGEST_UNREST: Duration = Duration::from_secs(2);

/// How often to look where no hint comes.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Watches the folders of all files that [`Loaded::watched`](super::Loaded::watched) names.
#[derive(Debug)]
pub struct Watcher {
    /// None where the system gives no watches: then there is the regular look alone.
    watches: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    interest: Arc<ArcSwap<Interest>>,
    dirty: Arc<Notify>,
    /// A hint came that no return has told of yet.
    pending: bool,
}

/// Which events tell of a change.
#[derive(Debug)]
struct Interest {
    /// Folders in which everything counts: those of the files, where an editor's or a platform's names come and go.
    near: BTreeSet<PathBuf>,
    /// Elsewhere, what these paths lead over counts.
    paths: Vec<PathBuf>,
}

impl Watcher {
    pub fn new(watched: &[PathBuf]) -> Self {
        let dirty = Arc::new(Notify::new());
        let interest = Arc::new(ArcSwap::from_pointee(Interest::of(watched)));
        let (hint, filter) = (Arc::clone(&dirty), Arc::clone(&interest));
        let watches = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.map_or(true, |event| filter.load().concerns(&event)) {
                hint.notify_one();
            }
        });
        if let Err(fault) = &watches {
            tracing::warn!(%fault, "failed to watch files; changes are taken up within 30 s");
        }
        let folders = BTreeSet::new();
        let mut watcher = Self { watches: watches.ok(), folders, interest, dirty, pending: false };
        watcher.arm();
        watcher
    }

    /// Watches other paths from now on: those of the latest reading.
    pub fn watch(&mut self, watched: &[PathBuf]) {
        self.interest.store(Arc::new(Interest::of(watched)));
        self.arm();
    }

    /// Asks for a reload as a change of a file would.
    pub fn poke(&self) -> impl Fn() + Send + Sync + 'static {
        let dirty = Arc::clone(&self.dirty);
        move || dirty.notify_one()
    }

    /// Returns when something may have changed and it has been quiet since. Nothing is lost when it is dropped half-way.
    pub async fn changed(&mut self) {
        if !self.pending {
            // Whether by a hint or by the clock: it is time to look.
            timeout(LOOK_EVERY, self.dirty.notified()).await.ok();
            self.pending = true;
        }
        let latest = Instant::now() + LONGEST_UNREST;
        loop {
            let quiet = Instant::now() + QUIET;
            if quiet >= latest || timeout_at(quiet, self.dirty.notified()).await.is_err() {
                break;
            }
        }
        self.arm();
        self.pending = false;
    }

    /// Sets all watches anew.
    fn arm(&mut self) {
        let Some(watches) = &mut self.watches else { return };
        for folder in &self.folders {
            // The watch may have ended with its folder.
            watches.unwatch(folder).ok();
        }
        self.folders = self.interest.load().folders();
        self.folders.retain(|folder| watches.watch(folder, RecursiveMode::NonRecursive).is_ok());
    }
}

impl Interest {
    fn of(watched: &[PathBuf]) -> Self {
        let paths: Vec<_> =
            watched.iter().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone())).collect();
        let parents = paths.iter().filter_map(|path| path.parent()).map(Path::to_owned);
        let near = parents.chain(paths.iter().filter(|path| path.is_dir()).cloned()).collect();
        Self { near, paths }
    }

    /// Reading is no change, and would otherwise make every reload ask for the next.
    fn concerns(&self, event: &Event) -> bool {
        let is_near = |path: &PathBuf| path.parent().is_some_and(|folder| self.near.contains(folder));
        let is_above = |path: &PathBuf| self.paths.iter().any(|watched| watched.starts_with(path));
        let concerns = event.need_rescan() || event.paths.iter().any(|path| is_near(path) || is_above(path));
        concerns && !matches!(event.kind, EventKind::Access(_))
    }

    /// The near folders and their parents, or whatever is left of them: the parents tell when a folder is made again.
    fn folders(&self) -> BTreeSet<PathBuf> {
        self.near.iter().flat_map(|folder| folder.ancestors().take(2)).map(standing).collect()
    }
}

/// The folder, or the nearest one above it that is there.
fn standing(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).to_owned()
}
