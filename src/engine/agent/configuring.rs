//! Taking up a configuration: what is new or different gets going, what is the same is left alone.

mod written;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use suitesync_contract::{ConnectionName, LinkName};
use tokio::time::Instant;

use super::testing::instant;
use super::{Agent, Job, report_write};
use crate::catalog::connection::ConnectionRecord;
use crate::catalog::link::{self, LinkRecord};
use crate::catalog::{Catalog, CatalogError, Change, results};
use crate::config::{ChangeCounts, ConfigDiff, ConnectionConfig, Environment, Loaded, Secrets, needs_restart};
use crate::domain::event::{Event, EventName};
use crate::domain::link::{ArchiveReason, LinkEvent};
use crate::domain::retry::spread_within;
use crate::engine::control::{Refusal, ReloadOutcome, ReloadReport};
use crate::engine::plan::{ConnectionEntry, LinkEntry, RepositoryKey};

use written::{TakenUp, record};

/// How long a link may be out of the configuration before it is archived: an editor's half-saved file is no removal.
const REMOVAL_GRACE: Duration = Duration::from_secs(10);

/// After a start, what was due while the agent was down is done within this time, and not all at once.
const START_SPREAD: Duration = Duration::from_secs(5);

/// Results in one write: some tens of milliseconds, which nobody minds to wait for.
const ATTACHED_AT_ONCE: u32 = 1_000;

impl Agent {
    /// Takes up what was read from the disk, if it is new and sound.
    pub(super) async fn apply(&mut self, loaded: Loaded) -> Result<ReloadReport, Refusal> {
        let failed = |error: CatalogError| {
            let message = format!("failed to record the configuration: {}", error.cause());
            Refusal::unrecorded(message, error.full_disk())
        };
        let now = Utc::now();
        if loaded.content_hash == self.content_hash {
            self.try_new_secrets();
            let was_rejected = !self.rejected.is_empty();
            self.rejected.clear();
            let outcome = if was_rejected { ReloadOutcome::Applied } else { ReloadOutcome::Unchanged };
            return Ok(self.report(outcome, None));
        }
        let Some(config) = loaded.config else {
            let news = self.rejected != loaded.diagnostics;
            self.rejected = loaded.diagnostics;
            if news {
                self.catalog.tell(self.rejection(now)).await.map_err(failed)?;
            }
            return Ok(self.report(ReloadOutcome::Rejected, None));
        };
        let config = Arc::new(config);
        // What cannot be recorded changes nothing: it can be tried again as it is.
        let taken = record(&self.catalog, &config, now).await.map_err(failed)?;
        let mut changes = ConfigDiff::between(&self.config, &config);
        changes.needs_restart = needs_restart(&self.started_with, &config);
        self.config = config;
        self.content_hash = loaded.content_hash;
        self.rejected = Vec::new();
        self.generation += 1;
        self.configured_at = now;
        self.secrets.store(Arc::new(Secrets::of(&self.config, Environment::of_process())));
        // Secrets and more of a configuration make a delegate, too: those that stay the same are kept.
        self.set_delegates().await;
        self.plan_anew(taken, now);
        report_write("to keep an event", self.catalog.tell(self.acceptance(&changes, now)).await);
        Ok(self.report(ReloadOutcome::Applied, Some(changes)))
    }

    fn report(&self, outcome: ReloadOutcome, changes: Option<ConfigDiff>) -> ReloadReport {
        ReloadReport { outcome, generation: self.generation, changes, diagnostics: self.rejected.clone() }
    }

    fn rejection(&self, now: DateTime<Utc>) -> Event {
        let first = self.rejected.first();
        let told = first.map_or_else(String::new, |first| format!(": {}", first.message));
        let message = format!("the configuration on disk is faulty and the running one stays{told}");
        let event = Event::new(now, EventName::ConfigRejected, message).field("problems", self.rejected.len());
        match first {
            Some(first) => {
                event.field("file", first.file.clone()).field("line", first.line).field("column", first.column)
            }
            None => event,
        }
    }

    fn acceptance(&self, changes: &ConfigDiff, now: DateTime<Utc>) -> Event {
        let message = format!("configuration generation {} is in force", self.generation);
        Event::new(now, EventName::ConfigReloaded, message)
            .field("generation", self.generation)
            .field("added", count(changes, |kind| kind.added))
            .field("changed", count(changes, |kind| kind.changed))
            .field("removed", count(changes, |kind| kind.removed))
            .field("unchanged", count(changes, |kind| kind.unchanged))
            .field("needs_restart", changes.needs_restart.clone())
    }

