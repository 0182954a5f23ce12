//! Runs seen from above: how many there are, and the newest of each schedule.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use suitesync_contract::ScheduleName;

use super::super::Result;
use super::super::columns::millis;
use super::{RunRecord, read};

/// How many runs there are of those that somebody may have to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTotals {
    pub queued: u64,
    /// Begun and not over, those that are being stopped among them.
    pub running: u64,
    /// Over since the time that was asked for, as failed, error or timed out.
    pub failed: u64,
}

/// Counts runs; of those that are over, the ones that ended after `since`.
pub fn totals(sql: &Connection, since: DateTime<Utc>) -> Result<RunTotals> {
    let count = |condition: &str| -> Result<u64> {
        let mut statement = sql.prepare_cached(&format!("SELECT count(*) FROM run WHERE {condition}"))?;
        Ok(statement.query_row([], |row| row.get(0))?)
    };
    let mut failed = sql.prepare_cached(
        "SELECT count(*) FROM run WHERE finished_at >= ?1 AND status IN ('failed', 'error', 'timed_out')",
    )?;
    Ok(RunTotals {
        queued: count("status = 'queued'")?,
        running: count("status IN ('running', 'canceling')")?,
        failed: failed.query_row([millis(since)], |row| row.get(0))?,
    })
}

/// The newest run of each schedule that has one.
pub fn newest(sql: &Connection) -> Result<BTreeMap<ScheduleName, RunRecord>> {
    let mut statement =
        sql.prepare_cached("SELECT * FROM run WHERE id IN (SELECT max(id) FROM run GROUP BY schedule)")?;
    let runs = statement.query_map([], read)?.map(|run| run.map(|run| (run.schedule.clone(), run)));
    Ok(runs.collect::<rusqlite::Result<_>>()?)
}
