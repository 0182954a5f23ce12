//! Hands tasks to delegates: within their capacity, in the order they came, each tried at most so many times.
//!
//! What holds, whatever delegates and configurations do meanwhile:
//! - An order that was submitted ends exactly once, as an `Ended`: with an answer of `submit`, or later.
//! - A delegate's counts say what is in its hands, also while it is out of the configuration and when it is back.
//! - Who is taken is decided by `domain/selection.rs` alone.

mod hands;
mod order;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use chrono::Utc;
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{ConnectionName, DelegateName, Failure, RepositoryIdentity, RunId, Task, TaskId};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::delegate::Delegate;
use crate::domain::attempt::Attempt;
use crate::domain::selection::{
    Candidate, Preference, Selection, Verdict, Wanted, can_be_asked, choose, select, verdicts, waited_for,
};
use hands::Hands;

pub(crate) use order::{Ended, Order, Reassigned, Returned, wanted};
pub use view::DelegateView;

/// What a returned order means.
pub(crate) enum Return {
    Ended(Box<Ended>),
    /// Another delegate has it, or it waits for one.
    PlacedAgain(Reassigned),
    /// A run that had not begun. It has to be handed out anew before it is submitted again, or two outcomes could count.
    RunUnbegun(RunId, Reassigned, Box<Order>),
}

/// What became of an order that was to be placed.
enum Placing {
    Begun(DelegateName),
    Waits(Order),
    Ended(Ended),
}

/// What each delegate lacks for a task, and who would get it now.
#[derive(Debug, Clone)]
pub(crate) struct Judgement {
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) chosen: Option<(DelegateName, Preference)>,
}

/// What is to be done for a task that waited in vain for whom nobody has heard of yet.
const NOT_ALL_KNOWN: &str = "delegates on other hosts are known once NATS is reached: see `suitesync status`";

type Repository = (ConnectionName, RepositoryIdentity);

pub(crate) struct Dispatcher {
    delegates: Vec<Arc<dyn Delegate>>,
    hands: Hands,
    drained: BTreeSet<DelegateName>,
    /// Who served a repository last: its mirror there is warm.
    served: HashMap<Repository, DelegateName>,
    waiting: VecDeque<Order>,
    waiting_runs: VecDeque<Order>,
    /// Who has which order in hand.
    holders: HashMap<TaskId, DelegateName>,
    /// Whether there may be delegates that nobody has heard of yet.
    may_more_come: bool,
    returned: mpsc::UnboundedSender<Returned>,
    tracker: TaskTracker,
    attempts: u32,
}

