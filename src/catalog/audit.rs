//! The audit trail: every event, kept and logged once.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, named_params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use suitesync_contract::RunId;

use super::Result;
use super::columns::{Columns, json, millis};
use crate::domain::event::{Event, Level};

/// An event as it is shown: by `event list`, `event follow` and the API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventRecord {
    pub at: DateTime<Utc>,
    pub event: String,
    pub level: String,
    pub connection: Option<String>,
    pub link: Option<String>,
    pub delegate: Option<String>,
    pub run: Option<RunId>,
    pub message: String,
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl From<&Event> for EventRecord {
    fn from(event: &Event) -> Self {
        Self {
            at: event.at,
            event: event.name.as_str().to_owned(),
            level: event.level.code().to_owned(),
            connection: event.connection.as_ref().map(ToString::to_string),
            link: event.link.as_ref().map(ToString::to_string),
            delegate: event.delegate.as_ref().map(ToString::to_string),
            run: event.run,
            message: event.message.clone(),
            fields: event.fields.clone(),
        }
    }
}

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    pub connection: Option<String>,
    pub link: Option<String>,
    pub run: Option<String>,
    /// A name such as `link.synced`, or its beginning such as `link.`.
    pub event: Option<String>,
    pub since: Option<DateTime<Utc>>,
    /// The newest so many.
    pub limit: Option<u32>,
}

pub(super) fn insert(sql: &Connection, event: &Event) -> Result<()> {
    let mut statement = sql.prepare_cached(
        "INSERT INTO event (at, event, level, connection, link, delegate, run, message, fields)
         VALUES (:at, :event, :level, :connection, :link, :delegate, :run, :message, :fields)",
    )?;
    statement.execute(named_params! {
        ":at": millis(event.at),
        ":event": event.name.as_str(),
        ":level": event.level.code(),
        ":connection": event.connection.as_ref().map(|name| name.as_str()),
        ":link": event.link.as_ref().map(|name| name.as_str()),
        ":delegate": event.delegate.as_ref().map(|name| name.as_str()),
        ":run": event.run.map(|run| run.to_string()),
        ":message": event.message,
        ":fields": json(&event.fields)?,
    })?;
    Ok(())
}

/// The events that `filter` names, oldest first.
pub fn list(sql: &Connection, filter: &EventFilter) -> Result<Vec<EventRecord>> {
    let mut statement = sql.prepare_cached(
        "SELECT * FROM event
         WHERE (:connection IS NULL OR connection = :connection)
           AND (:link IS NULL OR link = :link)
           AND (:run IS NULL OR run = :run)
           AND (:event IS NULL OR substr(event, 1, length(:event)) = :event)
           AND (:since IS NULL OR at >= :since)
         ORDER BY id DESC LIMIT :limit",
    )?;
    let parameters = named_params! {
        ":connection": filter.connection,
        ":link": filter.link,
        ":run": filter.run,
        ":event": filter.event,
        ":since": filter.since.map(millis),
        ":limit": filter.limit.map_or(-1, i64::from),
    };
    let records = statement.query_map(parameters, |row| {
        Ok(EventRecord {
            at: row.time("at")?.unwrap_or_default(),
            event: row.get("event")?,
            level: row.get("level")?,
            connection: row.get("connection")?,
            link: row.get("link")?,
            delegate: row.get("delegate")?,
            run: row.decoded_opt("run")?,
            message: row.get("message")?,
            fields: row.decoded("fields")?,
        })
    })?;
    let mut records = records.collect::<rusqlite::Result<Vec<_>>>()?;
    records.reverse();
    Ok(records)
}

/// Forgets events older than `before`; returns how many.
pub fn forget(sql: &Connection, before: DateTime<Utc>) -> Result<usize> {
    Ok(sql.execute("DELETE FROM event WHERE at < ?1", [millis(before)])?)
}

/// Writes the event to the log. Its own fields stand in `fields` as JSON; the log's formats give each its own name.
pub fn log(event: &Event) {
    let name = event.name.as_str();
    let connection = event.connection.as_ref().map(|name| name.as_str());
    let link = event.link.as_ref().map(|name| name.as_str());
    let delegate = event.delegate.as_ref().map(|name| name.as_str());
    let run = event.run.map(|run| run.0);
    let fields = (!event.fields.is_empty()).then(|| Value::Object(event.fields.clone()).to_string());
    let message = event.message.as_str();
    match event.level {
        Level::Info => tracing::info!(event = name, connection, link, delegate, run, fields, "{message}"),
        Level::Warn => tracing::warn!(event = name, connection, link, delegate, run, fields, "{message}"),
        Level::Error => tracing::error!(event = name, connection, link, delegate, run, fields, "{message}"),
    }
}
