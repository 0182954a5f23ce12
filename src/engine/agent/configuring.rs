//! Taking up a configuration: what is new or different gets going, what is the same is left alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use suitesync_contract::{ConnectionName, LinkName};
use tokio::time::Instant;

use super::testing::instant;
use super::{Agent, Job};
use crate::catalog::connection::{self, ConfiguredConnection, ConnectionRecord};
use crate::catalog::link::{self, ConfiguredLink, LinkRecord};
use crate::catalog::{CatalogError, Change};
use crate::config::ConfigDiff;
use crate::config::Environment;
use crate::config::Loaded;
use crate::config::Secrets;
use crate::config::{Config, ConnectionConfig, LinkConfig};
use crate::domain::connection::{ConnectionEvent, DisconnectReason};
use crate::domain::event::{Event, EventName};
use crate::domain::link::{ArchiveReason, LinkEvent};
use crate::domain::retry::spread_within;
use crate::engine::control::{Refusal, ReloadOutcome, ReloadReport};
use crate::engine::plan::{ConnectionEntry, LinkEntry, RepositoryKey};

/// How long a link may be out of the configuration before it is archived: an editor's half-saved file is no removal.
const REMOVAL_GRACE: Duration = Duration::from_secs(10);

/// After a start, what was due while the agent was down is done within this time, and not all at once.
const START_SPREAD: Duration = Duration::from_secs(5);

/// What the catalog says of everything once a configuration is written there.
struct TakenUp {
    connections: BTreeMap<ConnectionName, ConnectionRecord>,
    links: BTreeMap<LinkName, LinkRecord>,
}