impl Dispatcher {
    /// Orders come back on `returned` and have to be given to `take_back`.
    pub(crate) fn new(returned: mpsc::UnboundedSender<Returned>, tracker: TaskTracker) -> Self {
        Self {
            delegates: Vec::new(),
            hands: Hands::default(),
            drained: BTreeSet::new(),
            served: HashMap::new(),
            waiting: VecDeque::new(),
            waiting_runs: VecDeque::new(),
            holders: HashMap::new(),
            may_more_come: false,
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
        for delegate in &delegates {
            let is_same = |before: &Arc<dyn Delegate>| Arc::ptr_eq(before, delegate);
            if !self.delegates.iter().any(is_same) {
                // It has another way to its servers now, or may have.
                self.hands.forget_back_offs(delegate.name());
            }
        }
        self.delegates = delegates;
        let is_there = |name: &DelegateName| self.delegates.iter().any(|delegate| delegate.name() == name);
        self.hands.retain(is_there);
        self.served.retain(|_, name| is_there(name));
    }

    /// These take nothing new.
    pub(crate) fn set_drained(&mut self, drained: BTreeSet<DelegateName>) {
        self.drained = drained;
    }

    pub(crate) fn drained(&self) -> &BTreeSet<DelegateName> {
        &self.drained
    }

    pub(crate) fn views(&self) -> Vec<DelegateView> {
        let candidates = self.candidates();
        self.delegates.iter().zip(&candidates).map(|(delegate, known)| DelegateView::new(&**delegate, known)).collect()
    }

    pub(crate) fn delegate(&self, name: &DelegateName) -> Option<&Arc<dyn Delegate>> {
        self.delegates.iter().find(|delegate| delegate.name() == name)
    }

    /// What nobody can take waits for delegates that nobody has heard of yet, until it is said that all are known.
    pub(crate) fn expect_more(&mut self) {
        self.may_more_come = true;
    }

    /// All delegates are known that there are. Begins what waited, and answers for what nobody can take.
    pub(crate) fn expect_no_more(&mut self) -> Vec<Ended> {
        self.may_more_come = false;
        self.begin_waiting()
    }

    pub(crate) fn all_known(&self) -> bool {
        !self.may_more_come
    }

    /// Who has a task in hand.
    pub(crate) fn holder(&self, task: TaskId) -> Option<&DelegateName> {
        self.holders.get(&task)
    }

    /// Takes a place for a run that its delegate has had since before the agent started.
    pub(crate) fn occupy(&mut self, delegate: &DelegateName) {
        self.hands.take(delegate, WorkKind::Run);
    }

    /// Gives that place back, and begins what waited for it.
    pub(crate) fn vacate(&mut self, delegate: &DelegateName) -> Vec<Ended> {
        self.hands.give_back(delegate, WorkKind::Run);
        self.begin_waiting_runs()
    }

    /// Whether any delegate does this kind of work, as far as they are known.
    pub(crate) fn may_do(&self, kind: WorkKind) -> bool {
        self.may_more_come || self.delegates.iter().any(|delegate| delegate.work().contains(&kind))
    }

    /// What is known of the delegates now.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let now = Utc::now();
        self.delegates.iter().map(|delegate| self.hands.candidate(&**delegate, &self.drained, now)).collect()
    }

    /// What would become of a task if it were placed now.
    pub(crate) fn judge(&self, wanted: &Wanted, task: Option<&Task>) -> Judgement {
        let candidates = self.candidates();
        let chosen = choose(wanted, &candidates, task.and_then(|task| self.warm(task)));
        Judgement { verdicts: verdicts(wanted, &candidates), chosen }
    }

    /// Places an order, now or when a delegate is free. An answer means that no delegate takes it any more.
    pub(crate) fn submit(&mut self, order: Order) -> Option<Ended> {
        self.place_or_queue(order).err().map(|ended| *ended)
    }

    /// Who has begun it; nobody while it waits.
    fn place_or_queue(&mut self, order: Order) -> Result<Option<DelegateName>, Box<Ended>> {
        let mut candidates = self.candidates();
        match self.place(order, &mut candidates) {
            Placing::Begun(name) => Ok(Some(name)),
            Placing::Waits(order) => {
                self.queue(order.wanted.work).push_back(order);
                Ok(None)
            }
            Placing::Ended(ended) => Err(Box::new(ended)),
        }
    }

    fn place(&mut self, order: Order, candidates: &mut [Candidate]) -> Placing {
        if order.is_canceled() {
            return Placing::Ended(order.canceled());
        }
        match select(&order.wanted, candidates, self.warm(&order.task)) {
            Selection::Chosen(name) => {
                // It was chosen among these; were it not there, the order would have to wait for it.
                let Some(delegate) = self.delegate(&name).cloned() else { return Placing::Waits(order) };
                if let Some(chosen) = candidates.iter_mut().find(|candidate| candidate.name == name) {
                    chosen.take(order.wanted.work);
                    chosen.last_used = self.hands.take(&name, order.wanted.work);
                }
                self.begin(delegate, order);
                Placing::Begun(name)
            }
            Selection::WaitForPlace => Placing::Waits(order),
            Selection::WaitForDelegate if order.has_failed() => Placing::Ended(order.end_as_failed()),
            Selection::WaitForDelegate => Placing::Waits(order),
            Selection::Nobody(_) if self.may_more_come => Placing::Waits(order),
            Selection::Nobody(failure) => Placing::Ended(order.unplaced(failure)),
        }
    }

