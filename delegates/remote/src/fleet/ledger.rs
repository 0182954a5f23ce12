//! What is known of delegates and tasks, and what follows from each message. Knows neither NATS nor a clock.

mod hearing;
mod judging;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use suitesync_contract::{DelegateName, Failure};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::answers::Receipt;
use super::closed::{Closed, End};
use super::entry::{Answered, Commission, Entry, Trace};
use super::presence::Presence;
use super::unclaimed::Unclaimed;
use super::{Member, Notice};
use crate::message::{Key, Refusal};

/// How long after a piece of a log was given on it is acknowledged: by then it is written down, so that an agent that is
/// killed finds it in one place or the other.
const WRITTEN_WITHIN: Duration = Duration::from_secs(3);

/// How often a delegate is told that a task is not wanted that has ended for the agent: such a message may be lost.
const TOLD_AGAIN: u32 = 3;

pub(super) struct Ledger {
    epoch: u64,
    serial: u64,
    presences: BTreeMap<DelegateName, Presence>,
    entries: HashMap<Key, Entry>,
    closed: Closed,
    unclaimed: Unclaimed,
    /// What is acknowledged at its time.
    due: VecDeque<(Instant, Key, Receipt)>,
    /// Runs whose outcome the agent has and has not recorded yet.
    unsettled: HashMap<Key, Vec<Receipt>>,
    /// Tasks that were canceled and are over for the agent.
    withdrawn: BTreeMap<Key, (DelegateName, u32)>,
    /// The last instance of each delegate that may not serve, and why not.
    turned_away: HashMap<DelegateName, (u64, Refusal)>,
    /// When it was last looked who is lost.
    looked: Option<Instant>,
    /// Whether nobody waits for anything any more, which cancels nothing.
    has_let_go: bool,
}

/// What follows from a message.
#[derive(Debug, Default)]
pub(super) struct Consequence {
    pub(super) acknowledge: Vec<Receipt>,
    pub(super) notices: Vec<Notice>,
}

impl Ledger {
    pub(super) fn new(epoch: u64) -> Self {
        Self {
            epoch,
            serial: 0,
            presences: BTreeMap::new(),
            entries: HashMap::new(),
            closed: Closed::default(),
            unclaimed: Unclaimed::default(),
            due: VecDeque::new(),
            unsettled: HashMap::new(),
            withdrawn: BTreeMap::new(),
            turned_away: HashMap::new(),
            looked: None,
            has_let_go: false,
        }
    }

    /// The key of the next task that is no run.
    pub(super) fn next_key(&mut self) -> Key {
        self.serial += 1;
        Key::Task { epoch: self.epoch, serial: self.serial }
    }

    /// Enters a task; nothing if it is under way or over.
    pub(super) fn enter(
        &mut self,
        key: Key,
        commission: Commission,
        now: Instant,
    ) -> Option<oneshot::Receiver<Answered>> {
        if self.entries.contains_key(&key) || self.closed.get(&key).is_some() {
            return None;
        }
        let (answer, answered) = oneshot::channel();
        self.presences.entry(commission.delegate.clone()).or_insert_with(|| Presence::expected(now));
        self.entries.insert(key, Entry::new(commission, answer));
        Some(answered)
    }

    /// Enters a run that was begun before, with what came of it since.
    pub(super) fn resume(
        &mut self,
        key: Key,
        commission: Commission,
        now: Instant,
    ) -> Option<(oneshot::Receiver<Answered>, Consequence)> {
        let answered = self.enter(key, commission, now)?;
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.is_begun = true;
        }
        let mut consequence = Consequence::default();
        for answer in self.unclaimed.claim(&key) {
            self.hear(answer, now, &mut consequence);
        }
        Some((answered, consequence))
    }

    pub(super) fn entry(&mut self, key: &Key) -> Option<&mut Entry> {
        self.entries.get_mut(key)
    }

    /// Ends a task, for whoever waits and for all that comes of it later.
    pub(super) fn end(&mut self, key: &Key, end: End, answered: Answered) -> Vec<Receipt> {
        self.closed.insert(*key, end);
        self.entries.remove(key).map(|entry| entry.end(answered)).unwrap_or_default()
    }

    /// A task ended as canceled; its delegate is told, should it have it.
    pub(super) fn withdraw(&mut self, key: &Key, failure: Failure) -> Vec<Receipt> {
        if let Some(entry) = self.entries.get(key) {
            self.withdrawn.insert(*key, (entry.commission.delegate.clone(), TOLD_AGAIN));
        }
        self.end(key, End::Answered, Err(failure))
    }

    pub(super) fn let_go(&mut self) {
        self.has_let_go = true;
    }

    /// Whether whoever waited for a task has gone while others still wait.
    fn is_abandoned(&self, entry: &Entry) -> bool {
        entry.is_abandoned() && !self.has_let_go
    }

    /// What each delegate is to be told to end.
    pub(super) fn cancels(&mut self) -> BTreeMap<DelegateName, Vec<Key>> {
        let mut cancels: BTreeMap<DelegateName, Vec<Key>> = BTreeMap::new();
        let is_unwanted = |entry: &Entry| entry.is_canceling || self.is_abandoned(entry);
        for (key, entry) in self.entries.iter().filter(|(_, entry)| is_unwanted(entry)) {
            cancels.entry(entry.commission.delegate.clone()).or_default().push(*key);
        }
        self.withdrawn.retain(|key, (delegate, left)| {
            cancels.entry(delegate.clone()).or_default().push(*key);
            *left -= 1;
            *left > 0
        });
        cancels
    }

    pub(super) fn members(&self) -> BTreeMap<DelegateName, Member> {
        let member = |(name, presence): (&DelegateName, &Presence)| Some((name.clone(), presence.member(name)?));
        self.presences.iter().filter_map(member).collect()
    }

    /// On a new connection: nobody is judged by what could not be heard, and all that is not acknowledged comes again.
    pub(super) fn begin_anew(&mut self, now: Instant) {
        self.presences.values_mut().for_each(|presence| presence.spare(now));
        self.looked = None;
        self.unclaimed.clear();
        self.due.clear();
        for entry in self.entries.values_mut() {
            entry.receipts.clear();
            entry.trace = Trace::default();
        }
        self.unsettled.values_mut().for_each(Vec::clear);
    }
}
