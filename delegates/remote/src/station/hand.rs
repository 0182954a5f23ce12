//! What a delegate has in hand, from when a task came until its outcome is stored.

use std::collections::{HashMap, HashSet, VecDeque};

use tokio_util::sync::CancellationToken;

use crate::message::Key;

/// How many keys are remembered that were canceled before their task came.
const REMEMBERED: usize = 1_000;

/// Where one part of a task lies, and what keeps it from coming again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lying {
    pub(super) sequence: u64,
    pub(super) reply: String,
}

#[derive(Debug)]
struct Held {
    cancel: CancellationToken,
    lying: Vec<Lying>,
    /// Why it was ended without anybody asking for that.
    cut_off: Option<&'static str>,
}

#[derive(Debug, Default)]
pub(super) struct Hand {
    tasks: HashMap<Key, Held>,
    canceled: HashSet<Key>,
    order: VecDeque<Key>,
}

impl Hand {
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Takes a task. One that is in hand already came again: it is only known where it lies now.
    pub(super) fn take(&mut self, key: Key, lying: Vec<Lying>) -> Option<CancellationToken> {
        if let Some(held) = self.tasks.get_mut(&key) {
            held.lying = lying;
            return None;
        }
        let cancel = CancellationToken::new();
        if self.canceled.contains(&key) {
            cancel.cancel();
        }
        self.tasks.insert(key, Held { cancel: cancel.clone(), lying, cut_off: None });
        Some(cancel)
    }

    pub(super) fn release(&mut self, key: &Key) {
        self.tasks.remove(key);
    }

    pub(super) fn lying(&self, key: &Key) -> Vec<Lying> {
        self.tasks.get(key).map(|held| held.lying.clone()).unwrap_or_default()
    }

    /// Everything that has to be kept from coming again.
    pub(super) fn replies(&self) -> Vec<String> {
        let waiting = self.tasks.iter().filter(|(key, _)| !key.is_run());
        waiting.flat_map(|(_, held)| held.lying.iter().map(|lying| lying.reply.clone())).collect()
    }

    pub(super) fn runs(&self) -> Vec<Key> {
        self.tasks.keys().filter(|key| key.is_run()).copied().collect()
    }

    /// A task is not wanted any more; it may be still on its way here.
    pub(super) fn cancel(&mut self, key: Key) {
        if let Some(held) = self.tasks.get(&key) {
            held.cancel.cancel();
        } else if self.canceled.insert(key) {
            self.order.push_back(key);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.canceled.remove(&oldest);
            }
        }
    }

    /// Ends everything, without anybody asking for that.
    pub(super) fn cut_off_all(&mut self, why: &'static str) {
        self.tasks.values_mut().for_each(|held| held.cut_off(why));
    }

    /// Ends every run, without anybody asking for that.
    pub(super) fn cut_off_runs(&mut self, why: &'static str) {
        self.tasks.iter_mut().filter(|(key, _)| key.is_run()).for_each(|(_, held)| held.cut_off(why));
    }

    pub(super) fn why_cut_off(&self, key: &Key) -> Option<&'static str> {
        self.tasks.get(key)?.cut_off
    }
}

impl Held {
    fn cut_off(&mut self, why: &'static str) {
        self.cut_off = Some(why);
        self.cancel.cancel();
    }
}

#[cfg(test)]
mod tests {
    use suitesync_contract::RunId;

    use super::*;

    const RUN: Key = Key::Run { run: RunId(1), fence: 1 };
    const TASK: Key = Key::Task { epoch: 1, serial: 1 };

    fn lying(sequence: u64) -> Vec<Lying> {
        vec![Lying { sequence, reply: format!("reply-{sequence}") }]
    }

    #[test]
    fn a_task_that_comes_again_is_not_begun_again() {
        let mut hand = Hand::default();
        assert!(hand.take(TASK, lying(1)).is_some());
        assert!(hand.take(TASK, lying(2)).is_none());
        assert_eq!(hand.replies(), ["reply-2"]);
    }

    #[test]
    fn a_cancel_that_is_faster_than_its_task_counts() {
        let mut hand = Hand::default();
        hand.cancel(RUN);
        assert!(hand.take(RUN, lying(1)).unwrap().is_cancelled());
    }

    #[test]
    fn only_runs_end_with_the_lease() {
        let mut hand = Hand::default();
        let (run, task) = (hand.take(RUN, lying(1)).unwrap(), hand.take(TASK, lying(2)).unwrap());
        hand.cut_off_runs("the lease ran out");
        assert_eq!((run.is_cancelled(), hand.why_cut_off(&RUN)), (true, Some("the lease ran out")));
        assert_eq!((task.is_cancelled(), hand.why_cut_off(&TASK)), (false, None));
    }
}
