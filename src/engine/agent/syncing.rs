//! Syncs of repositories: begun when due or asked for, recorded link by link, and when they are due again.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::Utc;
use suitesync_contract::{ConnectionName, Facts, Failure, FailureClass, LinkName, LinkReport};
use tokio::time::Instant;

use super::operating::unrecorded;
use super::{Agent, Ended, Job, Note, Purpose};
use crate::catalog::link::{self, LinkRecord};
use crate::catalog::sync::{self, EndedSync, SyncSummary};
use crate::catalog::{Catalog, CatalogError};
use crate::domain::event::{Event, EventName};
use crate::domain::retry::{FIRST_RETRY, LONGEST_RETRY, retry_delay, spread_within};
use crate::engine::control::Refusal;
use crate::engine::plan::{LinkEntry, LinkWaiter, RepositoryKey, first_interval, interval};
use crate::engine::tasks;
use crate::engine::work::{Update, Waiter, Work};

/// A sync that is in the catalog, or that could not be written there.
pub(super) struct RecordedSync {
    key: RepositoryKey,
    results: Result<Vec<(SyncSummary, Option<LinkRecord>)>, CatalogError>,
}

/// Whether a repository may be reached now.
enum Leave {
    Granted,
    /// Its connection has not been tested yet, or no link of it is to be synced.
    Later,
    /// Its server asked to be left alone until then.
    After(Instant),
    /// Its connection's credentials were refused: trying on could lock the account.
    Held(Failure),
}

impl Agent {
    pub(super) fn sync_now(&mut self, name: &LinkName, waiter: Waiter) -> Result<(), Refusal> {
        let link = self.plan.links.get(name).ok_or_else(|| Refusal::unknown("link", name.as_str()))?;
        if link.record.state.is_archived() {
            let message = format!("link `{name}` is archived");
            return Err(Refusal::conflict(message, link.way_back()));
        }
        if !link.proceeds() {
            let message = format!("link `{name}` does not proceed by itself (`proceed = \"manual\"`)");
            return Err(Refusal::conflict(message, format!("let it: suitesync link proceed {name}")));
        }
        let connection = &link.config.connection;
        if let Some(entry) = self.plan.connections.get(connection)
            && entry.record.state.is_disconnected()
        {
            let message = format!("connection `{connection}` of link `{name}` is disconnected");
            return Err(Refusal::conflict(message, entry.way_back()));
        }
        let key = link.repository.clone();
        let waiting = LinkWaiter { link: name.clone(), waiter };
        if let Some(repository) = self.plan.repositories.get_mut(&key) {
            // A sync under way may have asked the server before the change that this one is about.
            repository.waiting_next.push(waiting);
        }
        self.begin_sync(&key);
        Ok(())
    }

    pub(super) async fn proceed_now(&mut self, name: &LinkName, waiter: Waiter) -> Result<(), Refusal> {
        let link = self.plan.links.get(name).ok_or_else(|| Refusal::unknown("link", name.as_str()))?;
        let revision = link.record.revision;
        let written = name.clone();
        let result = self.catalog.write(move |change| link::let_proceed(change, &written)).await;
        result.map_err(unrecorded)?;
        if let Some(link) = self.plan.links.get_mut(name) {
            link.record.proceeded = Some(revision);
        }
        self.sync_now(name, waiter)
    }

    fn leave(&self, key: &RepositoryKey) -> Leave {
        let Some(connection) = self.plan.connections.get(&key.connection) else {
            return Leave::Later;
        };
        let record = &connection.record;
        if record.state.is_disconnected() || !record.is_tested() || self.plan.proceeding(key).is_empty() {
            return Leave::Later;
        }
        let is_asked = self.plan.repositories.get(key).is_some_and(|entry| !entry.waiting_next.is_empty());
        if let Some(until) = connection.quiet_until.filter(|until| *until > Instant::now() && !is_asked) {
            return Leave::After(until);
        }
        match &record.failure {
            Some(failure) if record.is_held() => Leave::Held(failure.clone()),
            Some(_) | None => Leave::Granted,
        }
    }

    /// Begins a sync unless one is under way; then the next one follows it.
    pub(super) fn begin_sync(&mut self, key: &RepositoryKey) {
        let Some(repository) = self.plan.repositories.get_mut(key) else { return };
        if repository.work.is_some() {
            repository.is_due_again = true;
            return;
        }
        match self.leave(key) {
            // The end of the test wakes it.
            Leave::Later => {}
            Leave::After(until) => {
                let turn = until + spread_within(key, FIRST_RETRY);
                self.plan.agenda.set_at_latest(Job::Sync(key.clone()), turn);
            }
            Leave::Held(failure) => self.hold(key, &failure),
            Leave::Granted => self.send_sync(key),
        }
    }

