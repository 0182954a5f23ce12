//! Which tasks ended lately: what still comes of them means nothing, or is refused.

use std::collections::{HashMap, VecDeque};

use crate::message::Key;

/// How many are remembered. An answer comes again only where its acknowledgement was lost, soon after.
const REMEMBERED: usize = 10_000;

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By its outcome, or canceled: what comes again is passed over.
    Answered,
    /// Its delegate was lost, and another may have it: what comes is refused.
    GivenUp,
}

#[derive(Debug, Default)]
pub(super) struct Closed {
    ends: HashMap<Key, End>,
    order: VecDeque<Key>,
}

impl Closed {
    pub(super) fn insert(&mut self, key: Key, end: End) {
        if self.ends.insert(key, end).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.ends.remove(&oldest);
            }
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<End> {
        self.ends.get(key).copied()
    }
}
