//! What operators do to connections and links: each act is one write, with who did it, and takes effect at once.

use chrono::Utc;
use suitesync_contract::{ConnectionName, LinkName, RunId};
use tokio::time::Instant;

use super::{Agent, Job};
use crate::catalog::connection::{self, ConnectionRecord};
use crate::catalog::link::{self, LinkRecord};
use crate::catalog::run::{self, Because};
use crate::catalog::{CatalogError, Change};
use crate::domain::connection::{ConnectionEvent, DisconnectReason};
use crate::domain::link::{ArchiveReason, LinkEvent};
use crate::domain::run::{Barrier, RunEvent, RunStatus};
use crate::engine::control::{Act, Acted, Refusal, Running};

/// A connection with the links that went along with it.
struct Disconnected {
    connection: ConnectionRecord,
    links: Vec<LinkRecord>,
}

impl Agent {
    pub(super) async fn act(&mut self, act: Act, by: &str) -> Result<Acted, Refusal> {
        match act {
            Act::Disconnect(name) => self.disconnect(&name, by).await,
            Act::Reconnect(name) => self.reconnect(&name, by).await,
            Act::Archive { link, running } => self.archive(&link, running, by).await,
            Act::Unarchive(name) => self.unarchive(&name, by).await,
            Act::Drain(name) => self.drain(&name, by).await,
            Act::Resume(name) => self.resume(&name, by).await,
        }
    }

    async fn disconnect(&mut self, name: &ConnectionName, by: &str) -> Result<Acted, Refusal> {
        let entry = self.plan.connections.get(name).ok_or_else(|| Refusal::unknown("connection", name.as_str()))?;
        let was = entry.record.state.disconnected.contains(&DisconnectReason::Operator);
        let written = name.clone();
        let disconnect = move |change: &mut Change<'_>| disconnect(change, &written);
        let done = self.catalog.write_durably(Some(by), disconnect).await.map_err(unrecorded)?;
        self.silence(name, done.connection);
        for record in done.links {
            self.drop_queued(&record.name);
            self.note_link(record);
        }
        Ok(self.acted_on_connection(name, !was))
    }

    async fn reconnect(&mut self, name: &ConnectionName, by: &str) -> Result<Acted, Refusal> {
        let entry = self.plan.connections.get(name).ok_or_else(|| Refusal::unknown("connection", name.as_str()))?;
        if entry.config.disconnected.is_some() {
            let message = format!("connection `{name}` is held disconnected by the configuration");
            return Err(Refusal::conflict(message, entry.way_back()));
        }
        let was = entry.record.state.is_disconnected();
        let written = name.clone();
        let event = ConnectionEvent::Reconnect(DisconnectReason::Operator);
        let reconnect = move |change: &mut Change<'_>| connection::apply(change, &written, event, Utc::now());
        let record = self.catalog.write_durably(Some(by), reconnect).await.map_err(unrecorded)?;
        if let Some(entry) = self.plan.connections.get_mut(name) {
            entry.record = record;
        }
        if was {
            self.plan.agenda.set(Job::Test(name.clone()), Instant::now());
        }
        Ok(self.acted_on_connection(name, was))
    }

    async fn archive(&mut self, name: &LinkName, running: Running, by: &str) -> Result<Acted, Refusal> {
        let link = self.plan.links.get(name).ok_or_else(|| Refusal::unknown("link", name.as_str()))?;
        let was = link.record.state.reasons.contains(&ArchiveReason::Operator);
        let key = link.repository.clone();
        let written = name.clone();
        let archive = move |change: &mut Change<'_>| archive(change, &written, running);
        let (record, stopped) = self.catalog.write_durably(Some(by), archive).await.map_err(unrecorded)?;
        self.note_link(record);
        self.drop_queued(name);
        stopped.into_iter().for_each(|run| self.stop_run(run));
        if self.plan.proceeding(&key).is_empty()
            && let Some(work) = self.plan.repositories.get(&key).and_then(|repository| repository.work.as_ref())
        {
            work.cancel.cancel();
            self.begin_waiting();
        }
        Ok(self.acted_on_link(name, !was))
    }

    async fn unarchive(&mut self, name: &LinkName, by: &str) -> Result<Acted, Refusal> {
        let link = self.plan.links.get(name).ok_or_else(|| Refusal::unknown("link", name.as_str()))?;
        if link.config.archived.is_some() {
            let message = format!("link `{name}` is held archived by the configuration");
            return Err(Refusal::conflict(message, link.way_back()));
        }
        let was = link.record.state.is_archived();
        let key = link.repository.clone();
        let written = name.clone();
        let event = LinkEvent::Unarchive(ArchiveReason::Operator);
        let unarchive = move |change: &mut Change<'_>| link::apply(change, &written, event, Utc::now());
        let record = self.catalog.write_durably(Some(by), unarchive).await.map_err(unrecorded)?;
        self.note_link(record);
        if was {
            self.plan.agenda.set_at_latest(Job::Sync(key), Instant::now());
        }
        Ok(self.acted_on_link(name, was))
    }

    /// Ends everything under way for a connection; nothing is begun for it any more.
    fn silence(&mut self, name: &ConnectionName, record: ConnectionRecord) {
        self.quiet_connection(name);
        self.plan.agenda.remove(&Job::Test(name.clone()));
        if let Some(entry) = self.plan.connections.get_mut(name) {
            entry.record = record;
        }
        self.begin_waiting();
    }

    fn note_link(&mut self, record: LinkRecord) {
        if let Some(link) = self.plan.links.get_mut(&record.name) {
            link.record = record;
        }
    }

    fn acted_on_connection(&self, name: &ConnectionName, changed: bool) -> Acted {
        let status = self.plan.connections.get(name).map(|entry| entry.record.state.status.code());
        Acted { name: name.to_string(), status: status.unwrap_or_default().to_owned(), changed }
    }

    fn acted_on_link(&self, name: &LinkName, changed: bool) -> Acted {
        let status = self.plan.links.get(name).map(|link| link.record.state.status.code());
        Acted { name: name.to_string(), status: status.unwrap_or_default().to_owned(), changed }
    }
}

/// Archives a link; returns the runs under way that are to be stopped with it.
fn archive(
    change: &mut Change<'_>,
    name: &LinkName,
    running: Running,
) -> Result<(LinkRecord, Vec<RunId>), CatalogError> {
    let now = Utc::now();
    let record = link::apply(change, name, LinkEvent::Archive(ArchiveReason::Operator), now)?;
    let stopped = match running {
        Running::Finish => Vec::new(),
        Running::Stop => run::ids(change.sql(), name, RunStatus::Running)?,
    };
    for id in &stopped {
        run::apply(change, *id, RunEvent::Cancel, &Because::reason(Barrier::LinkArchived.code()), now)?;
    }
    Ok((record, stopped))
}

fn disconnect(change: &mut Change<'_>, name: &ConnectionName) -> Result<Disconnected, CatalogError> {
    let now = Utc::now();
    let connection = connection::apply(change, name, ConnectionEvent::Disconnect(DisconnectReason::Operator), now)?;
    let links = link::list(change.sql())?.into_iter().filter(|link| link.connection == *name);
    let links = links.map(|link| link::apply(change, &link.name, LinkEvent::ConnectionDisconnected, now));
    Ok(Disconnected { connection, links: links.collect::<Result<_, _>>()? })
}

pub(super) fn unrecorded(error: CatalogError) -> Refusal {
    Refusal::unrecorded(format!("failed to record it: {}", error.cause()), error.full_disk())
}