    fn send_sync(&mut self, key: &RepositoryKey) {
        let id = self.next_task();
        let views = self.plan.proceeding(key).into_iter();
        let views = views.map(|link| tasks::view(&link.config, link.record.revision, link.record.known())).collect();
        let cancel = self.stop.child_token();
        let Some(connection) = self.plan.connections.get(&key.connection) else { return };
        let Some(repository) = self.plan.repositories.get_mut(key) else { return };
        repository.work = Some(Work { cancel: cancel.clone(), waiters: Vec::new() });
        repository.waiting.append(&mut repository.waiting_next);
        // What it was due for later is served now; the end of this one sets its next turn.
        self.plan.agenda.remove(&Job::Sync(key.clone()));
        let task = tasks::sync(id, &connection.config, repository.url.clone(), views);
        self.submit(Purpose::Sync(key.clone()), task, key.tags.clone(), cancel);
    }

    /// Shows the links of a held connection why they stand still, without a request.
    fn hold(&mut self, key: &RepositoryKey, failure: &Failure) {
        let told = |link: &LinkEntry| link.record.failure.as_ref().is_some_and(|shown| shown.class == failure.class);
        let reports = |link: &LinkEntry| LinkReport {
            link: link.config.name.clone(),
            revision: link.record.revision,
            result: Err(failure.clone()),
        };
        let waits = self.plan.repositories.get(key).is_some_and(|repository| !repository.waiting_next.is_empty());
        let links = self.plan.proceeding(key);
        if links.iter().all(|link| told(link)) && !waits {
            return self.set_next_sync(key, &BTreeSet::new());
        }
        let reports = links.into_iter().map(reports).collect();
        if let Some(repository) = self.plan.repositories.get_mut(key) {
            repository.work = Some(Work { cancel: self.stop.child_token(), waiters: Vec::new() });
            repository.waiting.append(&mut repository.waiting_next);
        }
        self.record_syncs(key, reports, None, Duration::ZERO);
    }

    pub(super) fn end_sync(&mut self, key: &RepositoryKey, ended: Ended) {
        let suitesync_contract::Work::Sync(task) = ended.task.work else { return };
        let reports = match ended.outcome.result {
            Ok(Facts::Sync(report)) => {
                if let Some(reason) = report.mirror_rebuilt {
                    self.tell_rebuilt(key, ended.delegate.as_ref(), &reason);
                }
                report.links
            }
            Ok(Facts::Probe(_) | Facts::Run(_)) => {
                let failure = Failure::new(FailureClass::Internal, "the delegate answered a sync with something else");
                all_failed(task.links, &failure)
            }
            Err(failure) => all_failed(task.links, &failure),
        };
        self.record_syncs(key, reports, ended.delegate, ended.duration);
    }

    fn tell_rebuilt(&self, key: &RepositoryKey, delegate: Option<&suitesync_contract::DelegateName>, reason: &str) {
        let message = format!("the mirror of {} was fetched anew: {reason}", key.identity);
        let event = Event::new(Utc::now(), EventName::MirrorRebuilt, message)
            .connection(&key.connection)
            .delegate(delegate)
            .field("reason", reason);
        let catalog = self.catalog.clone();
        self.tracker.spawn(async move { super::report_write("to keep an event", catalog.tell(event).await) });
    }

    fn record_syncs(
        &mut self,
        key: &RepositoryKey,
        reports: Vec<LinkReport>,
        delegate: Option<suitesync_contract::DelegateName>,
        duration: Duration,
    ) {
        let at = Utc::now();
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let canceled =
            |report: &LinkReport| matches!(&report.result, Err(failure) if failure.class == FailureClass::Canceled);
        let reports = reports.into_iter().filter(|report| !canceled(report));
        let ended: Vec<_> =
            reports.map(|report| EndedSync { report, at, delegate: delegate.clone(), duration_ms }).collect();
        let (catalog, notes, key) = (self.catalog.clone(), self.notes.clone(), key.clone());
        self.tracker.spawn(async move {
            let results = record(&catalog, ended).await;
            // Nobody is left to hear it when the agent stops; it is in the catalog.
            let _ = notes.send(Note::Synced(RecordedSync { key, results }));
        });
    }

