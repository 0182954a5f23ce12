//! What delegates say, and what becomes known by it. Any of it may come again, late, or never.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::{Consequence, Ledger, WRITTEN_WITHIN};
use crate::fleet::Notice;
use crate::fleet::answers::{Answer, Receipt};
use crate::fleet::closed::End;
use crate::fleet::entry::{Answered, Trace};
use crate::fleet::presence::Presence;
use crate::message::{Announcement, Content, Key, Refusal};

impl Ledger {
    /// What there is to tell of a delegate that may not serve: nothing where it knows, or it was told since it started.
    pub(in crate::fleet) fn turn_away(&mut self, announcement: &Announcement, refusal: Refusal) -> Option<Notice> {
        let (delegate, turned_away) = (announcement.name.clone(), (announcement.instance, refusal));
        let is_told = self.turned_away.insert(delegate.clone(), turned_away) == Some(turned_away);
        let is_known = announcement.refusal == Some(refusal);
        (!is_told && !is_known).then_some(Notice::NotAccepted { delegate, refusal })
    }

    /// What a delegate said before we listened: it is there if it says more.
    pub(in crate::fleet) fn recall(&mut self, announcement: Announcement, now: Instant) {
        let name = announcement.name.clone();
        self.presences.entry(name).or_insert_with(|| Presence::expected(now)).recall(announcement);
    }

    pub(in crate::fleet) fn announce(&mut self, announcement: Announcement, now: Instant) {
        let of_it = self.entries.iter_mut().filter(|(_, entry)| entry.commission.delegate == announcement.name);
        for (key, entry) in of_it {
            let is_listed = announcement.runs.contains(key);
            entry.is_listed |= is_listed;
            entry.trace = match entry.trace {
                _ if is_listed => Trace::Listed,
                Trace::Listed if entry.is_begun || entry.is_listed => Trace::MissingOnce,
                Trace::MissingOnce => Trace::Suspected,
                trace @ (Trace::Listed | Trace::Suspected | Trace::DoomedAfter(_)) => trace,
            };
        }
        // It was lost for a while, and has not stopped them yet.
        for key in announcement.runs.iter().filter(|key| self.closed.get(key) == Some(End::GivenUp)) {
            self.withdrawn.insert(*key, (announcement.name.clone(), 1));
        }
        let name = announcement.name.clone();
        self.presences.entry(name).or_insert_with(|| Presence::expected(now)).announce(announcement, now);
    }

    /// Takes an answer from the stream; answers come in their order, and may come again.
    pub(in crate::fleet) fn hear(&mut self, answer: Answer, now: Instant, consequence: &mut Consequence) {
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
        let abandoned = self.entries.get(&key).filter(|entry| self.is_abandoned(entry));
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
    pub(in crate::fleet) fn settle(&mut self, key: &Key) -> Vec<Receipt> {
        if self.closed.get(key).is_none() {
            self.closed.insert(*key, End::Answered);
        }
        let is_of_it = |(_, of, _): &(Instant, Key, Receipt)| of == key;
        let (of_it, others): (VecDeque<_>, _) = std::mem::take(&mut self.due).into_iter().partition(is_of_it);
        self.due = others;
        let pieces = of_it.into_iter().map(|(_, _, receipt)| receipt);
        pieces.chain(self.unsettled.remove(key).unwrap_or_default()).collect()
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
