//! What the agent has to look after, and when: connections, repositories with their links, and what is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use suitesync_contract::{ConnectionName, LinkName, RepoUrl, RepositoryIdentity, RunId, ScheduleName, Tags};
use tokio::time::Instant;

use super::work::{Waiter, Work};
use crate::catalog::connection::ConnectionRecord;
use crate::catalog::link::LinkRecord;
use crate::config::{ConnectionConfig, LinkConfig, Pin, ScheduleConfig, SecretDigest};
use crate::domain::agenda::Agenda;
use crate::domain::cadence::Cadence;
use crate::domain::connection::DisconnectReason;
use crate::domain::link::ArchiveReason;
use crate::domain::retry::spread_within;
use crate::domain::suite_glob::SuiteGlob;

/// One repository under a connection, as those of its links want it that ask the same of a delegate: they are views of it,
/// and one sync serves them all. Each delegate has one mirror of it, whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryKey {
    pub connection: ConnectionName,
    pub identity: RepositoryIdentity,
    pub tags: Tags,
}

/// What a task is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    Test(ConnectionName),
    Sync(RepositoryKey),
    Run(RunId),
}

/// What falls due; runs do by their schedules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    Test(ConnectionName),
    Sync(RepositoryKey),
    /// A link has been out of the configuration long enough to be archived.
    Remove(LinkName),
    /// Old events and tests are forgotten.
    Forget,
}

#[derive(Debug)]
pub struct ConnectionEntry {
    pub config: Arc<ConnectionConfig>,
    pub record: ConnectionRecord,
    pub work: Option<Work>,
    /// Until when its server asked to be left alone.
    pub quiet_until: Option<Instant>,
    /// What the secret's file held when the server refused it.
    pub refused_secret: Option<SecretDigest>,
}

#[derive(Debug)]
pub struct LinkEntry {
    pub config: Arc<LinkConfig>,
    pub record: LinkRecord,
    pub repository: RepositoryKey,
}

/// Someone who waits for one link of a repository.
#[derive(Debug)]
pub struct LinkWaiter {
    pub link: LinkName,
    pub waiter: Waiter,
}

#[derive(Debug)]
pub struct RepositoryEntry {
    pub url: RepoUrl,
    pub links: BTreeSet<LinkName>,
    /// The sync under way.
    pub work: Option<Work>,
    /// Those whom the sync under way will answer.
    pub waiting: Vec<LinkWaiter>,
    /// Those who asked while one was under way, which may have looked too early for them: the next one answers.
    pub waiting_next: Vec<LinkWaiter>,
    /// Whether it fell due while one was under way, which may have looked too early: the next one follows at once.
    pub is_due_again: bool,
}

/// A schedule, and up to when its slots are dealt with.
#[derive(Debug, Clone)]
pub struct ScheduleEntry {
    pub config: Arc<ScheduleConfig>,
    /// One for each of the configuration's `suites`.
    pub globs: Arc<[SuiteGlob]>,
    pub consumed: DateTime<Utc>,
}

impl ScheduleEntry {
    pub fn new(config: ScheduleConfig, consumed: DateTime<Utc>) -> Self {
        let globs = config.suites.iter().map(|text| SuiteGlob::new(text)).collect();
        Self { config: Arc::new(config), globs, consumed }
    }
}

#[derive(Debug, Default)]
pub struct Plan {
    pub connections: BTreeMap<ConnectionName, ConnectionEntry>,
    pub repositories: BTreeMap<RepositoryKey, RepositoryEntry>,
    pub links: BTreeMap<LinkName, LinkEntry>,
    pub agenda: Agenda<Job, Instant>,
    pub schedules: BTreeMap<ScheduleName, ScheduleEntry>,
    /// When the next slot of each schedule is begun, by the calendar.
    pub slots: Agenda<ScheduleName, DateTime<Utc>>,
}

impl ConnectionEntry {
    /// What connects it again while it is disconnected.
    pub fn way_back(&self) -> String {
        let is_removed = self.record.state.disconnected.contains(&DisconnectReason::Removed);
        let act = format!("suitesync connection reconnect {}", self.record.name);
        way_back(self.config.disconnected.as_ref().map(|pin| ("disconnected", pin)), is_removed, &act)
    }
}

impl LinkEntry {
    /// What brings it back while it is archived.
    pub fn way_back(&self) -> String {
        let is_removed = self.record.state.reasons.contains(&ArchiveReason::Removed);
        let act = format!("suitesync link unarchive {}", self.record.name);
        way_back(self.config.archived.as_ref().map(|pin| ("archived", pin)), is_removed, &act)
    }

    /// Whether the link is to be synced when its repository is.
    pub fn proceeds(&self) -> bool {
        self.record.may_proceed(self.config.proceed) && !self.record.state.is_archived()
    }
}