impl Agent {
    /// Takes up what was read from the disk, if it is new and sound.
    pub(super) async fn apply(&mut self, loaded: Loaded) -> Result<ReloadReport, Refusal> {
        let failed = |error: CatalogError| Refusal::unavailable(format!("failed to record the configuration: {error}"));
        let now = Utc::now();
        if loaded.content_hash == self.content_hash {
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
        let changes = ConfigDiff::between(&self.config, &config);
        self.config = Arc::new(config);
        self.content_hash = loaded.content_hash;
        self.rejected = Vec::new();
        self.generation += 1;
        self.configured_at = now;
        self.secrets.store(Arc::new(Secrets::new(self.config.secrets.clone(), Environment::of_process())));
        if !changes.delegates.is_empty() {
            self.set_delegates().await.map_err(failed)?;
        }
        self.take_up(now).await.map_err(failed)?;
        self.catalog.tell(self.acceptance(&changes, now)).await.map_err(failed)?;
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
        let count = |connections: usize, links: usize, delegates: usize| serde_json::json!({ "connections": connections, "links": links, "delegates": delegates });
        let (connections, links, delegates) = (&changes.connections, &changes.links, &changes.delegates);
        let message = format!("configuration generation {} is in force", self.generation);
        Event::new(now, EventName::ConfigReloaded, message)
            .field("generation", self.generation)
            .field("added", count(connections.added.len(), links.added.len(), delegates.added.len()))
            .field("changed", count(connections.changed.len(), links.changed.len(), delegates.changed.len()))
            .field("removed", count(connections.removed.len(), links.removed.len(), delegates.removed.len()))
            .field("unchanged", count(connections.unchanged.len(), links.unchanged.len(), delegates.unchanged.len()))
            .field("needs_restart", changes.needs_restart.clone())
    }

    pub(super) async fn set_delegates(&mut self) -> Result<(), CatalogError> {
        let delegates = (self.hire)(&self.config.delegates);
        self.dispatcher.set_attempts(self.config.agent.attempts);
        for delegate in &delegates {
            let tags: Vec<_> = delegate.tags().iter().collect();
            let message = format!("delegate {} is ready to take tasks", delegate.name());
            let event = Event::new(Utc::now(), EventName::DelegateConnected, message)
                .delegate(Some(delegate.name()))
                .field("tags", tags)
                .field("capacity", delegate.capacity());
            self.catalog.tell(event).await?;
        }
        self.dispatcher.set_delegates(delegates);
        for ended in self.dispatcher.begin_waiting() {
            self.end(ended);
        }
        Ok(())
    }

    /// Brings catalog, plan and agenda in line with the configuration.
    pub(super) async fn take_up(&mut self, now: DateTime<Utc>) -> Result<(), CatalogError> {
        let config = Arc::clone(&self.config);
        let taken = self.catalog.write(move |change| write_down(change, &config, now)).await?;
        let gone: Vec<_> = taken.links.keys().filter(|name| !self.config.links.contains_key(*name)).cloned().collect();
        self.plan_connections(taken.connections);
        self.plan_links(taken.links);
        for name in gone {
            self.plan.agenda.set_at_latest(Job::Remove(name), Instant::now() + REMOVAL_GRACE);
        }
        Ok(())
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
        let before =
            self.plan.connections.get(name).map(|entry| (entry.record.revision, entry.config.test_cadence.clone()));
        let revision = record.revision;
        let (disconnected, tested) = (record.state.is_disconnected(), record.is_tested());
        let due = record.next_test_at.filter(|_| tested).map(instant);
        if let Some(entry) = self.plan.connections.get_mut(name) {
            entry.config = Arc::new(settings.clone());
            entry.record = record;
        } else {
            let entry = ConnectionEntry { config: Arc::new(settings.clone()), record, work: None };
            self.plan.connections.insert(name.clone(), entry);
        }
        if disconnected {
            self.quiet_connection(name);
            self.plan.agenda.remove(&Job::Test(name.clone()));
        } else if before.as_ref().is_some_and(|(before, _)| *before != revision) {
            // What is under way tries settings of yesterday.
            self.quiet_connection(name);
            self.plan.agenda.set(Job::Test(name.clone()), Instant::now());
        } else {
            let cadence_changed = before.is_some_and(|(_, cadence)| cadence != settings.test_cadence);
            let spread = spread_within(name, START_SPREAD);
            let at = match due {
                Some(due) if !cadence_changed => due.max(Instant::now() + if tested { spread } else { Duration::ZERO }),
                Some(_) => instant(settings.test_cadence.next_after(Utc::now())),
                None => Instant::now(),
            };
            let under_way = self.plan.connections.get(name).is_some_and(|entry| entry.work.is_some());
            if !under_way {
                self.plan.agenda.set(Job::Test(name.clone()), at);
            }
        }
    }

    /// Cancels everything under way for a connection.
    fn quiet_connection(&mut self, name: &ConnectionName) {
        if let Some(work) = self.plan.connections.get(name).and_then(|entry| entry.work.as_ref()) {
            work.cancel.cancel();
        }
        for key in self.plan.repositories_of(name) {
            if let Some(work) = self.plan.repositories.get(&key).and_then(|repository| repository.work.as_ref()) {
                work.cancel.cancel();
            }
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
            let repository = RepositoryKey { connection: settings.connection.clone(), identity };
            let before = self.plan.links.get(name);
            let same = before.is_some_and(|before| {
                before.record.revision == record.revision
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
        super::report_write(written);
    }
}

/// Writes a configuration down: everything it holds and everything that is no longer in it.
fn write_down(change: &mut Change<'_>, config: &Config, now: DateTime<Utc>) -> Result<TakenUp, CatalogError> {
    let mut connections = BTreeMap::new();
    for settings in config.connections.values() {
        connections.insert(settings.name.clone(), write_connection(change, settings, now)?);
    }
    for record in connection::list(change.sql())? {
        let removed = DisconnectReason::Removed;
        if !config.connections.contains_key(&record.name) && !record.state.disconnected.contains(&removed) {
            connection::apply(change, &record.name, ConnectionEvent::Disconnect(removed), now)?;
        }
    }
    let mut links = BTreeMap::new();
    for settings in config.links.values() {
        let silent = connections.get(&settings.connection).is_some_and(|record| record.state.is_disconnected());
        links.insert(settings.name.clone(), write_link(change, settings, silent, now)?);
    }
    for record in link::list(change.sql())? {
        if !config.links.contains_key(&record.name) && !record.state.reasons.contains(&ArchiveReason::Removed) {
            links.insert(record.name.clone(), record);
        }
    }
    Ok(TakenUp { connections, links })
}

fn write_connection(
    change: &mut Change<'_>,
    settings: &ConnectionConfig,
    now: DateTime<Utc>,
) -> Result<ConnectionRecord, CatalogError> {
    let configured = ConfiguredConnection {
        name: settings.name.clone(),
        display_name: settings.display_name.clone(),
        fingerprint: settings.fingerprint(),
    };
    let (mut record, _) = connection::configure(change, &configured, now)?;
    let pinned = settings.disconnected.is_some();
    let wanted = [(DisconnectReason::Removed, false), (DisconnectReason::Pinned, pinned)];
    for (reason, stands) in wanted {
        if record.state.disconnected.contains(&reason) != stands {
            let event = if stands { ConnectionEvent::Disconnect(reason) } else { ConnectionEvent::Reconnect(reason) };
            (record, _) = connection::apply(change, &settings.name, event, now)?;
        }
    }
    Ok(record)
}

fn write_link(
    change: &mut Change<'_>,
    settings: &LinkConfig,
    connection_is_silent: bool,
    now: DateTime<Utc>,
) -> Result<LinkRecord, CatalogError> {
    let configured = ConfiguredLink {
        name: settings.name.clone(),
        display_name: settings.display_name.clone(),
        description: settings.description.clone(),
        connection: settings.connection.clone(),
        project: settings.project.clone(),
        fingerprint: settings.fingerprint(),
    };
    let (mut record, _) = link::configure(change, &configured, now)?;
    let wanted = [(ArchiveReason::Removed, false), (ArchiveReason::Pinned, settings.archived.is_some())];
    for (reason, stands) in wanted {
        if record.state.reasons.contains(&reason) != stands {
            let event = if stands { LinkEvent::Archive(reason) } else { LinkEvent::Unarchive(reason) };
            (record, _) = link::apply(change, &settings.name, event, now)?;
        }
    }
    if connection_is_silent {
        (record, _) = link::apply(change, &settings.name, LinkEvent::ConnectionDisconnected, now)?;
    }
    Ok(record)
}
