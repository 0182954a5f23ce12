//! Imports: reports of runs that were made elsewhere, each delivered whole and counted once in a project.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};
use suitesync_contract::ResultFile;

use super::columns::{Columns, millis};
use super::delivery::{self, NewDelivery};
use super::results::Recorded;
use super::{Change, Result};
use crate::domain::event::{Event, EventName};

/// An import that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRecord {
    pub source: String,
    pub recorded_at: DateTime<Utc>,
    pub recorded: Recorded,
}

/// The import of a file, if the project has it.
pub fn find(sql: &Connection, project: &str, content: &str) -> Result<Option<ImportRecord>> {
    let mut statement =
        sql.prepare_cached("SELECT * FROM import WHERE project = ?1 AND content = ?2 AND recorded_at IS NOT NULL")?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(ImportRecord {
            source: row.get("source")?,
            recorded_at: row.time("recorded_at")?.unwrap_or_default(),
            recorded: Recorded { results: row.get("results")?, matched: row.get("matched")? },
        })
    };
    Ok(statement.query_row((project, content), read).optional()?)
}

/// Makes an import count, now that all of it is recorded.
pub fn complete(
    change: &mut Change<'_>,
    id: i64,
    (new, report): (&NewDelivery, &ResultFile),
    recorded: Recorded,
    now: DateTime<Utc>,
) -> Result<()> {
    delivery::count(change.sql(), id, recorded, now)?;
    let message =
        format!("{} results were imported into project {} from {}", recorded.results, new.project, new.source);
    let event = Event::new(now, EventName::ResultsImported, message)
        .field("project", new.project.as_str())
        .field("source", new.source.as_str())
        .field("state", serde_json::to_value(report.state)?)
        .field("results", recorded.results)
        .field("matched", recorded.matched);
    change.tell(event)
}

/// Forgets deliveries recorded before `before`, whose results are forgotten, too: reports may come again.
pub fn forget(sql: &Connection, before: DateTime<Utc>) -> Result<usize> {
    Ok(sql.execute("DELETE FROM import WHERE recorded_at < ?1", [millis(before)])?)
}