impl Plan {
    /// Sets the next slot of every schedule anew.
    pub fn set_slots(&mut self) {
        self.slots = Agenda::default();
        let names: Vec<_> = self.schedules.keys().cloned().collect();
        names.iter().for_each(|name| self.set_slot(name));
    }

    /// Sets the slot of a schedule that follows the last one that was dealt with.
    pub fn set_slot(&mut self, name: &ScheduleName) {
        let Some(entry) = self.schedules.get(name) else { return };
        let timetable = &entry.config.timetable;
        if let Some(slot) = timetable.slot_after(entry.consumed) {
            self.slots.set(name.clone(), timetable.begins(slot));
        }
    }

    /// The links of a repository that are to be synced.
    pub fn proceeding(&self, key: &RepositoryKey) -> Vec<&LinkEntry> {
        let names = self.repositories.get(key).into_iter().flat_map(|repository| &repository.links);
        names.filter_map(|name| self.links.get(name)).filter(|link| link.proceeds()).collect()
    }

    /// The repositories of a connection.
    pub fn repositories_of(&self, connection: &ConnectionName) -> Vec<RepositoryKey> {
        self.repositories.keys().filter(|key| key.connection == *connection).cloned().collect()
    }

    /// Groups the links into repositories anew; work under way and those who wait stay. Returns what nobody links.
    pub fn regroup(&mut self) -> Vec<RepositoryEntry> {
        for repository in self.repositories.values_mut() {
            repository.links.clear();
        }
        for (name, link) in &self.links {
            let entry = self.repositories.entry(link.repository.clone()).or_insert_with(|| RepositoryEntry {
                url: link.config.repository.clone(),
                links: BTreeSet::new(),
                work: None,
                waiting: Vec::new(),
                waiting_next: Vec::new(),
                is_due_again: false,
            });
            entry.url = link.config.repository.clone();
            entry.links.insert(name.clone());
        }
        let unused: Vec<_> =
            self.repositories.iter().filter(|(_, entry)| entry.links.is_empty()).map(|(key, _)| key.clone()).collect();
        for key in &unused {
            self.agenda.remove(&Job::Sync(key.clone()));
        }
        unused.iter().filter_map(|key| self.repositories.remove(key)).collect()
    }
}

/// What the configuration says comes first: the act of an operator is refused, or changes nothing, while that stands.
fn way_back(pinned: Option<(&str, &Pin)>, is_removed: bool, act: &str) -> String {
    match pinned {
        Some((key, Pin { file, line })) => format!("take `{key} = true` out of {file}:{line}"),
        None if is_removed => "put it back into the configuration".to_owned(),
        None => format!("take that back: `{act}`"),
    }
}

/// How long from `now` until a cadence is due again.
pub fn interval(cadence: &Cadence, now: DateTime<Utc>) -> Duration {
    match cadence {
        Cadence::Every(interval) => *interval,
        Cadence::Cron(_) => (cadence.next_after(now) - now).to_std().unwrap_or_default(),
    }
}

/// The same after the first sync of a repository, at `now`: its turns are moved to its own place in the interval, so that
/// a thousand links added at once do not poll at once for ever. Times of a calendar stay as they were asked for.
pub fn first_interval(cadence: &Cadence, key: &impl Hash, now: DateTime<Utc>) -> Duration {
    match cadence {
        Cadence::Every(interval) => *interval / 2 + spread_within(key, *interval / 2),
        Cadence::Cron(_) => interval(cadence, now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_turns_have_their_own_place_in_an_interval_and_none_in_a_calendar() {
        let now = "2026-11-21T02:00:00Z".parse().unwrap();
        let hour = Duration::from_secs(3600);
        let places: BTreeSet<_> = (0..100).map(|key| first_interval(&Cadence::Every(hour), &key, now)).collect();
        assert_eq!(places.len(), 100);
        assert!(places.iter().all(|place| (hour / 2..hour).contains(place)));
        let nightly = Cadence::cron("0 0 2 * * *").unwrap();
        assert_eq!(first_interval(&nightly, &"shop", now), 24 * hour);
    }

    #[test]
    fn the_way_back_follows_the_reason() {
        let pin = Pin { file: "conf.d/a.toml".to_owned(), line: 7 };
        let check = |pinned: Option<&Pin>, is_removed, expect: &str| {
            let pinned = pinned.map(|pin| ("archived", pin));
            assert_eq!(way_back(pinned, is_removed, "suitesync link unarchive web"), expect);
        };
        check(None, false, "take that back: `suitesync link unarchive web`");
        check(None, true, "put it back into the configuration");
        check(Some(&pin), false, "take `archived = true` out of conf.d/a.toml:7");
    }
}
