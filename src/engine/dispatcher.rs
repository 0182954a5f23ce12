//! Hands tasks to delegates: within their capacity, in the order they came, each tried at most so many times.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, Failure, FailureClass, Outcome, Tags, Task};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::delegate::{Delegate, DelegateStatus, ProgressSink};
use crate::domain::selection::{Candidate, Selection, select};

/// How long a delegate may take to end once its time is over, before its answer is no longer waited for: a run's processes
/// have their own grace, and then have to be found.
const END_GRACE: Duration = Duration::from_secs(30);

/// Tasks in a delegate's hands for each of its places. Most of them wait for a server that has nothing new; were they to
/// fill the places, a handful of silent servers would keep everybody waiting.
const TASKS_A_PLACE: u32 = 64;

/// A task with what placing it needs.
#[derive(Clone)]
pub(crate) struct Order {
    pub task: Task,
    pub wanted: Tags,
    pub cancel: CancellationToken,
    pub progress: ProgressSink,
    pub attempt: u32,
}

/// A task that ended, or could not begin.
#[derive(Debug)]
pub(crate) struct Ended {
    pub task: Task,
    pub delegate: Option<DelegateName>,
    pub outcome: Outcome,
    pub duration: Duration,
}

impl Ended {
    fn unplaced(order: Order, failure: Failure) -> Self {
        let outcome = Outcome { task: order.task.id, result: Err(failure) };
        Self { task: order.task, delegate: None, outcome, duration: Duration::ZERO }
    }
}

fn canceled() -> Failure {
    Failure::new(FailureClass::Canceled, "canceled before it began")
}

/// A delegate came back with an order.
pub(crate) struct Returned {
    order: Order,
    delegate: DelegateName,
    outcome: Outcome,
    duration: Duration,
}

/// What a returned order means.
pub(crate) enum Verdict {
    Ended(Ended),
    /// Its delegate was lost; it was placed again.
    PlacedAgain {
        delegate: DelegateName,
        attempt: u32,
        failure: Failure,
        task: Task,
    },
}

#[derive(Debug)]
struct Place {
    delegate: Arc<dyn Delegate>,
    /// Tasks in its hands that are no runs.
    in_hand: u32,
    /// Runs in its hands: each takes a place for as long as it lasts.
    runs: u32,
}

impl Place {
    fn count(&mut self, kind: WorkKind) -> &mut u32 {
        match kind {
            WorkKind::Run => &mut self.runs,
            WorkKind::Probe | WorkKind::Sync => &mut self.in_hand,
        }
    }
}

/// What `delegate list` shows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DelegateView {
    pub name: String,
    pub kind: String,
    pub tags: Vec<String>,
    pub status: String,
    pub running: u32,
    pub capacity: u32,
}

pub(crate) struct Dispatcher {
    places: Vec<Place>,
    waiting: VecDeque<Order>,
    waiting_runs: VecDeque<Order>,
    returned: mpsc::UnboundedSender<Returned>,
    tracker: TaskTracker,
    attempts: u32,
}

impl Dispatcher {
    /// Orders come back on `returned` and have to be given to `take_back`.
    pub(crate) fn new(returned: mpsc::UnboundedSender<Returned>, tracker: TaskTracker) -> Self {
        Self {
            places: Vec::new(),
            waiting: VecDeque::new(),
            waiting_runs: VecDeque::new(),
            returned,
            tracker,
            attempts: 1,
        }
    }

    pub(crate) fn set_attempts(&mut self, attempts: u32) {
        self.attempts = attempts.max(1);
    }

    /// Makes these the delegates; orders under way go on where they are.
    pub(crate) fn set_delegates(&mut self, delegates: Vec<Arc<dyn Delegate>>) {
        let held = |name: &DelegateName| {
            let place = self.places.iter().find(|place| place.delegate.name() == name);
            place.map_or((0, 0), |place| (place.in_hand, place.runs))
        };
        let place = |delegate: Arc<dyn Delegate>| {
            let (in_hand, runs) = held(delegate.name());
            Place { delegate, in_hand, runs }
        };
        self.places = delegates.into_iter().map(place).collect();
    }

    pub(crate) fn views(&self) -> Vec<DelegateView> {
        let view = |place: &Place| DelegateView {
            name: place.delegate.name().to_string(),
            kind: place.delegate.kind().to_owned(),
            tags: place.delegate.tags().iter().map(str::to_owned).collect(),
            status: place.delegate.status().code().to_owned(),
            running: place.delegate.running() + place.runs,
            capacity: place.delegate.capacity(),
        };
        self.places.iter().map(view).collect()
    }

    pub(crate) fn delegate(&self, name: &DelegateName) -> Option<&Arc<dyn Delegate>> {
        self.places.iter().map(|place| &place.delegate).find(|delegate| delegate.name() == name)
    }

    /// Whether any delegate does this kind of work.
    pub(crate) fn does(&self, kind: WorkKind) -> bool {
        self.places.iter().any(|place| place.delegate.work().contains(&kind))
    }

    /// Places an order, now or when a delegate is free. An answer means that no delegate takes it any more.
    pub(crate) fn submit(&mut self, order: Order) -> Option<Ended> {
        if order.cancel.is_cancelled() {
            return Some(Ended::unplaced(order, canceled()));
        }
        match select(&order.wanted, &self.candidates(order.task.work.kind())) {
            Selection::Chosen(name) => {
                self.begin(&name, order);
                None
            }
            Selection::Wait => {
                self.queue(order.task.work.kind()).push_back(order);
                None
            }
            Selection::None(failure) => Some(Ended::unplaced(order, failure)),
        }
    }

