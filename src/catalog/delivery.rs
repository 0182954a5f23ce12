//! Deliveries: results that are too many for one write are recorded a few at a time, so that others can write between them,
//! and count all at once with the last. Each has a row among the imports, without which none of its results shows.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};
use suitesync_contract::{LinkName, ResultFile, RunId};

use super::columns::millis;
use super::results::{self, Origin, Recorded};
use super::{Change, Result};

/// Results in one write: some tens of milliseconds, which nobody minds to wait for.
pub const AT_ONCE: usize = 500;

/// A delivery that is to begin.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    pub project: String,
    /// What the reports are called.
    pub source: String,
    /// What no other delivery to the project is known by: the SHA-256 of a file, in hexadecimal digits, or a run.
    pub content: String,
    /// The run that the results are of, if it is one of ours.
    pub run: Option<DeliveredRun>,
}

/// Whose cases the results of a run are of.
#[derive(Debug, Clone)]
pub struct DeliveredRun {
    pub id: RunId,
    pub link: LinkName,
    pub root: String,
}

/// A delivery under way.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: i64,
    new: NewDelivery,
    began: DateTime<Utc>,
}

/// Begins a delivery.
pub fn begin(sql: &Connection, new: NewDelivery, now: DateTime<Utc>) -> Result<Delivery> {
    let mut statement = sql.prepare_cached("INSERT INTO import (project, source, content) VALUES (?1, ?2, ?3)")?;
    statement.execute((&new.project, &new.source, &new.content))?;
    Ok(Delivery { id: sql.last_insert_rowid(), new, began: now })
}

impl Delivery {
    /// The writes that together record the results of reports, in their order. Each may be tried again.
    pub fn writes(
        self,
        files: Vec<Arc<ResultFile>>,
    ) -> impl Iterator<Item = impl Fn(&mut Change<'_>) -> Result<Recorded> + Clone + Send + 'static> {
        let delivery = Arc::new(self);
        let pieces = files.into_iter().flat_map(|file| {
            let firsts = (0..file.cases.len()).step_by(AT_ONCE);
            firsts.map(move |first| (Arc::clone(&file), first))
        });
        pieces.map(move |(file, first)| {
            let delivery = Arc::clone(&delivery);
            move |change: &mut Change<'_>| delivery.record(change, &file, first)
        })
    }

    fn record(&self, change: &Change<'_>, file: &ResultFile, first: usize) -> Result<Recorded> {
        let run = self.new.run.as_ref();
        let origin = Origin {
            project: &self.new.project,
            run: run.map(|run| run.id),
            import: Some(self.id),
            link: run.map(|run| &run.link),
            root: run.map_or("", |run| run.root.as_str()),
        };
        let rest = file.cases.get(first..).unwrap_or_default();
        let cases = rest.get(..AT_ONCE).unwrap_or(rest);
        results::record_some(change.sql(), &origin, (&file.path, first), cases, self.began)
    }
}

/// Makes a delivery count, now that all of it is recorded.
pub fn count(sql: &Connection, id: i64, recorded: Recorded, now: DateTime<Utc>) -> Result<()> {
    let count = "UPDATE import SET results = ?2, matched = ?3, recorded_at = ?4 WHERE id = ?1";
    sql.prepare_cached(count)?.execute((id, recorded.results, recorded.matched, millis(now)))?;
    Ok(())
}

/// The delivery of this content that broke off, if there is one.
pub fn broken(sql: &Connection, project: &str, content: &str) -> Result<Option<i64>> {
    let mut statement =
        sql.prepare_cached("SELECT id FROM import WHERE project = ?1 AND content = ?2 AND recorded_at IS NULL")?;
    Ok(statement.query_row((project, content), |row| row.get(0)).optional()?)
}

/// Takes away what a delivery that is not to count has left, or every one, a few results at a time; whether that was all.
pub fn clear(sql: &Connection, id: Option<i64>) -> Result<bool> {
    let results = "DELETE FROM result WHERE id IN (
                       SELECT result.id FROM import JOIN result ON result.import = import.id
                       WHERE import.recorded_at IS NULL AND import.id = coalesce(?1, import.id) LIMIT ?2)";
    if sql.execute(results, (id, AT_ONCE))? == AT_ONCE {
        return Ok(false);
    }
    sql.execute("DELETE FROM import WHERE recorded_at IS NULL AND id = coalesce(?1, id)", [id])?;
    Ok(true)
}
