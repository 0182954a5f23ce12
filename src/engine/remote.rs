//! Delegates on other hosts: from those that announce themselves over NATS to those that the dispatcher can use.
//!
//! They come and go, and so does NATS: the agent starts and works without it. One that is expected (`[[delegate]]` of kind
//! `remote`), or that had a run when the agent was started, is there before it has announced itself, so that what is for it
//! waits. What they have under way goes on when the agent ends; the next start attaches to their runs.

mod admission;
mod delegate;
mod meeting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use suitesync_contract::{DelegateName, Facts, Failure, FailureClass, RunId};
use suitesync_remote::fleet::Notice;
use suitesync_remote::message::Key;
use suitesync_remote::{BusState, Fleet, FleetSettings, Member, Resumption};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::delegate::{Delegate, ProgressSink};
use crate::catalog::{Catalog, report_write};
use crate::config::{Config, DelegateKind, RemoteConfig, Secrets};
use crate::domain::event::{Event, EventName};
use admission::Admission;
use delegate::{Face, RemoteDelegate, RunsThere};
use meeting::Meeting;

pub use delegate::{is_marked, marked};
pub use meeting::{bus_settings, trouble_with};

/// All delegates of other hosts that have announced themselves, by name.
pub type Members = Arc<BTreeMap<DelegateName, Member>>;

/// One handing out of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandedRun {
    pub run: RunId,
    pub fence: u64,
}

/// What the way to them needs of the agent.
#[derive(Debug, Clone)]
pub struct Surroundings {
    pub catalog: Catalog,
    pub tracker: TaskTracker,
    /// Lets go of everything that is under way, which goes on where it is.
    pub stop: CancellationToken,
}

/// The delegates of other hosts.
#[derive(Debug)]
pub struct RemoteDelegates {
    meeting: Arc<Meeting>,
    admission: Arc<Admission>,
    known: Mutex<BTreeMap<DelegateName, Arc<RemoteDelegate>>>,
    /// Those that had a run when the agent was started.
    recalled: Mutex<BTreeSet<DelegateName>>,
}

impl RemoteDelegates {
    /// Begins to meet them as `agent`, by a login that is read now. Blocks for that; to be called within a runtime.
    pub fn begin(config: &Config, remote: &RemoteConfig, secrets: &Secrets, around: Surroundings) -> Self {
        let admission = Arc::new(Admission::new(remote, taken(config)));
        let (stop, admitting) = (around.stop.clone(), Arc::clone(&admission));
        let telling = around.clone();
        let fleet = bus_settings(remote, secrets).and_then(|bus| {
            let agent = config.agent.name.parse().map_err(|fault| {
                Failure::new(FailureClass::Internal, format!("the agent's name is no name of a stream: {fault}"))
            })?;
            let settings = FleetSettings {
                agent,
                admission: Arc::new(move |name| admitting.refusal(name)),
                notice: notice_to(around),
            };
            Ok(Fleet::begin(bus, settings))
        });
        match &fleet {
            Ok(fleet) => drop(telling.tracker.spawn(tell_of_nats(fleet.state(), telling.clone()))),
            Err(failure) => tracing::error!(
                class = failure.class.code(),
                "delegates of other hosts cannot be met: {}",
                failure.message
            ),
        }
        let meeting = Arc::new(Meeting { fleet, stop });
        Self { meeting, admission, known: Mutex::default(), recalled: Mutex::default() }
    }

    /// Hears of those that come and go; nothing where NATS cannot be met at all.
    pub fn follow(&self) -> Option<watch::Receiver<Members>> {
        self.meeting.fleet.as_ref().ok().map(Fleet::members)
    }

    /// Takes note of how the members are now. Whether `delegates` has another answer than before.
    pub fn note(&self, members: &Members) -> bool {
        let known = self.known();
        let mut is_new = false;
        for (name, member) in members.iter().filter(|(name, _)| self.admission.refusal(name).is_none()) {
            match known.get(name).filter(|known| known.is(member)) {
                Some(known) => known.note(member),
                None => is_new = true,
            }
        }
        is_new
    }

    /// Those that the configuration lets be: announced, expected or recalled.
    pub fn delegates(&self, config: &Config) -> Vec<Arc<dyn Delegate>> {
        self.admission.set_taken(taken(config));
        let members = self.follow().map(|members| members.borrow().clone()).unwrap_or_default();
        let mut faces: BTreeMap<DelegateName, Face> =
            self.recalled().iter().map(|name| (name.clone(), Face::recalled(name))).collect();
        let expected = config.delegates.iter().filter(|delegate| delegate.kind == DelegateKind::Remote);
        faces.extend(expected.map(|settings| (settings.name.clone(), Face::expected(settings))));
        for (name, member) in members.iter() {
            let runs = faces.get(name).map_or(RunsThere::Allowed, Face::runs);
            faces.insert(name.clone(), Face::of(member, runs));
        }
        faces.retain(|name, _| self.admission.refusal(name).is_none());
        let mut known = self.known();
        known.retain(|name, _| faces.contains_key(name));
        for (name, face) in faces {
            let is_same = known.get(&name).is_some_and(|known| known.has_face(&face));
            if !is_same {
                known.insert(name.clone(), Arc::new(RemoteDelegate::new(name.clone(), face, &self.meeting)));
            }
            if let (Some(known), Some(member)) = (known.get(&name), members.get(&name)) {
                known.note(member);
            }
        }
        known.values().map(|delegate| Arc::clone(delegate) as Arc<dyn Delegate>).collect()
    }

