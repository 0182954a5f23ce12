//! Answers about runs that nobody has asked for yet: an agent that was started again claims its runs one by one.

use std::collections::HashMap;
use std::time::Duration;

use suitesync_contract::DelegateName;
use tokio::time::Instant;

use super::answers::{Answer, Receipt};
use crate::message::Key;

/// How long a run's answers wait for somebody to claim it: longer than an agent takes to read its catalog.
pub(super) const CLAIM_WITHIN: Duration = Duration::from_secs(60);

/// Bytes of answers that wait in memory, in all.
const MAX_HELD: usize = 256 << 20;

#[derive(Debug, Default)]
pub(super) struct Unclaimed {
    runs: HashMap<Key, (Instant, Vec<Answer>)>,
    held: usize,
}

impl Unclaimed {
    /// Keeps an answer. Of one that comes again, the later receipt counts. Past the bound it is not kept, and comes again
    /// from the stream.
    pub(super) fn keep(&mut self, answer: Answer, now: Instant) {
        let (_, answers) = self.runs.entry(answer.envelope.key).or_insert_with(|| (now, Vec::new()));
        if let Some(known) = answers.iter_mut().find(|known| known.receipt.sequence == answer.receipt.sequence) {
            known.receipt = answer.receipt;
        } else if self.held + answer.body.len() <= MAX_HELD {
            self.held += answer.body.len();
            answers.push(answer);
        }
    }

    /// What came of a run before it was claimed, in order.
    pub(super) fn claim(&mut self, key: &Key) -> Vec<Answer> {
        let answers = self.runs.remove(key).map(|(_, answers)| answers).unwrap_or_default();
        self.held -= answers.iter().map(|answer| answer.body.len()).sum::<usize>();
        answers
    }

    /// The runs, each with the delegate that has or had it.
    pub(super) fn runs(&self) -> impl Iterator<Item = (Key, DelegateName)> {
        self.runs.iter().filter_map(|(key, (_, answers))| Some((*key, answers.first()?.delegate.clone())))
    }

    /// Lets go of the runs that nobody claimed in time.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<(Key, Vec<Answer>)> {
        let is_over = |since: &Instant| now.duration_since(*since) >= CLAIM_WITHIN;
        let over: Vec<_> = self.runs.iter().filter(|(_, (since, _))| is_over(since)).map(|(key, _)| *key).collect();
        over.into_iter().map(|key| (key, self.claim(&key))).collect()
    }

    /// On a new connection every answer that is not acknowledged comes again.
    pub(super) fn clear(&mut self) {
        for (_, answers) in self.runs.values_mut() {
            answers.clear();
        }
        self.held = 0;
    }
}

pub(super) fn receipts(answers: Vec<Answer>) -> Vec<Receipt> {
    answers.into_iter().map(|answer| answer.receipt).collect()
}
