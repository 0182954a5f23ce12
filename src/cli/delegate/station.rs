//! `delegate run` with `[remote]` in its file: the whole life of a delegate that serves an agent on another host, from its
//! file to its last word.

mod revising;
mod showing;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use suitesync_remote::{RemoteError, Station, StationSettings};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::signals::{Signals, Wish};
use crate::cli::{privacy, service};
use crate::config::{DelegateFile, Environment, Secrets, StationConfig, Watcher};
use crate::engine::hiring::{Employer, Hiring};
use crate::engine::local::{LocalDelegate, Workshop, WorkshopError};
use crate::engine::remote::bus_settings;
use crate::engine::state_folder::{StateFolder, StateFolderError};
use crate::engine::station::{Worker, offer};

/// How long what is under way may go on once the delegate is told to stop; then it is canceled. The unit allows half as
/// much again, for processes that do not heed SIGTERM.
const DRAIN_GRACE: Duration = Duration::from_secs(60);

/// How long children may take to end once nothing is under way.
const END_GRACE: Duration = Duration::from_secs(15);

/// Requests at once to one host: what an agent allows itself unless told otherwise.
const PER_HOST: u32 = 4;

/// Why a delegate does not start, or does not go on.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum StationError {
    #[error("{0}")]
    File(String),
    #[error("there is no folder to keep things in; set `state_dir` in [delegate]")]
    NoFolder,
    #[error(transparent)]
    StateFolder(#[from] StateFolderError),
    #[error(transparent)]
    Workshop(#[from] WorkshopError),
    #[error("failed to prepare for NATS")]
    Bus(#[source] suitesync_contract::Failure),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error("failed to listen for signals")]
    Signals(#[source] std::io::Error),
    #[error("a part of the delegate ended before its time; see the log above")]
    Broken,
}

impl StationError {
    /// Whether another start would end alike until someone changes something.
    pub(in crate::cli) fn is_lasting(&self) -> bool {
        match self {
            Self::File(_) | Self::NoFolder | Self::StateFolder(_) => true,
            Self::Workshop(_) | Self::Bus(_) | Self::Remote(_) | Self::Signals(_) | Self::Broken => false,
        }
    }
}

/// What of a file there is to live by.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) file: DelegateFile,
    pub(super) watched: Vec<PathBuf>,
}

/// Serves until SIGTERM or SIGINT; then ends what is under way within a grace.
pub(super) async fn live(
    source: Source<'_>,
    settings: StationConfig,
    environment: &Environment,
) -> Result<(), StationError> {
    privacy::forbid_core_dumps();
    let mut signals = Signals::listen().map_err(StationError::Signals)?;
    let home = Home::open(&source.file, &settings, environment)?;
    let (stop, asked) = (CancellationToken::new(), Arc::new(Notify::new()));
    let station = Arc::clone(&home.station);
    let mut serving = {
        let stop = stop.clone();
        tokio::spawn(async move { station.serve(stop).await })
    };
    service::ready();
    let showing = tokio::spawn(showing::follow(Arc::clone(&home.station), settings.agent.clone()));
    let watcher = Watcher::new(&source.watched);
    let revising = home.spawn_revising(source, watcher, (environment.clone(), Arc::clone(&asked)));
    let watchdog = home.spawn_watchdog(stop.clone());
    let is_broken = loop {
        tokio::select! {
            wish = signals.next() => match wish {
                Wish::Reload => asked.notify_one(),
                Wish::Stop => break false,
            },
            _ = &mut serving => break true,
        }
    };
    [showing, revising, watchdog].iter().for_each(JoinHandle::abort);
    service::stopping();
    stop.cancel();
    if !is_broken {
        tokio::select! {
            // What broke off was logged as it did.
            _ = &mut serving => {}
            _ = signals.next() => tracing::warn!("told to stop a second time: what is under way is left behind"),
        }
    }
    home.end().await;
    if is_broken { Err(StationError::Broken) } else { Ok(()) }
}

/// The parts of a delegate that runs.
struct Home {
    station: Arc<Station>,
    worker: Arc<Worker>,
    hiring: Arc<Hiring>,
    secrets: Arc<ArcSwap<Secrets>>,
    /// Ends children, once nothing is under way.
    stop: CancellationToken,
    tracker: TaskTracker,
    _folder: StateFolder,
}

impl Home {
    /// Blocks.
    fn open(file: &DelegateFile, settings: &StationConfig, environment: &Environment) -> Result<Self, StationError> {
        let systemds = || environment.get("STATE_DIRECTORY").map(PathBuf::from);
        let folder = StateFolder::claim(&file.state_dir.clone().or_else(systemds).ok_or(StationError::NoFolder)?)?;
        let secrets = Secrets::new(file.sources(), environment.clone());
        let bus = bus_settings(&settings.remote, &secrets).map_err(StationError::Bus)?;
        let secrets = Arc::new(ArcSwap::from_pointee(secrets));
        let workshop = Arc::new(Workshop::open(&folder.delegate(), Arc::clone(&secrets))?);
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let hiring = Hiring::new(workshop, &folder.delegates(), tracker.clone(), stop.clone());
        let worker = Arc::new(Worker::new(hire(&hiring, file, settings)));
        let station = StationSettings {
            name: settings.delegate.name.clone(),
            agent: settings.agent.clone(),
            offer: offer(file, settings),
            journal: folder.path().join("journal"),
            grace: DRAIN_GRACE,
        };
        let station = Arc::new(Station::new(bus, station, Arc::clone(&worker) as _)?);
        Ok(Self { station, worker, hiring: Arc::new(hiring), secrets, stop, tracker, _folder: folder })
    }

    fn spawn_revising(
        &self,
        source: Source<'_>,
        watcher: Watcher,
        (environment, asked): (Environment, Arc<Notify>),
    ) -> JoinHandle<()> {
        let revision = revising::Revision {
            path: source.path.to_owned(),
            environment,
            running: source.file,
            told: Vec::new(),
            station: Arc::clone(&self.station),
            worker: Arc::clone(&self.worker),
            hiring: Arc::clone(&self.hiring),
            secrets: Arc::clone(&self.secrets),
        };
        tokio::spawn(revision.follow(watcher, asked))
    }

    fn spawn_watchdog(&self, stop: CancellationToken) -> JoinHandle<()> {
        let station = Arc::clone(&self.station);
        service::spawn_watchdog(stop, move || {
            // It needs the lock that every task needs.
            station.in_hand();
            std::future::ready(true)
        })
    }

    async fn end(self) {
        self.stop.cancel();
        self.tracker.close();
        if tokio::time::timeout(END_GRACE, self.tracker.wait()).await.is_err() {
            tracing::warn!("some work did not end in time and is left behind");
        }
    }
}

/// The delegate that carries tasks out, with runs in a child: nothing of a repository runs where secrets are.
fn hire(hiring: &Hiring, file: &DelegateFile, settings: &StationConfig) -> LocalDelegate {
    let (secrets, mirrors_keep) = (file.sources(), settings.retention.mirrors_keep);
    let employer = Employer { agent: settings.agent.as_str(), per_host: PER_HOST, secrets: &secrets, mirrors_keep };
    hiring.hire_local(&employer, &settings.delegate).caring_for_mirrors(mirrors_keep)
}
