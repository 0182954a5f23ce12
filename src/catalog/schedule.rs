//! The slots of schedules that were dealt with: written in the transaction that records their runs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use suitesync_contract::ScheduleName;

use super::Result;
use super::columns::{Columns, millis};

/// Up to when the slots of each schedule were dealt with.
pub fn consumed(sql: &Connection) -> Result<BTreeMap<ScheduleName, DateTime<Utc>>> {
    let mut statement = sql.prepare_cached("SELECT name, consumed_at FROM schedule")?;
    let rows = statement.query_map([], |row| Ok((row.word("name")?, row.time("consumed_at")?.unwrap_or_default())))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes that every slot up to `slot` is dealt with.
pub fn consume(sql: &Connection, name: &ScheduleName, slot: DateTime<Utc>) -> Result<()> {
    let mut statement = sql.prepare_cached(
        "INSERT INTO schedule (name, consumed_at) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET consumed_at = max(consumed_at, ?2)",
    )?;
    statement.execute((name.as_str(), millis(slot)))?;
    Ok(())
}

/// A schedule that is new begins now: what came before it was there is none of its business.
pub fn begin(sql: &Connection, name: &ScheduleName, now: DateTime<Utc>) -> Result<()> {
    sql.prepare_cached("INSERT OR IGNORE INTO schedule (name, consumed_at) VALUES (?1, ?2)")?
        .execute((name.as_str(), millis(now)))?;
    Ok(())
}

/// A schedule that is gone begins anew should it come back.
pub fn forget(sql: &Connection, name: &ScheduleName) -> Result<()> {
    sql.prepare_cached("DELETE FROM schedule WHERE name = ?1")?.execute([name.as_str()])?;
    Ok(())
}
