//! Which delegates are drained: an operator's word that outlives the agent.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use suitesync_contract::DelegateName;

use super::columns::Columns;
use super::{Change, Result};
use crate::domain::event::{Event, EventName};

/// Those that take nothing new.
pub fn drained(sql: &Connection) -> Result<BTreeSet<DelegateName>> {
    let mut statement = sql.prepare_cached("SELECT name FROM drained_delegate")?;
    let rows = statement.query_map([], |row| row.word("name"))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// From now on it takes nothing new; whether it did before.
pub fn drain(change: &mut Change<'_>, name: &DelegateName, now: DateTime<Utc>) -> Result<bool> {
    let insert = "INSERT OR IGNORE INTO drained_delegate (name) VALUES (?1)";
    let changed = change.sql().prepare_cached(insert)?.execute([name.as_str()])? > 0;
    if changed {
        let message = format!("delegate {name} is drained: it ends what it has and takes nothing new");
        change.tell(Event::new(now, EventName::DelegateDrained, message).delegate(Some(name)))?;
    }
    Ok(changed)
}

/// From now on it takes tasks again; whether it did not before.
pub fn resume(change: &mut Change<'_>, name: &DelegateName, now: DateTime<Utc>) -> Result<bool> {
    let delete = "DELETE FROM drained_delegate WHERE name = ?1";
    let changed = change.sql().prepare_cached(delete)?.execute([name.as_str()])? > 0;
    if changed {
        let message = format!("delegate {name} is drained no longer");
        change.tell(Event::new(now, EventName::DelegateResumed, message).delegate(Some(name)))?;
    }
    Ok(changed)
}
