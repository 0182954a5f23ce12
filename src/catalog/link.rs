//! Links in the store: their state, and the commit that their catalog is at.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::{Deserialize, Serialize};
use suitesync_contract::{ConnectionName, Failure, LinkName, Notice, ObjectId, Root};

use super::columns::{Columns, json};
use super::run::{self, Because};
use super::{Change, Result};
use crate::config::Proceed;
use crate::domain::event::{Event, EventName};
use crate::domain::link::{LinkEvent, LinkState, LinkStatus};
use crate::domain::run::Barrier;

/// How much a link's catalog holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Cases, malformed ones included.
    pub cases: u64,
    /// Static and dynamic suites that could be read.
    pub suites: u64,
    pub collections: u64,
    /// Files of cases and suites that could not be read.
    pub malformed: u64,
}

/// A link as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRecord {
    pub key: i64,
    pub name: LinkName,
    pub display_name: String,
    pub description: String,
    pub connection: ConnectionName,
    pub project: String,
    /// Counts the changes in keys that matter; what was asked for by an older one no longer counts.
    pub revision: u64,
    pub fingerprint: String,
    pub state: LinkState,
    /// Of the last sync, where it failed.
    pub failure: Option<Failure>,
    /// Failed syncs in a row.
    pub failures: u32,
    /// The last revision that an operator let proceed.
    pub proceeded: Option<u64>,
    /// The commit of the last good catalog.
    pub commit: Option<ObjectId>,
    pub commit_revision: Option<u64>,
    pub counts: Counts,
    pub roots: Vec<Root>,
    pub notices: Vec<Notice>,
    pub checked_at: Option<DateTime<Utc>>,
    pub synced_at: Option<DateTime<Utc>>,
    pub link_existing_results: bool,
}

impl LinkRecord {
    /// The commit of the catalog, if it was made for the settings of today.
    pub fn known(&self) -> Option<ObjectId> {
        self.commit.filter(|_| self.commit_revision == Some(self.revision))
    }

    /// Whether it may be synced as it is set up now: by itself, or as somebody has let it.
    pub fn may_proceed(&self, proceed: Proceed) -> bool {
        let present = Some(self.revision);
        match proceed {
            Proceed::Auto => true,
            Proceed::Manual => self.proceeded == present || self.commit_revision == present,
        }
    }

    /// Whether the catalog shown is older than what the last sync wanted to record.
    pub fn is_stale(&self) -> bool {
        self.commit.is_some() && self.state.status == LinkStatus::Error
    }
}

/// What the configuration says of a link.
#[derive(Debug, Clone)]
pub struct ConfiguredLink {
    pub name: LinkName,
    pub display_name: String,
    pub description: String,
    pub connection: ConnectionName,
    pub project: String,
    pub fingerprint: String,
    pub link_existing_results: bool,
}

pub fn find(sql: &Connection, name: &LinkName) -> Result<Option<LinkRecord>> {
    let mut statement = sql.prepare_cached("SELECT * FROM link WHERE name = ?1")?;
    Ok(statement.query_row([name.as_str()], read).optional()?)
}

