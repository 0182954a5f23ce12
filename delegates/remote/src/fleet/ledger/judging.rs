//! Who is lost, and what becomes of tasks that nobody will answer for.

use std::collections::BTreeMap;
use std::time::Duration;

use suitesync_contract::{DelegateName, Failure, FailureClass, Progress, RunId};
use tokio::time::Instant;

use super::{Consequence, Ledger, TOLD_AGAIN};
use crate::fleet::answers::Receipt;
use crate::fleet::closed::End;
use crate::fleet::entry::{Entry, Trace};
use crate::fleet::presence::Presence;
use crate::fleet::unclaimed::receipts;
use crate::fleet::{Notice, Resumption};
use crate::message::{Content, Key};

/// Between two looks, this long means that the agent itself was held up: nobody is judged by what it did not hear.
const HELD_UP: Duration = Duration::from_secs(3);

impl Ledger {
    /// What the time has come for.
    pub(in crate::fleet) fn pass_time(&mut self, now: Instant) -> Consequence {
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
        let is_forsaken = |entry: &Entry| self.is_abandoned(entry) && entry.sequences.is_empty() && !entry.is_begun;
        self.entries.iter().filter(|(_, entry)| is_forsaken(entry)).map(|(key, _)| *key).collect()
    }

    /// Tasks that were handed to a delegate which is lost, with where the first part lies. Of those that were begun it
    /// has to be found out whether an answer is on its way: they become suspects.
    pub(in crate::fleet) fn orphans(&mut self) -> Vec<(Key, u64)> {
        let mut orphans = Vec::new();
        for (key, entry) in &mut self.entries {
            let presence = self.presences.get(&entry.commission.delegate);
            if presence.is_none_or(|presence| presence.lost().is_none()) {
                continue;
            }
            match (entry.is_begun, entry.trace, entry.sequences.first()) {
                (true, Trace::Listed | Trace::MissingOnce, _) => entry.trace = Trace::Suspected,
                (false, Trace::Listed | Trace::MissingOnce, Some(first)) => orphans.push((*key, *first)),
                (true, Trace::Suspected | Trace::DoomedAfter(_), _) | (false, _, _) => {}
            }
        }
        orphans
    }

    /// The delegate took the task, and is lost.
    pub(in crate::fleet) fn suspect(&mut self, key: &Key) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.trace = Trace::Suspected;
        }
    }

    /// Ends a task of a lost delegate. One that was claimed counts as begun, whether that was told or not.
    pub(in crate::fleet) fn bury(&mut self, key: &Key, was_claimed: bool) -> Vec<Receipt> {
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
    pub(in crate::fleet) fn has_suspects(&self) -> bool {
        self.entries.values().any(|entry| entry.trace == Trace::Suspected)
    }

    /// Every answer up to this one was stored before the runs were missed for the second time.
    pub(in crate::fleet) fn doom(&mut self, answer: u64) {
        for entry in self.entries.values_mut().filter(|entry| entry.trace == Trace::Suspected) {
            entry.trace = Trace::DoomedAfter(answer);
        }
    }

    /// Tasks that their delegate no longer has, now that all answers up to this one were heard. Of a run that may not have
    /// been begun, where it lay.
    pub(in crate::fleet) fn doomed(&self, heard: u64) -> Vec<(Key, Option<u64>)> {
        let is_doomed = |entry: &Entry| matches!(entry.trace, Trace::DoomedAfter(answer) if answer <= heard);
        let place = |entry: &Entry| entry.sequences.first().copied().filter(|_| !entry.is_begun);
        let doomed = self.entries.iter().filter(|(_, entry)| is_doomed(entry));
        doomed.map(|(key, entry)| (*key, place(entry))).collect()
    }

    /// Runs that were begun and that nobody has asked for: an earlier start handed them out.
    pub(in crate::fleet) fn left(&self) -> Vec<Resumption> {
        let in_hand =
            self.presences.iter().flat_map(|(name, presence)| presence.runs().iter().map(|key| (*key, name.clone())));
        let all: BTreeMap<Key, DelegateName> = self.unclaimed.runs().chain(in_hand).collect();
        let is_left = |key: &Key| !self.entries.contains_key(key) && self.closed.get(key).is_none();
        let resumption = |(key, delegate)| match key {
            Key::Run { run, fence } if is_left(&key) => Some(Resumption { delegate, run, fence }),
            Key::Run { .. } | Key::Task { .. } => None,
        };
        all.into_iter().filter_map(resumption).collect()
    }

    /// Gives up what an earlier start handed out of the same run: its delegate is told to end it.
    pub(in crate::fleet) fn overtake(&mut self, run: RunId) -> Option<DelegateName> {
        let of_it: Vec<_> = self.left().into_iter().filter(|left| left.run == run).collect();
        for Resumption { delegate, run, fence } in &of_it {
            self.withdrawn.insert(Key::Run { run: *run, fence: *fence }, (delegate.clone(), TOLD_AGAIN));
        }
        of_it.into_iter().next().map(|left| left.delegate)
    }
}