    fn warm(&self, task: &Task) -> Option<&DelegateName> {
        self.served.get(&repository(task))
    }

    fn queue(&mut self, kind: WorkKind) -> &mut VecDeque<Order> {
        match kind {
            WorkKind::Run => &mut self.waiting_runs,
            WorkKind::Probe | WorkKind::Sync => &mut self.waiting,
        }
    }

    /// Its place is counted already.
    fn begin(&mut self, delegate: Arc<dyn Delegate>, order: Order) {
        self.holders.insert(order.task.id, delegate.name().clone());
        let returned = self.returned.clone();
        self.tracker.spawn(async move {
            // The actor has gone: the agent stops, and what came of this is found again after its next start.
            let _ = returned.send(order.carry_out(delegate).await);
        });
    }

    /// Frees the place of an order that came back, and begins what waited for one.
    pub(crate) fn take_back(&mut self, returned: Returned) -> (Return, Vec<Ended>) {
        let kind = returned.order.wanted.work;
        self.hands.give_back(&returned.ended.delegate, kind);
        self.holders.remove(&returned.order.task.id);
        let mut impossible = Vec::new();
        let verdict = match self.learn(&returned) {
            Some(failure) => self.repeat(returned, failure, &mut impossible),
            None => Return::Ended(Box::new(returned.end())),
        };
        impossible.extend(self.begin_queue(kind));
        (verdict, impossible)
    }

    /// Notes what an attempt says about its delegate; the failure after which somebody is to try again.
    fn learn(&mut self, returned: &Returned) -> Option<Failure> {
        let Returned { order, ended, attempt } = returned;
        match attempt {
            Attempt::Lost(failure) => order.may_repeat(self.attempts).then(|| failure.clone()),
            Attempt::Unconnected(failure, server) => {
                if !can_be_asked(&order.wanted.without(&ended.delegate), &self.candidates()) {
                    return None;
                }
                self.hands.back_off(&ended.delegate, order.host(*server), failure.class);
                order.may_repeat(self.attempts).then(|| failure.clone())
            }
            Attempt::Connected => {
                self.hands.reached(&ended.delegate, &order.wanted.hosts);
                if order.wanted.work != WorkKind::Probe {
                    self.served.insert(repository(&order.task), ended.delegate.clone());
                }
                None
            }
            Attempt::Silent => None,
        }
    }

    fn repeat(&mut self, returned: Returned, failure: Failure, impossible: &mut Vec<Ended>) -> Return {
        let (order, mut reassigned) = returned.again(failure);
        if let Some(run) = reassigned.run {
            return Return::RunUnbegun(run, reassigned, Box::new(order));
        }
        match self.place_or_queue(order) {
            Ok(to) => reassigned.to = to,
            Err(ended) => impossible.push(*ended),
        }
        Return::PlacedAgain(reassigned)
    }

    /// Ends an order that still waits, with what it waits for.
    pub(crate) fn give_up(&mut self, task: TaskId) -> Option<Ended> {
        let place = self.waiting.iter().position(|order| order.task.id == task)?;
        let order = self.waiting.remove(place)?;
        if order.is_canceled() {
            return Some(order.canceled());
        }
        let failure = waited_for(&order.wanted, &self.candidates());
        Some(order.unplaced(if self.may_more_come { failure.with_hint(NOT_ALL_KNOWN) } else { failure }))
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
        let mut candidates = self.candidates();
        // Whoever wants the same as one that has to wait would wait, too.
        let mut waited = HashSet::new();
        let mut impossible = Vec::new();
        for order in waiting {
            if waited.contains(&order.wanted) && !order.is_canceled() {
                self.queue(kind).push_back(order);
                continue;
            }
            match self.place(order, &mut candidates) {
                Placing::Begun(_) => {}
                Placing::Waits(order) => {
                    waited.insert(order.wanted.clone());
                    self.queue(kind).push_back(order);
                }
                Placing::Ended(ended) => impossible.push(ended),
            }
        }
        impossible
    }
}

fn repository(task: &Task) -> Repository {
    (task.access.connection.clone(), task.access.url.identity().clone())
}