    /// Brings catalog, plan and agenda in line with the configuration that the agent was started with.
    pub(super) async fn take_up(&mut self, now: DateTime<Utc>) -> Result<(), CatalogError> {
        let taken = record(&self.catalog, &self.config, now).await?;
        self.plan_anew(taken, now);
        Ok(())
    }

    /// Brings plan and agenda in line with a configuration that is recorded.
    fn plan_anew(&mut self, taken: TakenUp, now: DateTime<Utc>) {
        self.attach_results(taken.attaching);
        let gone: Vec<_> = taken.links.keys().filter(|name| !self.config.links.contains_key(*name)).cloned().collect();
        self.plan_connections(taken.connections);
        self.plan_links(taken.links);
        self.plan_schedules(taken.schedules, now);
        self.drop_barred();
        self.queue_unplaced();
        for name in gone {
            self.plan.agenda.set_at_latest(Job::Remove(name), Instant::now() + REMOVAL_GRACE);
        }
    }

    /// Gives the cases of links what their project already holds, a little at a time: it may be a year's results.
    fn attach_results(&self, links: Vec<i64>) {
        let catalog = self.catalog.clone();
        self.tracker.spawn(async move {
            for link in links {
                report_write("to link existing results", attach_results(&catalog, link).await);
            }
        });
    }

    fn plan_connections(&mut self, mut records: BTreeMap<ConnectionName, ConnectionRecord>) {
        let config = Arc::clone(&self.config);
        let gone: Vec<_> =
            self.plan.connections.keys().filter(|name| !config.connections.contains_key(*name)).cloned().collect();
        for name in gone {
            self.quiet_connection(&name);
            self.plan.connections.remove(&name);
            self.plan.agenda.remove(&Job::Test(name));
        }
        for (name, settings) in &config.connections {
            let Some(record) = records.remove(name) else {
                continue;
            };
            self.plan_connection(name, settings, record);
        }
    }

    fn plan_connection(&mut self, name: &ConnectionName, settings: &ConnectionConfig, record: ConnectionRecord) {
        let config = Arc::new(settings.clone());
        let entry = ConnectionEntry { config, record, work: None, quiet_until: None, refused_secret: None };
        let first = first_test(&entry);
        let is_disconnected = entry.record.state.is_disconnected();
        let Some(before) = self.plan.connections.get_mut(name) else {
            self.plan.connections.insert(name.clone(), entry);
            if !is_disconnected {
                self.plan.agenda.set(Job::Test(name.clone()), first);
            }
            return;
        };
        let is_back = before.record.state.is_disconnected() && !is_disconnected;
        let has_changed = is_back || before.record.revision != entry.record.revision;
        let has_other_cadence = before.config.test_cadence != entry.config.test_cadence;
        // What files hold that the configuration names is no key of it, but may be what a failure waited for.
        let may_pass_now = before.record.failure.is_some() && relies_on_other_files(&before.config, &entry.config);
        before.config = entry.config;
        before.record = entry.record;
        let is_idle = before.work.is_none();
        if is_disconnected {
            self.quiet_connection(name);
            self.plan.agenda.remove(&Job::Test(name.clone()));
        } else if has_changed {
            // What is under way tries settings of yesterday; its end begins the next.
            self.quiet_connection(name);
            self.plan.agenda.set(Job::Test(name.clone()), Instant::now());
        } else if may_pass_now {
            self.plan.agenda.set(Job::Test(name.clone()), Instant::now());
        } else if has_other_cadence && is_idle {
            let next = instant(settings.test_cadence.next_after(Utc::now()));
            self.plan.agenda.set(Job::Test(name.clone()), next);
        }
    }

    /// Cancels everything under way for a connection, and lets those go who wait for it.
    pub(super) fn quiet_connection(&mut self, name: &ConnectionName) {
        if let Some(work) = self.plan.connections.get(name).and_then(|entry| entry.work.as_ref()) {
            work.cancel.cancel();
        }
        for key in self.plan.repositories_of(name) {
            let Some(repository) = self.plan.repositories.get_mut(&key) else {
                continue;
            };
            if let Some(work) = &repository.work {
                work.cancel.cancel();
            }
            repository.waiting.clear();
            repository.waiting_next.clear();
        }
    }