    /// What is known of the delegates that do this kind of work.
    fn candidates(&self, kind: WorkKind) -> Vec<Candidate> {
        let candidate = |place: &Place| {
            // One that is not there is waited for.
            let is_there = place.delegate.status() == DelegateStatus::Connected;
            let capacity = if is_there { place.delegate.capacity() } else { 0 };
            let (capacity, running) = match kind {
                WorkKind::Run => (capacity, place.runs),
                WorkKind::Probe | WorkKind::Sync => (capacity.saturating_mul(TASKS_A_PLACE), place.in_hand),
            };
            Candidate { name: place.delegate.name().clone(), tags: place.delegate.tags().clone(), capacity, running }
        };
        self.places.iter().filter(|place| place.delegate.work().contains(&kind)).map(candidate).collect()
    }

    fn queue(&mut self, kind: WorkKind) -> &mut VecDeque<Order> {
        match kind {
            WorkKind::Run => &mut self.waiting_runs,
            WorkKind::Probe | WorkKind::Sync => &mut self.waiting,
        }
    }

    fn begin(&mut self, name: &DelegateName, order: Order) {
        let Some(place) = self.places.iter_mut().find(|place| place.delegate.name() == name) else {
            return;
        };
        *place.count(order.task.work.kind()) += 1;
        let delegate = Arc::clone(&place.delegate);
        let returned = self.returned.clone();
        self.tracker.spawn(async move {
            let begun = Instant::now();
            let name = delegate.name().clone();
            let outcome = carry_out(delegate, &order).await;
            let back = Returned { order, delegate: name, outcome, duration: begun.elapsed() };
            // The actor has gone: the agent stops, and what came of this is found again after its next start.
            let _ = returned.send(back);
        });
    }

    /// Frees the place of an order that came back, and begins what waited for one.
    pub(crate) fn take_back(&mut self, returned: Returned) -> (Verdict, Vec<Ended>) {
        let Returned { mut order, delegate, outcome, duration } = returned;
        let kind = order.task.work.kind();
        if let Some(place) = self.places.iter_mut().find(|place| *place.delegate.name() == delegate) {
            let count = place.count(kind);
            *count = count.saturating_sub(1);
        }
        let lost = outcome.result.as_ref().err().filter(|failure| failure.class == FailureClass::DelegateLost).cloned();
        // Whether a run has begun is known to the catalog alone: whoever asked for it decides.
        let may_repeat = kind != WorkKind::Run && order.attempt < self.attempts && !order.cancel.is_cancelled();
        let again = lost.filter(|_| may_repeat);
        let mut impossible = Vec::new();
        let verdict = match again {
            Some(failure) => {
                order.attempt += 1;
                let (task, attempt) = (order.task.clone(), order.attempt);
                impossible.extend(self.submit(order));
                Verdict::PlacedAgain { delegate, attempt, failure, task }
            }
            None => Verdict::Ended(Ended { task: order.task, delegate: Some(delegate), outcome, duration }),
        };
        impossible.extend(self.begin_queue(kind));
        (verdict, impossible)
    }

    /// Begins, in their order, those that waited and can begin; answers for those that nobody can take any more.
    pub(crate) fn begin_waiting(&mut self) -> Vec<Ended> {
        let mut impossible = self.begin_queue(WorkKind::Sync);
        impossible.extend(self.begin_queue(WorkKind::Run));
        impossible
    }

    /// The same for runs alone.
    pub(crate) fn begin_waiting_runs(&mut self) -> Vec<Ended> {
        self.begin_queue(WorkKind::Run)
    }

    fn begin_queue(&mut self, kind: WorkKind) -> Vec<Ended> {
        let waiting = std::mem::take(self.queue(kind));
        waiting.into_iter().filter_map(|order| self.submit(order)).collect()
    }
}

/// Runs one order to its end: in its time, and apart from everything else should it fail badly.
async fn carry_out(delegate: Arc<dyn Delegate>, order: &Order) -> Outcome {
    let (id, name) = (order.task.id, delegate.name().clone());
    if order.cancel.is_cancelled() {
        return Outcome { task: id, result: Err(canceled()) };
    }
    let limit = Duration::from_millis(order.task.time_limit_ms);
    let (task, progress, cancel) = (order.task.clone(), Arc::clone(&order.progress), order.cancel.child_token());
    let stop = cancel.clone();
    let mut running = tokio::spawn(async move { delegate.carry_out(task, progress, cancel).await });
    let ended = match tokio::time::timeout(limit, &mut running).await {
        Ok(ended) => ended,
        Err(_) => {
            stop.cancel();
            if tokio::time::timeout(END_GRACE, &mut running).await.is_err() {
                running.abort();
            }
            let message = format!("delegate {name} did not end within {} s", limit.as_secs());
            return Outcome { task: id, result: Err(Failure::new(FailureClass::Timeout, message)) };
        }
    };
    ended.unwrap_or_else(|_| {
        let message = format!("delegate {name} broke off in the middle of the task");
        Outcome { task: id, result: Err(Failure::new(FailureClass::DelegateLost, message)) }
    })
}
