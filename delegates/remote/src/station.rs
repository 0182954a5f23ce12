//! The delegate's side: takes tasks for as long as its lease holds, and brings back what comes of them.
//!
//! What holds:
//! - Nothing is started without a lease: an announcement that the server stored within seven seconds. Where it runs
//!   out, runs are stopped before the agent calls the delegate lost.
//! - A run is written into the journal, then claimed by taking its message out of the stream, then started. What a killed
//!   delegate leaves in the journal is answered as `delegate_lost` and never started again.
//! - An outcome is sent until it is stored, over however many connections; then the task is acknowledged.

mod carrying;
mod hand;
mod intake;
mod journal;
mod lease;
mod outbox;
mod session;
mod stopping;

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, Facts, Failure, Tags, Task};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ProgressSink;
use crate::bus::{BusSettings, BusState, Line, LineEnd, RemoteError};
use crate::guard::Guard;
use crate::message::{Announcement, Attendance, Key, PROTOCOL, Refusal};
use hand::{Hand, Lying};
use journal::Journal;
use lease::Lease;

/// Refusals that are known for repetitions: an agent polls, and each of them is news once.
const MOST_REFUSALS: usize = 1_000;

/// What carries tasks out.
pub trait Executor: Send + Sync + 'static {
    /// Ends soon after `cancel`, with the class `canceled`.
    fn carry_out(
        &self,
        task: Task,
        progress: ProgressSink,
        cancel: CancellationToken,
    ) -> Pin<Box<dyn Future<Output = Result<Facts, Failure>> + Send + '_>>;
}

/// What a delegate says that it is good for, and what it lets an agent use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its own name is put among them.
    pub tags: Tags,
    pub capacity: u32,
    pub work: Vec<WorkKind>,
    /// For people: a program and its version.
    pub program: String,
    pub guard: Guard,
}

#[derive(Debug, Clone)]
pub struct StationSettings {
    pub name: DelegateName,
    /// Whose delegate this is.
    pub agent: DelegateName,
    pub offer: Offer,
    /// A folder of its own, which is made, and which no other delegate uses at the same time.
    pub journal: PathBuf,
    /// How long what is under way may go on once the delegate is to stop; then it is canceled.
    pub grace: Duration,
}

/// A delegate on its own host.
pub struct Station {
    shared: Arc<Shared>,
    bus: BusSettings,
    end: LineEnd,
}

impl fmt::Debug for Station {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Station").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

/// What tasks and the session of the moment share.
struct Shared {
    name: DelegateName,
    agent: DelegateName,
    /// Drawn at this start.
    instance: u64,
    grace: Duration,
    offer: RwLock<Arc<Offer>>,
    attendance: watch::Sender<Attendance>,
    executor: Arc<dyn Executor>,
    journal: Journal,
    lease: Lease,
    hand: Mutex<Hand>,
    /// How many tasks are in hand.
    load: watch::Sender<usize>,
    /// What was announced last and is stored.
    announced: watch::Sender<Option<Announcement>>,
    /// There is something to announce at once.
    news: Notify,
    line: Line,
    tracker: TaskTracker,
    /// Why the agent does not let it serve, as far as that was heard.
    refusal: watch::Sender<Option<Refusal>>,
    /// What was refused and logged.
    refusals: Mutex<HashSet<String>>,
}

impl Shared {
    fn offer(&self) -> Arc<Offer> {
        Arc::clone(&self.offer.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        // What panics while it holds this leaves it whole: each change is one step.
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs a task that wants more than is allowed, the first time that it does.
    fn warn_of_refusal(&self, failure: &Failure) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.len() >= MOST_REFUSALS {
            refusals.clear();
        }
        if refusals.insert(failure.message.clone()) {
            tracing::warn!(agent = %self.agent, class = failure.class.code(), "a task is refused: {}", failure.message);
        }
    }

    /// Takes a task, unless it is in hand already.
    fn take(&self, key: Key, lying: Vec<Lying>) -> Option<CancellationToken> {
        let mut hand = self.hand();
        let taken = hand.take(key, lying);
        self.load.send_replace(hand.len());
        taken
    }

    fn release(&self, key: &Key) {
        let mut hand = self.hand();
        hand.release(key);
        self.load.send_replace(hand.len());
        drop(hand);
        if key.is_run() {
            // The agent goes by the last announcement where it was not there to hear more.
            self.news.notify_one();
        }
    }

    /// What there is to say now.
    fn announcement(&self) -> Announcement {
        let offer = self.offer();
        Announcement {
            protocol: PROTOCOL,
            name: self.name.clone(),
            instance: self.instance,
            attendance: *self.attendance.borrow(),
            tags: offer.tags.clone(),
            capacity: offer.capacity,
            work: offer.work.clone(),
            program: offer.program.clone(),
            runs: self.hand().runs(),
            refusal: *self.refusal.borrow(),
        }
    }

    /// Has this announced now, and waits until it is stored.
    async fn announce_until(&self, is_said: impl Fn(&Announcement) -> bool) {
        self.news.notify_one();
        // The sender is this value's own.
        let _ = self.announced.subscribe().wait_for(|last| last.as_ref().is_some_and(&is_said)).await;
    }
}

impl Station {
    /// Opens the journal; an error if that cannot be done.
    pub fn new(bus: BusSettings, settings: StationSettings, executor: Arc<dyn Executor>) -> Result<Self, RemoteError> {
        let (end, line) = Line::new();
        let journal = Journal::open(settings.journal)?;
        let shared = Shared {
            name: settings.name,
            agent: settings.agent,
            grace: settings.grace,
            offer: RwLock::new(Arc::new(settings.offer)),
            attendance: watch::Sender::new(Attendance::Serving),
            executor,
            instance: fastrand::u64(..),
            lease: Lease::new(),
            journal,
            hand: Mutex::default(),
            load: watch::Sender::default(),
            announced: watch::Sender::default(),
            news: Notify::new(),
            line,
            tracker: TaskTracker::new(),
            refusal: watch::Sender::default(),
            refusals: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), bus, end })
    }

    pub fn state(&self) -> watch::Receiver<BusState> {
        self.shared.line.state()
    }

    /// Why the agent does not let it serve, while that is so: it is given nothing.
    pub fn refusal(&self) -> watch::Receiver<Option<Refusal>> {
        self.shared.refusal.subscribe()
    }

    /// Tasks in hand.
    pub fn in_hand(&self) -> usize {
        self.shared.hand().len()
    }

    /// Says and allows something else from now on; the agent hears of it within two seconds.
    pub fn revise(&self, offer: Offer) {
        *self.shared.offer.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(offer);
        self.shared.news.notify_one();
    }

    /// Serves until `stop`; then takes nothing more, ends what it has within the grace, cancels the rest, and leaves.
    pub async fn serve(&self, stop: CancellationToken) {
        stopping::serve(self, stop).await;
    }
}
