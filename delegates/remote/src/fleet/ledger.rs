//! What is known of delegates and tasks, and what follows from each message. Knows neither NATS nor a clock.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use suitesync_contract::{DelegateName, Failure, FailureClass, Progress, RunId};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::answers::{Answer, Receipt};
use super::closed::{Closed, End};
use super::entry::{Answered, Commission, Entry, Trace};
use super::presence::Presence;
use super::unclaimed::{Unclaimed, receipts};
use super::{Member, Notice, Resumption};
use crate::message::{Announcement, Content, Key};

/// How long after a piece of a log was given on it is acknowledged: by then it is written down, so that an agent that is
/// killed finds it in one place or the other.
pub(super) const WRITTEN_WITHIN: Duration = Duration::from_secs(3);

/// Between two looks, this long means that the agent itself was held up: nobody is judged by what it did not hear.
const HELD_UP: Duration = Duration::from_secs(3);

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
    /// The last instance of each delegate that is not accepted.
    turned_away: HashMap<DelegateName, u64>,
    /// When it was last looked who is lost.
    looked: Option<Instant>,
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

    /// What each delegate is to be told to end.
    pub(super) fn cancels(&mut self) -> BTreeMap<DelegateName, Vec<Key>> {
        let mut cancels: BTreeMap<DelegateName, Vec<Key>> = BTreeMap::new();
        for (key, entry) in self.entries.iter().filter(|(_, entry)| entry.is_canceling || entry.is_abandoned()) {
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

    /// Whether a delegate that is not accepted was not turned away before, since it started.
    pub(super) fn turn_away(&mut self, delegate: &DelegateName, instance: u64) -> bool {
        self.turned_away.insert(delegate.clone(), instance) != Some(instance)
    }

    /// What a delegate said before we listened: it is there if it says more.
    pub(super) fn recall(&mut self, announcement: Announcement, now: Instant) {
        let name = announcement.name.clone();
        self.presences.entry(name).or_insert_with(|| Presence::expected(now)).recall(announcement);
    }

    pub(super) fn announce(&mut self, announcement: Announcement, now: Instant) {
        let is_of_it = |entry: &Entry| entry.is_begun && entry.commission.delegate == announcement.name;
        for (key, entry) in self.entries.iter_mut().filter(|(_, entry)| is_of_it(entry)) {
            entry.trace = match entry.trace {
                _ if announcement.runs.contains(key) => Trace::Listed,
                Trace::Listed => Trace::MissingOnce,
                Trace::MissingOnce => Trace::Suspected,
                trace @ (Trace::Suspected | Trace::DoomedAfter(_)) => trace,
            };
        }
        // It was lost for a while, and has not stopped them yet.
        for key in announcement.runs.iter().filter(|key| self.closed.get(key) == Some(End::GivenUp)) {
            self.withdrawn.insert(*key, (announcement.name.clone(), 1));
        }
        let name = announcement.name.clone();
        self.presences.entry(name).or_insert_with(|| Presence::expected(now)).announce(announcement, now);
    }

    /// Runs that were begun and that nobody has asked for: an earlier start handed them out.
    pub(super) fn left(&self) -> Vec<Resumption> {
        let in_hand = self.presences.iter().flat_map(|(name, presence)| {
            presence.runs().iter().map(|key| (*key, name.clone()))
        });
        let all: BTreeMap<Key, DelegateName> = self.unclaimed.runs().chain(in_hand).collect();
        let is_left = |key: &Key| !self.entries.contains_key(key) && self.closed.get(key).is_none();
        let resumption = |(key, delegate)| match key {
            Key::Run { run, fence } if is_left(&key) => Some(Resumption { delegate, run, fence }),
            Key::Run { .. } | Key::Task { .. } => None,
        };
        all.into_iter().filter_map(resumption).collect()
    }

    /// Gives up what an earlier start handed out of the same run: its delegate is told to end it.
    pub(super) fn overtake(&mut self, run: RunId) -> Option<DelegateName> {
        let of_it: Vec<_> = self.left().into_iter().filter(|left| left.run == run).collect();
        for Resumption { delegate, run, fence } in &of_it {
            self.withdrawn.insert(Key::Run { run: *run, fence: *fence }, (delegate.clone(), TOLD_AGAIN));
        }
        of_it.into_iter().next().map(|left| left.delegate)
    }

    /// Takes an answer from the stream; answers come in their order, and may come again.
    pub(super) fn hear(&mut self, answer: Answer, now: Instant, consequence: &mut Consequence) {
        let key = answer.envelope.key;
        if let Some(receipts) = self.unsettled.get_mut(&key) {
            receipts.retain(|known| known.sequence != answer.receipt.sequence);
            return receipts.push(answer.receipt);
        }
        let Some(entry) = self.entries.get_mut(&key) else {
            return self.hear_unasked(answer, now, consequence);
        };
        if entry.commission.delegate != answer.delegate {
            return refuse(answer, consequence);
        }
        match answer.envelope.content {
            Content::Progress => {
                entry.progress(&answer.body);
                self.due.push_back((now + WRITTEN_WITHIN, key, answer.receipt));
            }
            Content::Outcome => {
                let answered = entry.outcome(&answer);
                entry.receipts.push(answer.receipt);
                if let Some(answered) = answered {
                    self.conclude(key, answered, consequence);
                }
            }
            Content::Task => consequence.acknowledge.push(answer.receipt),
        }
    }

    /// A task came to its outcome. That of a run is kept until it is settled, unless whoever asked has gone.
    fn conclude(&mut self, key: Key, answered: Answered, consequence: &mut Consequence) {
        let abandoned = self.entries.get(&key).filter(|entry| entry.is_abandoned());
        match abandoned.map(|entry| entry.commission.delegate.clone()) {
            Some(delegate) => {
                consequence.notices.push(Notice::Refused { delegate, key });
                consequence.acknowledge.extend(self.end(&key, End::GivenUp, answered));
            }
            None if key.is_run() => {
                let receipts = self.end(&key, End::Answered, answered);
                self.unsettled.insert(key, receipts);
            }
            None => consequence.acknowledge.extend(self.end(&key, End::Answered, answered)),
        }
    }

    fn hear_unasked(&mut self, answer: Answer, now: Instant, consequence: &mut Consequence) {
        let key = answer.envelope.key;
        match (key, self.closed.get(&key)) {
            (_, Some(End::GivenUp)) => refuse(answer, consequence),
            (Key::Run { .. }, None) => self.unclaimed.keep(answer, now),
            // Asked by an earlier start, which is as good as never, or acknowledged before in vain.
            (Key::Task { .. }, _) | (Key::Run { .. }, Some(End::Answered)) => {
                consequence.acknowledge.push(answer.receipt);
            }
        }
    }

    /// The agent has recorded what came of a run.
    pub(super) fn settle(&mut self, key: &Key) -> Vec<Receipt> {
        if self.closed.get(key).is_none() {
            self.closed.insert(*key, End::Answered);
        }
        let (of_it, others) = std::mem::take(&mut self.due).into_iter().partition(|(_, of, _)| of == key);
        self.due = others;
        let pieces = VecDeque::into_iter(of_it).map(|(_, _, receipt)| receipt);
        pieces.chain(self.unsettled.remove(key).unwrap_or_default()).collect()
    }

    /// What the time has come for.
    pub(super) fn pass_time(&mut self, now: Instant) -> Consequence {
        let was_held_up = self.looked.is_some_and(|looked| now.duration_since(looked) >= HELD_UP);
        self.looked = Some(now);
        for presence in self.presences.values_mut() {
            if was_held_up { presence.spare(now) } else { presence.judge(now) }
        }
        let mut consequence = Consequence::default();
        for key in self.forsaken() {
            consequence.acknowledge.extend(self.withdraw(&key, Failure::new(FailureClass::Canceled, "given up")));
        }
        while let Some((_, _, receipt)) = self.due.pop_front_if(|(at, ..)| *at <= now) {
            consequence.acknowledge.push(receipt);
        }
        for (key, answers) in self.unclaimed.expire(now) {
            self.closed.insert(key, End::GivenUp);
            let delegates = answers.iter().filter(|answer| answer.envelope.content == Content::Outcome);
            if let Some(delegate) = delegates.map(|answer| answer.delegate.clone()).next() {
                consequence.notices.push(Notice::Refused { delegate, key });
            }
            consequence.acknowledge.extend(receipts(answers));
        }
        consequence
    }

    /// Tasks that nobody waits for and that nobody was handed.
    fn forsaken(&self) -> Vec<Key> {
        let is_forsaken = |entry: &Entry| entry.is_abandoned() && entry.sequences.is_empty() && !entry.is_begun;
        self.entries.iter().filter(|(_, entry)| is_forsaken(entry)).map(|(key, _)| *key).collect()
    }

    /// Tasks that were handed to a delegate which is lost, with where the first part lies. Of those that were begun it
    /// has to be found out whether an answer is on its way: they become suspects.
    pub(super) fn orphans(&mut self) -> Vec<(Key, u64)> {
        let mut orphans = Vec::new();
        for (key, entry) in &mut self.entries {
            let presence = self.presences.get(&entry.commission.delegate);
            if presence.is_none_or(|presence| presence.lost().is_none()) {
                continue;
            }
            match (entry.is_begun, entry.trace, entry.sequences.first()) {
                (true, Trace::Listed | Trace::MissingOnce, _) => entry.trace = Trace::Suspected,
                (false, Trace::Listed, Some(first)) => orphans.push((*key, *first)),
                (true, Trace::Suspected | Trace::DoomedAfter(_), _) | (false, _, _) => {}
            }
        }
        orphans
    }

    /// The delegate took the task, and is lost.
    pub(super) fn suspect(&mut self, key: &Key) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.trace = Trace::Suspected;
        }
    }

    /// Ends a task of a lost delegate. One that was claimed counts as begun, whether that was told or not.
    pub(super) fn bury(&mut self, key: &Key, was_claimed: bool) -> Vec<Receipt> {
        let Some(entry) = self.entries.get_mut(key) else { return Vec::new() };
        if key.is_run() && was_claimed && !entry.is_begun {
            (entry.commission.progress)(Progress::Started { marker: serde_json::Value::Null });
        }
        let delegate = entry.commission.delegate.clone();
        let reason = self.presences.get(&delegate).and_then(Presence::lost).unwrap_or("it no longer has the task");
        let failure = Failure::new(FailureClass::DelegateLost, format!("delegate {delegate} is lost: {reason}"));
        self.withdrawn.insert(*key, (delegate, TOLD_AGAIN));
        self.end(key, End::GivenUp, Err(failure))
    }

    /// Whether there are runs of which it has to be found out whether an answer is on its way.
    pub(super) fn has_suspects(&self) -> bool {
        self.entries.values().any(|entry| entry.trace == Trace::Suspected)
    }

    /// Every answer up to this one was stored before the runs were missed for the second time.
    pub(super) fn doom(&mut self, answer: u64) {
        for entry in self.entries.values_mut().filter(|entry| entry.trace == Trace::Suspected) {
            entry.trace = Trace::DoomedAfter(answer);
        }
    }

    /// Runs that their delegate no longer has, now that all answers up to this one were heard.
    pub(super) fn doomed(&self, heard: u64) -> Vec<Key> {
        let is_doomed = |entry: &Entry| matches!(entry.trace, Trace::DoomedAfter(answer) if answer <= heard);
        self.entries.iter().filter(|(_, entry)| is_doomed(entry)).map(|(key, _)| *key).collect()
    }
}

fn refuse(answer: Answer, consequence: &mut Consequence) {
    let Answer { delegate, envelope, receipt, .. } = answer;
    let is_last = envelope.part.index + 1 == envelope.part.count;
    if envelope.content == Content::Outcome && is_last {
        consequence.notices.push(Notice::Refused { delegate, key: envelope.key });
    }
    consequence.acknowledge.push(receipt);
}