    fn plan_links(&mut self, mut records: BTreeMap<LinkName, LinkRecord>) {
        let config = Arc::clone(&self.config);
        let mut stirred = Vec::new();
        self.plan.links.retain(|name, _| config.links.contains_key(name));
        for (name, settings) in &config.links {
            let Some(record) = records.remove(name) else {
                continue;
            };
            self.plan.agenda.remove(&Job::Remove(name.clone()));
            let identity = settings.repository.identity().clone();
            let (connection, tags) = (settings.connection.clone(), config.tags_of_link(settings));
            let repository = RepositoryKey { connection, identity, tags };
            let before = self.plan.links.get(name);
            let same = before.is_some_and(|before| {
                before.repository == repository
                    && before.record.revision == record.revision
                    && before.record.state.is_archived() == record.state.is_archived()
                    && before.config.sync_cadence == settings.sync_cadence
                    && before.config.proceed == settings.proceed
            });
            if !same {
                stirred.push((name.clone(), repository.clone()));
            }
            let entry = LinkEntry { config: Arc::new(settings.clone()), record, repository };
            self.plan.links.insert(name.clone(), entry);
        }
        for repository in self.plan.regroup() {
            if let Some(work) = repository.work {
                work.cancel.cancel();
            }
        }
        stirred.iter().for_each(|(name, key)| self.set_first_sync(name, key));
    }

    /// Sets when a new or changed link is looked at, and one that is as it was before the agent started.
    fn set_first_sync(&mut self, name: &LinkName, key: &RepositoryKey) {
        let Some(link) = self.plan.links.get(name).filter(|link| link.proceeds()) else {
            return;
        };
        let due = match (link.record.known(), link.record.checked_at) {
            (Some(_), Some(checked)) => {
                let due = instant(link.config.sync_cadence.next_after(checked));
                due.max(Instant::now() + spread_within(key, START_SPREAD))
            }
            (None, _) | (Some(_), None) => Instant::now(),
        };
        self.plan.agenda.set_at_latest(Job::Sync(key.clone()), due);
    }

    /// Archives a link that has been out of the configuration for longer than the grace.
    pub(super) async fn remove_link(&mut self, name: &LinkName) {
        if self.config.links.contains_key(name) {
            return;
        }
        let gone = name.clone();
        let archive = LinkEvent::Archive(ArchiveReason::Removed);
        let written = self.catalog.write(move |change| link::apply(change, &gone, archive, Utc::now())).await;
        if written.is_ok() {
            self.drop_queued(name);
        } else {
            // Its queued runs stay for as long as the catalog has them as queued.
            self.plan.agenda.set(Job::Remove(name.clone()), Instant::now() + REMOVAL_GRACE);
        }
        report_write("to archive a link", written);
    }
}

async fn attach_results(catalog: &Catalog, link: i64) -> Result<(), CatalogError> {
    let attach = move |change: &mut Change<'_>| results::attach_existing(change.sql(), link, Some(ATTACHED_AT_ONCE));
    while catalog.write(attach).await? > 0 {}
    Ok(())
}

/// How many of each kind.
fn count(changes: &ConfigDiff, of: impl Fn(ChangeCounts) -> usize) -> serde_json::Value {
    serde_json::json!({
        "connections": of(changes.connections.counts()),
        "links": of(changes.links.counts()),
        "schedules": of(changes.schedules.counts()),
        "delegates": of(changes.delegates.counts()),
    })
}

/// Whether a file that decides who is believed holds something else than before.
fn relies_on_other_files(before: &ConnectionConfig, now: &ConnectionConfig) -> bool {
    before.host_keys != now.host_keys
        || before.additional_certs != now.additional_certs
        || before.client_certificate != now.client_certificate
}

/// When a connection is tested first after a start: one that passed before in its turn; one that failed soon, since
/// whoever started the agent anew may have mended it.
fn first_test(entry: &ConnectionEntry) -> Instant {
    let soon = Instant::now() + spread_within(&entry.config.name, START_SPREAD);
    match (&entry.record.failure, entry.record.next_test_at) {
        _ if !entry.record.is_tested() => Instant::now(),
        (None, Some(due)) => instant(due).max(soon),
        (Some(_), _) | (None, None) => soon,
    }
}