    /// Makes them known that had a run when the agent was started.
    pub fn recall(&self, names: impl IntoIterator<Item = DelegateName>) {
        self.recalled().extend(names);
    }

    /// Runs that they have of an earlier start of the agent, once NATS was reached.
    pub async fn left(&self) -> Vec<Resumption> {
        match &self.meeting.fleet {
            Ok(fleet) => fleet.left().await,
            Err(_) => Vec::new(),
        }
    }

    /// Waits until all are known that announced themselves before; for ever where there is no way to them.
    pub async fn met(&self) {
        match &self.meeting.fleet {
            Ok(fleet) => drop(fleet.left().await),
            Err(_) => std::future::pending().await,
        }
    }

    /// Attaches to a run that an earlier start of the agent handed out, and waits for what comes of it.
    pub async fn resume(
        &self,
        delegate: &DelegateName,
        handed: HandedRun,
        progress: ProgressSink,
        cancel: CancellationToken,
    ) -> Result<Facts, Failure> {
        let resumption = Resumption { delegate: delegate.clone(), run: handed.run, fence: handed.fence };
        self.meeting.until_left(|fleet| fleet.resume(resumption, progress, cancel)).await
    }

    /// The end of a run is recorded: nobody asks for it again.
    pub fn settled(&self, handed: HandedRun) {
        if let Ok(fleet) = &self.meeting.fleet {
            fleet.settled(handed.run, handed.fence);
        }
    }

    /// Why they cannot be met, while that is so.
    pub fn trouble(&self) -> Option<Failure> {
        match &self.meeting.fleet {
            Err(failure) => Some(failure.clone()),
            Ok(fleet) => match &*fleet.state().borrow() {
                BusState::Away(error) => Some(trouble_with(error)),
                BusState::Connecting | BusState::Connected => None,
            },
        }
    }

    /// Says what is still to be said, and leaves.
    pub async fn close(&self) {
        if let Ok(fleet) = &self.meeting.fleet {
            fleet.close().await;
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<DelegateName, Arc<RemoteDelegate>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recalled(&self) -> MutexGuard<'_, BTreeSet<DelegateName>> {
        self.recalled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The names of delegates of this host.
fn taken(config: &Config) -> BTreeSet<DelegateName> {
    let here = config.delegates.iter().filter(|delegate| delegate.kind != DelegateKind::Remote);
    here.map(|delegate| delegate.name.clone()).collect()
}

/// Tells when NATS goes away and when it is there, each once.
async fn tell_of_nats(mut state: watch::Receiver<BusState>, around: Surroundings) {
    let mut was_there = None;
    loop {
        let now = state.borrow_and_update().clone();
        let event = match now {
            BusState::Connecting => None,
            BusState::Connected => (was_there != Some(true)).then(|| {
                Event::new(Utc::now(), EventName::RemoteConnected, "NATS is there: delegates of other hosts are met")
            }),
            BusState::Away(error) => (was_there != Some(false)).then(|| {
                let failure = trouble_with(&error);
                Event::new(Utc::now(), EventName::RemoteLost, failure.message.as_str()).failure(&failure)
            }),
        };
        if let Some(event) = event {
            was_there = Some(event.name == EventName::RemoteConnected);
            report_write("to keep an event", around.catalog.tell(event).await);
        }
        match around.stop.run_until_cancelled(state.changed()).await {
            Some(Ok(())) => {}
            Some(Err(_)) | None => return,
        }
    }
}

/// Records what nobody waits for.
fn notice_to(around: Surroundings) -> Arc<dyn Fn(Notice) + Send + Sync> {
    Arc::new(move |notice| {
        let (event, catalog) = (event_of(notice), around.catalog.clone());
        around.tracker.spawn(async move { report_write("to keep an event", catalog.tell(event).await) });
    })
}

fn event_of(notice: Notice) -> Event {
    match notice {
        Notice::NotAccepted { delegate, refusal } => {
            let message =
                format!("a delegate on another host announced itself as {delegate} and is refused: {refusal}");
            Event::new(Utc::now(), EventName::DelegateRefused, message)
                .delegate(Some(&delegate))
                .field("reason", refusal.to_string())
        }
        Notice::Refused { delegate, key } => {
            let message = format!("delegate {delegate} came back with a task that was no longer its own");
            let event = Event::new(Utc::now(), EventName::TaskRefused, message).delegate(Some(&delegate));
            let event = event.field("reason", "given_up");
            match key {
                Key::Run { run, .. } => event.run(run),
                Key::Task { .. } => event,
            }
        }
    }
}
