//! The audit trail: every event, kept and logged once.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, named_params, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use suitesync_contract::RunId;

use super::Result;
use super::columns::{Columns, json, millis};
use super::wanted::Wanted;
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
    let (text, values) = selection(filter);
    let mut statement = sql.prepare_cached(&text)?;
    let mut records = statement.query_map(params_from_iter(values), read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    records.reverse();
    Ok(records)
}

/// A statement that asks for what the filter names and nothing else, so that the indices serve it.
fn selection(filter: &EventFilter) -> (String, Vec<rusqlite::types::Value>) {
    let mut wanted = Wanted::default();
    wanted.equal("connection", filter.connection.clone());
    wanted.equal("link", filter.link.clone());
    wanted.equal("run", filter.run.clone());
    wanted.with("substr(event, 1, length(?)) = ?", filter.event.clone());
    // Told by the ids, as the order is: the index over the time would be left for it.
    wanted.with("id IN (SELECT id FROM event WHERE at >= ?)", filter.since.map(millis));
    wanted.of("SELECT * FROM event", "id", filter.limit)
}

fn read(row: &Row<'_>) -> rusqlite::Result<EventRecord> {
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

#[cfg(test)]
mod tests {
    use super::super::wanted::tests::check_plan;
    use super::*;

    fn check(filter: EventFilter, index: &str) {
        check_plan(selection(&filter), index);
    }

    #[test]
    fn listings_are_served_by_indices() {
        let all = EventFilter::default;
        check(EventFilter { run: Some("1".to_owned()), ..all() }, "event_by_run (run=?)");
        check(EventFilter { since: Some(DateTime::UNIX_EPOCH), ..all() }, "event_by_time (at>?)");
        check(
            EventFilter { run: Some("1".to_owned()), link: Some("shop".to_owned()), ..all() },
            "event_by_run (run=?)",
        );
    }
}
