//! The agent's side: which delegates there are, and tasks on their way to them and back.
//!
//! What is known stands in one ledger, which decides; a `session` on each connection carries messages between it and the
//! streams. A task that was handed out outlives connections: it ends by its outcome, by being canceled before it was
//! begun, or because its delegate is lost, once.

mod acknowledging;
mod answers;
mod arrival;
mod closed;
mod entry;
mod handing;
mod ledger;
mod presence;
mod session;
#[cfg(test)]
mod tests;
mod unclaimed;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, Facts, Failure, RunId, Tags, Task};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::ProgressSink;
use crate::bus::{BusSettings, BusState, Line, follow};
use crate::message::{Key, Refusal};
use ledger::Ledger;
use session::AgentSide;

/// Why a delegate that announces itself may not serve the agent, if it may not.
pub type Admission = Arc<dyn Fn(&DelegateName) -> Option<Refusal> + Send + Sync>;

/// What the agent brings.
#[derive(Clone)]
pub struct FleetSettings {
    /// The agent's name, of what names are made of.
    pub agent: DelegateName,
    pub admission: Admission,
    /// Hears what nobody waits for. Never blocks.
    pub notice: Arc<dyn Fn(Notice) + Send + Sync>,
}

impl fmt::Debug for FleetSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetSettings").field("agent", &self.agent).finish_non_exhaustive()
    }
}

/// Something that the agent may want to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An outcome came of a task that was given to another, or that nobody claims; it is dropped.
    Refused { delegate: DelegateName, key: Key },
    /// A delegate announced itself that may not serve, and does not know it yet; told once each time it starts.
    NotAccepted { delegate: DelegateName, refusal: Refusal },
}

/// A delegate that has announced itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: DelegateName,
    /// Its own name is among them.
    pub tags: Tags,
    pub capacity: u32,
    pub work: Vec<WorkKind>,
    pub program: String,
    pub status: MemberStatus,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberStatus {
    /// It announced itself before this agent started, and was not heard since.
    Starting,
    Connected,
    Draining,
    /// It has left, with nothing in hand.
    Stopped,
    /// With the reason.
    Lost(String),
}

/// A run that was begun before the agent started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumption {
    pub delegate: DelegateName,
    pub run: RunId,
    pub fence: u64,
}

/// Delegates on other hosts. Its work ends when it is dropped, what is with delegates goes on there.
#[derive(Debug)]
pub struct Fleet {
    shared: Arc<Shared>,
    tracker: TaskTracker,
    stop: CancellationToken,
    _stops: DropGuard,
}

/// What tasks and the session of the moment share.
struct Shared {
    settings: FleetSettings,
    ledger: Mutex<Ledger>,
    line: Line,
    members: watch::Sender<Arc<BTreeMap<DelegateName, Member>>>,
    /// Whether all is known that came before this start.
    is_caught_up: watch::Sender<bool>,
    /// Runs that are settled, for the session to acknowledge.
    settled: mpsc::UnboundedSender<Key>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Shared {
    /// Waits until all is known that came before this start.
    async fn caught_up(&self) {
        // The sender is this value's own.
        let _ = self.is_caught_up.subscribe().wait_for(|is_so| *is_so).await;
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // What panics while it holds the ledger leaves it whole: each change of it is one step.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fleet {
    /// Begins to connect, and goes on trying; what is asked meanwhile waits. To be called within a tokio runtime.
    pub fn begin(bus: BusSettings, settings: FleetSettings) -> Self {
        let (end, line) = Line::new();
        let (settled, settlements) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            ledger: Mutex::new(Ledger::new(fastrand::u64(..))),
            settings,
            line,
            members: watch::Sender::default(),
            is_caught_up: watch::Sender::new(false),
            settled,
        });
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let (side, until) = (AgentSide::new(Arc::clone(&shared), settlements), stop.clone());
        tracker.spawn(async move { follow(side, &bus, &end, &until).await });
        let stops = stop.clone().drop_guard();
        Self { shared, tracker, stop, _stops: stops }
    }

    /// Every delegate that was heard of since the start.
    pub fn members(&self) -> watch::Receiver<Arc<BTreeMap<DelegateName, Member>>> {
        self.shared.members.subscribe()
    }

    pub fn state(&self) -> watch::Receiver<BusState> {
        self.shared.line.state()
    }

    /// Hands a task to a delegate and waits for what comes of it. It ends soon after `cancel`, with the class `canceled`
    /// if it was never begun, and with `delegate_lost` when the delegate is gone. A run of which nothing was told as
    /// `started` by then was not begun and will not be.
    pub async fn carry_out(
        &self,
        delegate: &DelegateName,
        task: Task,
        progress: ProgressSink,
        cancel: CancellationToken,
    ) -> Result<Facts, Failure> {
        handing::carry_out(&self.shared, delegate, task, progress, cancel).await
    }

    /// Runs that an earlier start of the agent handed out, that were begun as far as anybody knows, and that nobody has
    /// asked for yet. Waits until NATS was reached and all is known that came before: whoever hands a run out anew that an
    /// earlier start had handed out has to look here first.
    pub async fn left(&self) -> Vec<Resumption> {
        self.shared.caught_up().await;
        self.shared.ledger().left()
    }

    /// Waits for what comes of a run that an earlier start of the agent handed out and that was begun. Its log comes from
    /// where the stream still has it, each piece with its place.
    pub async fn resume(
        &self,
        resumption: Resumption,
        progress: ProgressSink,
        cancel: CancellationToken,
    ) -> Result<Facts, Failure> {
        handing::resume(&self.shared, resumption, progress, cancel).await
    }

    /// What came of the run is recorded: the stream need not keep it any longer.
    pub fn settled(&self, run: RunId, fence: u64) {
        // The session has ended: it is acknowledged after the next start.
        let _ = self.shared.settled.send(Key::Run { run, fence });
    }

    /// From now on nobody waits for anything: what is under way goes on where it is. A task that nobody waits for is
    /// canceled otherwise.
    pub fn let_go(&self) {
        self.shared.ledger().let_go();
    }

    /// Ends what the agent does here, after what is settled has been acknowledged.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
