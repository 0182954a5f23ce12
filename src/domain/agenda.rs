//! When things fall due: a set of keys, each with one time, taken out in the order of their times.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// Keys with their due times. Generic over time, so that tests need no clock.
#[derive(Debug)]
pub struct Agenda<Key, Time> {
    order: BTreeSet<(Time, Key)>,
    due: HashMap<Key, Time>,
}

impl<Key: Clone + Ord + Hash, Time: Copy + Ord> Default for Agenda<Key, Time> {
    fn default() -> Self {
        Self { order: BTreeSet::new(), due: HashMap::new() }
    }
}

impl<Key: Clone + Ord + Hash, Time: Copy + Ord> Agenda<Key, Time> {
    /// Sets when `key` falls due, in place of what was set before.
    pub fn set(&mut self, key: Key, at: Time) {
        self.remove(&key);
        self.order.insert((at, key.clone()));
        self.due.insert(key, at);
    }

    /// Lets `key` fall due at `at`, or earlier where it already does.
    pub fn set_at_latest(&mut self, key: Key, at: Time) {
        if self.due.get(&key).is_none_or(|current| at < *current) {
            self.set(key, at);
        }
    }

    pub fn remove(&mut self, key: &Key) {
        if let Some(at) = self.due.remove(key) {
            self.order.remove(&(at, key.clone()));
        }
    }

    /// The earliest time that anything falls due.
    pub fn next(&self) -> Option<Time> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes out the earliest key that is due at `now`.
    pub fn pop_due(&mut self, now: Time) -> Option<Key> {
        if self.next()? > now {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        self.due.remove(&key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_out_in_the_order_of_their_times_and_only_when_due() {
        let mut agenda = Agenda::default();
        agenda.set("b", 20);
        agenda.set("a", 10);
        agenda.set("c", 30);
        assert_eq!(agenda.next(), Some(10));
        assert_eq!(agenda.pop_due(20), Some("a"));
        assert_eq!(agenda.pop_due(20), Some("b"));
        assert_eq!(agenda.pop_due(20), None);
    }

    #[test]
    fn a_key_stands_once_with_its_latest_time() {
        let mut agenda = Agenda::default();
        agenda.set("a", 10);
        agenda.set("a", 30);
        assert_eq!(agenda.pop_due(20), None);
        agenda.set_at_latest("a", 40);
        agenda.set_at_latest("a", 15);
        assert_eq!(agenda.pop_due(20), Some("a"));
        assert_eq!(agenda.next(), None);
    }

    #[test]
    fn a_removed_key_never_falls_due() {
        let mut agenda = Agenda::default();
        agenda.set("a", 10);
        agenda.remove(&"a");
        assert_eq!(agenda.pop_due(100), None);
    }
}
