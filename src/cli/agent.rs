//! `suitesync agent`: the daemon's whole life, from its configuration to its last line in the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::Utc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::signals::{Signals, Wish};
use super::{log, privacy, service};
use crate::api::{self, Api, SocketError};
use crate::catalog::{Catalog, CatalogError};
use crate::config::{self, Config, Environment, Loaded, Location, Secrets, Watcher};
use crate::domain::event::{Event, EventName};
use crate::engine::agent::{self, Parts};
use crate::engine::care;
use crate::engine::control::Control;
use crate::engine::hiring::Hiring;
use crate::engine::importing;
use crate::engine::local::{Workshop, WorkshopError};
use crate::engine::recovering;
use crate::engine::reload;
use crate::engine::remote::{RemoteDelegates, Surroundings};
use crate::engine::run_logs::RunLogs;
use crate::engine::state_folder::{StateFolder, StateFolderError};
use crate::engine::ticker::{self, Beat};

/// How long what is under way may take to end once the agent is told to stop: a run's processes have a grace of their own,
/// and the unit allows twice this.
const STOP_GRACE: Duration = Duration::from_secs(45);

/// How long what is left to be said to other hosts may take: acknowledgements, which come again otherwise.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);

/// Why the agent does not start, or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("{0}")]
    Configuration(String),
    #[error(transparent)]
    StateFolder(#[from] StateFolderError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Workshop(#[from] WorkshopError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("failed to make the folder of runs' logs {}", path.display())]
    Logs { path: PathBuf, source: std::io::Error },
    #[error("failed to start the beat of schedules")]
    Beat(#[from] tokio_cron_scheduler::JobSchedulerError),
    #[error("failed to listen for signals")]
    Signals(#[source] std::io::Error),
    #[error("a part of the agent ended before its time; see the log above")]
    Broken,
}

impl AgentError {
    /// Whether another start would end alike until someone changes something.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Configuration(_) | Self::StateFolder(_) | Self::Socket(_) => true,
            Self::Catalog(error) => matches!(error, CatalogError::Newer { .. }),
            Self::Workshop(_) | Self::Logs { .. } | Self::Beat(_) | Self::Signals(_) | Self::Broken => false,
        }
    }

    /// The folder where room lacks, if that is why.
    pub fn full_disk(&self) -> Option<&Path> {
        if let Self::Catalog(error) = self { error.full_disk() } else { None }
    }
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(location: Location) -> Result<(), AgentError> {
    let environment = Environment::of_process();
    let loaded = config::load(&location, &environment);
    let Loaded { config: Some(config), content_hash, watched, .. } = loaded else {
        let faults: Vec<_> = loaded.diagnostics.iter().map(config::Diagnostic::render).collect();
        return Err(AgentError::Configuration(faults.join("\n\n")));
    };
    log::start(&config.log);
    privacy::forbid_core_dumps();
    let mut signals = Signals::listen().map_err(AgentError::Signals)?;
    let folder = StateFolder::claim(&config.agent.state_dir)?;
    let listener = api::listen(&config.agent.socket).await?;
    let socket = config.agent.socket.clone();
    let daemon = Daemon::start(config, content_hash, &folder, environment.clone()).await?;
    let api = Api {
        control: daemon.control.clone(),
        logs: daemon.logs.clone(),
        location: location.clone(),
        environment: environment.clone(),
        stop: daemon.stop.clone(),
    };
    let mut serving = tokio::spawn(api::serve(listener, api));
    let asked = Arc::new(Notify::new());
    let mut reloading = spawn_reloading(&daemon, (location, environment), Watcher::new(&watched), &asked);
    service::ready();
    let alive = daemon.control.clone();
    let watchdog = service::spawn_watchdog(daemon.stop.clone(), move || {
        let control = alive.clone();
        async move { control.state().await.is_ok() }
    });
    let broken = loop {
        tokio::select! {
            wish = signals.next() => match wish {
                Wish::Reload => asked.notify_one(),
                Wish::Stop => break false,
            },
            _ = &mut serving => break true,
            _ = &mut reloading => break true,
            () = daemon.broke() => break true,
        }
    };
    service::stopping();
    daemon.end(&mut signals).await;
    watchdog.abort();
    // The next start finds no stale socket; one that cannot be removed does it no harm.
    let _ = std::fs::remove_file(socket);
    if broken { Err(AgentError::Broken) } else { Ok(()) }
}

fn spawn_reloading(
    daemon: &Daemon,
    source: (Location, Environment),
    watcher: Watcher,
    asked: &Arc<Notify>,
) -> JoinHandle<()> {
    let (control, stop, asked) = (daemon.control.clone(), daemon.stop.clone(), Arc::clone(asked));
    tokio::spawn(async move { reload::follow(control, source, watcher, &asked, stop, service::reloading).await })
}

/// The parts of a running agent.
struct Daemon {
    control: Control,
    catalog: Catalog,
    logs: RunLogs,
    beat: Beat,
    remote: Option<Arc<RemoteDelegates>>,
    stop: CancellationToken,
    tracker: TaskTracker,
    actor: JoinHandle<()>,
    /// Cancelled when a part has ended that is to last as long as the agent.
    part_ended: CancellationToken,
}

impl Daemon {
    async fn start(
        config: Config,
        content_hash: String,
        folder: &StateFolder,
        environment: Environment,
    ) -> Result<Self, AgentError> {
        let catalog = Catalog::open(&folder.catalog())?;
        importing::clear_broken(&catalog).await?;
        let secrets = Arc::new(ArcSwap::from_pointee(Secrets::of(&config, environment)));
        let workshop = Arc::new(Workshop::open(&folder.delegate(), Arc::clone(&secrets))?);
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let hiring = Hiring::new(Arc::clone(&workshop), &folder.delegates(), tracker.clone(), stop.clone());
        let hire = Box::new(move |config: &Config| hiring.hire(config));
        let logs = RunLogs::open(folder.runs()).map_err(|source| AgentError::Logs { path: folder.runs(), source })?;
        if config.connections.is_empty() {
            tracing::warn!("there are no connections yet: add [[connection]] and [[link]] tables to the configuration");
        }
        let around = Surroundings { catalog: catalog.clone(), tracker: tracker.clone(), stop: stop.clone() };
        let begin = |remote| Arc::new(RemoteDelegates::begin(&config, remote, &secrets.load(), around));
        let remote = config.remote.as_ref().map(begin);
        let parts = Parts {
            catalog: catalog.clone(),
            config,
            content_hash,
            secrets,
            hire,
            remote: remote.clone(),
            logs: logs.clone(),
            stop: stop.clone(),
            tracker: tracker.clone(),
        };
        let (control, running) = agent::start(parts).await?;
        let beat = ticker::start(control.clone()).await?;
        tracker.spawn(recovering::follow(catalog.clone(), stop.clone()));
        let part_ended = CancellationToken::new();
        let (care_ended, actor_ended) = (part_ended.clone().drop_guard(), part_ended.clone().drop_guard());
        let state_dir = folder.path().to_owned();
        let caring = care::follow(control.clone(), workshop, logs.clone(), state_dir, stop.clone());
        tracker.spawn(async move {
            let _told = care_ended;
            caring.await;
        });
        let actor = tokio::spawn(async move {
            let _told = actor_ended;
            if running.await.is_err() {
                tracing::error!("the agent's actor broke off");
            }
        });
        Ok(Self { control, catalog, logs, beat, remote, stop, tracker, actor, part_ended })
    }

    /// Returns when a part has ended before its time.
    async fn broke(&self) {
        tokio::select! {
            () = self.part_ended.cancelled() => {}
            () = self.catalog.ended() => tracing::error!("the catalog's writer broke off: nothing is recorded any more"),
        }
    }

    /// Stops in order: no new work, what is under way is canceled and waited for, and the last word is written.
    async fn end(self, signals: &mut Signals) {
        self.beat.stop().await;
        self.stop.cancel();
        self.tracker.close();
        tokio::select! {
            () = self.tracker.wait() => {}
            () = tokio::time::sleep(STOP_GRACE) => tracing::warn!("some work did not end in time and is left behind"),
            _ = signals.next() => tracing::warn!("told to stop a second time: what is under way is left behind"),
        }
        if self.actor.await.is_err() {
            tracing::error!("failed to wait for the agent's actor");
        }
        if let Some(remote) = &self.remote
            && tokio::time::timeout(LEAVE_LIMIT, remote.close()).await.is_err()
        {
            tracing::warn!("delegates of other hosts did not hear everything; they will after the next start");
        }
        let event = Event::new(Utc::now(), EventName::AgentStopped, "suitesync has ended what it was doing");
        if let Err(error) = self.catalog.tell(event).await {
            tracing::error!(error = &error as &dyn std::error::Error, "failed to write the last event");
        }
    }
}