pub fn list(sql: &Connection) -> Result<Vec<LinkRecord>> {
    let mut statement = sql.prepare_cached("SELECT * FROM link ORDER BY name")?;
    Ok(statement.query_map([], read)?.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<LinkRecord> {
    Ok(LinkRecord {
        key: row.get("key")?,
        name: row.word("name")?,
        display_name: row.get("display_name")?,
        description: row.get("description")?,
        connection: row.word("connection")?,
        project: row.get("project")?,
        revision: row.get("revision")?,
        fingerprint: row.get("fingerprint")?,
        state: LinkState { status: row.word("status")?, reasons: row.decoded("reasons")? },
        failure: row.decoded_opt("failure")?,
        failures: row.get("failures")?,
        proceeded: row.get("proceeded")?,
        commit: row.word_opt("commit_id")?,
        commit_revision: row.get("commit_revision")?,
        counts: row.decoded("counts")?,
        roots: row.decoded("roots")?,
        notices: row.decoded("notices")?,
        checked_at: row.time("checked_at")?,
        synced_at: row.time("synced_at")?,
        link_existing_results: row.get("link_existing_results")?,
    })
}

/// A link as the configuration has made it.
#[derive(Debug, Clone)]
pub struct TakenUpLink {
    pub record: LinkRecord,
    /// Whether its cases are to get what the project already holds, and were not before.
    pub attaches: bool,
}

/// Takes up what the configuration says; a new fingerprint is a new revision.
pub fn configure(change: &mut Change<'_>, configured: &ConfiguredLink, now: DateTime<Utc>) -> Result<TakenUpLink> {
    let before = find(change.sql(), &configured.name)?;
    let mut statement = change.sql().prepare_cached(
        "INSERT INTO link (name, display_name, description, connection, project, revision, fingerprint, status, link_existing_results)
         VALUES (:name, :display_name, :description, :connection, :project, 1, :fingerprint, 'inactive', :link_existing_results)
         ON CONFLICT (name) DO UPDATE SET
             display_name = :display_name, description = :description, connection = :connection, project = :project,
             revision = revision + (fingerprint <> :fingerprint),
             failure = CASE WHEN fingerprint = :fingerprint THEN failure END,
             failures = CASE WHEN fingerprint = :fingerprint THEN failures ELSE 0 END,
             fingerprint = :fingerprint, link_existing_results = :link_existing_results",
    )?;
    statement.execute(named_params! {
        ":name": configured.name.as_str(),
        ":display_name": configured.display_name,
        ":description": configured.description,
        ":connection": configured.connection.as_str(),
        ":project": configured.project,
        ":fingerprint": configured.fingerprint,
        ":link_existing_results": configured.link_existing_results,
    })?;
    drop(statement);
    let attached = before.as_ref().is_none_or(|before| before.link_existing_results);
    let attaches = configured.link_existing_results && !attached;
    let record = if before.is_some_and(|before| before.fingerprint == configured.fingerprint) {
        find(change.sql(), &configured.name)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?
    } else {
        apply(change, &configured.name, LinkEvent::Configured, now)?
    };
    Ok(TakenUpLink { record, attaches })
}

/// Lets `event` happen to a link: the status it leads to, and what that tells.
pub fn apply(change: &mut Change<'_>, name: &LinkName, event: LinkEvent, now: DateTime<Utc>) -> Result<LinkRecord> {
    let record = find(change.sql(), name)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let next = record.state.after(event);
    if next != record.state {
        let mut statement = change.sql().prepare_cached("UPDATE link SET status = ?2, reasons = ?3 WHERE name = ?1")?;
        statement.execute((name.as_str(), next.status.code(), json(&next.reasons)?))?;
        drop(statement);
        tell(change, &record, &next, now)?;
        if next.is_archived() && !record.state.is_archived() {
            run::cancel_queued(change, name, &Because::reason(Barrier::LinkArchived.code()), now)?;
        }
    }
    Ok(LinkRecord { state: next, ..record })
}

fn tell(change: &mut Change<'_>, before: &LinkRecord, next: &LinkState, now: DateTime<Utc>) -> Result<()> {
    let (name, connection) = (&before.name, &before.connection);
    let event = match (before.state.is_archived(), next.is_archived()) {
        (false, true) => Some((EventName::LinkArchived, format!("link {name} is archived"))),
        (true, false) => Some((EventName::LinkUnarchived, format!("link {name} is no longer archived"))),
        (true, true) | (false, false) => None,
    };
    if let Some((event, message)) = event {
        let reasons: Vec<_> = before.state.reasons.symmetric_difference(&next.reasons).collect();
        let event = Event::new(now, event, message).link(name).connection(connection);
        change.tell(event.field("reason", serde_json::to_value(reasons)?))?;
    }
    if next.status != before.state.status {
        let (from, to) = (before.state.status.code(), next.status.code());
        let message = format!("link {name} was {from} and is {to}");
        let mut event = Event::new(now, EventName::LinkStatusChanged, message).link(name).connection(connection);
        if let (Some(failure), LinkStatus::Error) = (&before.failure, next.status) {
            event = event.field("class", failure.class.code());
        }
        change.tell(event.field("from", from).field("to", to))?;
    }
    Ok(())
}

/// Notes that an operator let the link proceed with its present settings.
pub fn let_proceed(change: &mut Change<'_>, name: &LinkName) -> Result<()> {
    change.sql().execute("UPDATE link SET proceeded = revision WHERE name = ?1", [name.as_str()])?;
    Ok(())
}