    pub(super) fn synced(&mut self, recorded: RecordedSync) {
        let RecordedSync { key, results } = recorded;
        let (waiting, is_due_again) = match self.plan.repositories.get_mut(&key) {
            Some(repository) => {
                repository.work = None;
                (std::mem::take(&mut repository.waiting), std::mem::take(&mut repository.is_due_again))
            }
            None => (Vec::new(), false),
        };
        match results {
            Ok(results) => {
                let mut first = BTreeSet::new();
                for (summary, record) in results {
                    self.doubt(&key.connection, &summary);
                    self.heed(&key.connection, summary.failure.as_ref());
                    for waiting in waiting.iter().filter(|waiting| waiting.link == summary.link) {
                        // Whoever asked may have gone.
                        let _ = waiting.waiter.send(Update::Synced(summary.clone()));
                    }
                    if let (Some(link), Some(record)) = (self.plan.links.get_mut(&summary.link), record) {
                        let before = std::mem::replace(&mut link.record, record);
                        first.extend(before.synced_at.is_none().then_some(summary.link));
                    }
                }
                self.set_next_sync(&key, &first);
            }
            Err(error) => {
                let failure = error.failure(self.catalog.path());
                for LinkWaiter { link, waiter } in waiting {
                    // Whoever asked may have gone.
                    let _ = waiter.send(Update::Synced(SyncSummary::unrecorded(link, failure.clone())));
                }
                self.plan.agenda.set_at_latest(Job::Sync(key.clone()), Instant::now() + FIRST_RETRY);
            }
        }
        if is_due_again {
            self.begin_sync(&key);
        }
    }

    /// Tests a connection at once of which a link is refused as no link was before: going on could lock the account.
    fn doubt(&mut self, connection: &ConnectionName, summary: &SyncSummary) {
        let Some(failure) = summary.failure.as_ref().filter(|failure| failure.class.holds_connection()) else { return };
        let before = self.plan.links.get(&summary.link).and_then(|link| link.record.failure.as_ref());
        let is_held = self.plan.connections.get(connection).is_some_and(|entry| entry.record.is_held());
        if !is_held && before.is_none_or(|before| before.class != failure.class) {
            self.begin_test(connection, None);
        }
    }

    /// Leaves a whole server alone that asked for it: its limits count accounts, not repositories.
    fn heed(&mut self, connection: &ConnectionName, failure: Option<&Failure>) {
        let asked = failure.filter(|failure| failure.class == FailureClass::RateLimited);
        let seconds = asked.and_then(|failure| failure.retry_after).map(Duration::from_secs);
        if let (Some(seconds), Some(entry)) = (seconds, self.plan.connections.get_mut(connection)) {
            let until = Instant::now() + seconds.min(LONGEST_RETRY);
            entry.quiet_until = Some(entry.quiet_until.map_or(until, |before| before.max(until)));
        }
    }

    /// Sets when the repository is looked at next: as soon as the first of its links wants it. Some were synced for the
    /// `first` time.
    fn set_next_sync(&mut self, key: &RepositoryKey, first: &BTreeSet<LinkName>) {
        let now = Utc::now();
        let delay = |link: &&LinkEntry| {
            let cadence = &link.config.sync_cadence;
            match &link.record.failure {
                Some(failure) => retry_delay(failure, link.record.failures, interval(cadence, now), fastrand::f64()),
                None if first.contains(&link.config.name) => first_interval(cadence, key, now),
                None => interval(cadence, now),
            }
        };
        if let Some(delay) = self.plan.proceeding(key).iter().map(delay).min() {
            self.plan.agenda.set_at_latest(Job::Sync(key.clone()), Instant::now() + delay);
        }
    }
}

/// Records the links of one sync together. One that cannot be written leaves the others' records as they were, too.
async fn record(
    catalog: &Catalog,
    ended: Vec<EndedSync>,
) -> Result<Vec<(SyncSummary, Option<LinkRecord>)>, CatalogError> {
    catalog.write(move |change| ended.iter().map(|ended| sync::record(change, ended)).collect()).await
}

fn all_failed(links: Vec<suitesync_contract::LinkView>, failure: &Failure) -> Vec<LinkReport> {
    let report = |view: suitesync_contract::LinkView| LinkReport {
        link: view.link,
        revision: view.revision,
        result: Err(failure.clone()),
    };
    links.into_iter().map(report).collect()
}
