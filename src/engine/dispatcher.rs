//! Hands tasks to delegates: within their capacity, in the order they came, each tried at most so many times.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use suitesync_contract::{DelegateName, Failure, FailureClass, Outcome, Tags, Task};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::delegate::{Delegate, ProgressSink};
use crate::domain::selection::{Candidate, Selection, select};

/// How long a delegate may take to end once its time is over, before its answer is no longer waited for.
const END_GRACE: Duration = Duration::from_secs(5);

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
    /// Tasks in its hands.
    in_hand: u32,
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
    returned: mpsc::UnboundedSender<Returned>,
    tracker: TaskTracker,
    attempts: u32,
}

impl Dispatcher {
    /// Orders come back on `returned` and have to be given to `take_back`.
    pub(crate) fn new(returned: mpsc::UnboundedSender<Returned>, tracker: TaskTracker) -> Self {
        Self { places: Vec::new(), waiting: VecDeque::new(), returned, tracker, attempts: 1 }
    }

    pub(crate) fn set_attempts(&mut self, attempts: u32) {
        self.attempts = attempts.max(1);
    }

    /// Makes these the delegates; orders under way go on where they are.
    pub(crate) fn set_delegates(&mut self, delegates: Vec<Arc<dyn Delegate>>) {
        let in_hand = |name: &DelegateName| {
            self.places.iter().find(|place| place.delegate.name() == name).map_or(0, |place| place.in_hand)
        };
        self.places =
            delegates.into_iter().map(|delegate| Place { in_hand: in_hand(delegate.name()), delegate }).collect();
    }

    pub(crate) fn views(&self) -> Vec<DelegateView> {
        let view = |place: &Place| DelegateView {
            name: place.delegate.name().to_string(),
            kind: place.delegate.kind().to_owned(),
            tags: place.delegate.tags().iter().map(str::to_owned).collect(),
            status: "connected".to_owned(),
            running: place.delegate.running(),
            capacity: place.delegate.capacity(),
        };
        self.places.iter().map(view).collect()
    }

    /// Places an order, now or when a delegate is free. An answer means that no delegate can ever take it.
    pub(crate) fn submit(&mut self, order: Order) -> Option<Ended> {
        match select(&order.wanted, &self.candidates()) {
            Selection::Chosen(name) => {
                self.begin(&name, order);
                None
            }
            Selection::Wait => {
                self.waiting.push_back(order);
                None
            }
            Selection::None(failure) => {
                let outcome = Outcome { task: order.task.id, result: Err(failure) };
                Some(Ended { task: order.task, delegate: None, outcome, duration: Duration::ZERO })
            }
        }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let candidate = |place: &Place| Candidate {
            name: place.delegate.name().clone(),
            tags: place.delegate.tags().clone(),
            capacity: place.delegate.capacity().saturating_mul(TASKS_A_PLACE),
            running: place.in_hand,
        };
        self.places.iter().map(candidate).collect()
    }

    fn begin(&mut self, name: &DelegateName, order: Order) {
        let Some(place) = self.places.iter_mut().find(|place| place.delegate.name() == name) else {
            return;
        };
        place.in_hand += 1;
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
        if let Some(place) = self.places.iter_mut().find(|place| *place.delegate.name() == delegate) {
            place.in_hand = place.in_hand.saturating_sub(1);
        }
        let lost = outcome.result.as_ref().err().filter(|failure| failure.class == FailureClass::DelegateLost).cloned();
        let again = lost.filter(|_| order.attempt < self.attempts && !order.cancel.is_cancelled());
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
        impossible.extend(self.begin_waiting());
        (verdict, impossible)
    }

    /// Begins, in their order, those that waited and can begin; answers for those that nobody can take any more.
    pub(crate) fn begin_waiting(&mut self) -> Vec<Ended> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().filter_map(|order| self.submit(order)).collect()
    }
}

/// Runs one order to its end: in its time, and apart from everything else should it fail badly.
async fn carry_out(delegate: Arc<dyn Delegate>, order: &Order) -> Outcome {
    let (id, name) = (order.task.id, delegate.name().clone());
    if order.cancel.is_cancelled() {
        return Outcome { task: id, result: Err(Failure::new(FailureClass::Canceled, "canceled before it began")) };
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
