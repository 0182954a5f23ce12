//! Imports: reports of runs that were made elsewhere. The results of one are recorded a few at a time, so that others can
//! write between them, and count all at once with the last. One file counts once in a project.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};
use suitesync_contract::ResultFile;

use super::columns::{Columns, millis};
use super::results::Recorded;
use super::{Change, Result};
use crate::domain::event::{Event, EventName};

/// A report that is to be imported.
#[derive(Debug, Clone)]
pub struct NewImport {
    pub project: String,
    /// What the report is called in the results.
    pub source: String,
    /// The SHA-256 of the file, in hexadecimal digits.
    pub content: String,
}

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

/// Begins an import; its id.
pub fn begin(change: &Change<'_>, new: &NewImport) -> Result<i64> {
    let mut statement =
        change.sql().prepare_cached("INSERT INTO import (project, source, content) VALUES (?1, ?2, ?3)")?;
    statement.execute((&new.project, &new.source, &new.content))?;
    Ok(change.sql().last_insert_rowid())
}

/// Makes an import count, now that all of it is recorded.
pub fn complete(
    change: &mut Change<'_>,
    id: i64,
    (new, report): (&NewImport, &ResultFile),
    recorded: Recorded,
    now: DateTime<Utc>,
) -> Result<()> {
    let complete = "UPDATE import SET results = ?2, matched = ?3, recorded_at = ?4 WHERE id = ?1";
    change.sql().prepare_cached(complete)?.execute((id, recorded.results, recorded.matched, millis(now)))?;
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

/// Takes away what imports that broke off have left, up to `limit` results; whether that was all.
pub fn clear_broken(change: &Change<'_>, limit: usize) -> Result<bool> {
    let results = "DELETE FROM result WHERE id IN (
                       SELECT result.id FROM import JOIN result ON result.import = import.id
                       WHERE import.recorded_at IS NULL LIMIT ?1)";
    if change.sql().execute(results, [limit])? == limit {
        return Ok(false);
    }
    change.sql().execute("DELETE FROM import WHERE recorded_at IS NULL", [])?;
    Ok(true)
}

/// Forgets imports recorded before `before`, whose results are forgotten, too: they may come again.
pub fn forget(sql: &Connection, before: DateTime<Utc>) -> Result<usize> {
    Ok(sql.execute("DELETE FROM import WHERE recorded_at < ?1", [millis(before)])?)
}
