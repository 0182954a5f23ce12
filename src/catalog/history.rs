//! What each sync of a link did.

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use suitesync_contract::{Failure, LinkName};

use super::Result;
use super::columns::Columns;

/// A sync with what it changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SyncRecord {
    #[serde(skip)]
    pub id: i64,
    pub at: DateTime<Utc>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub counts: Value,
    pub parsed: u64,
    pub remembered: u64,
    pub delegate: Option<String>,
    pub duration_ms: u64,
    pub failure: Option<Failure>,
    pub changes: Vec<ChangeRecord>,
}

/// One case or suite that a sync added, removed, changed or renamed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeRecord {
    pub item: String,
    pub change: String,
    pub root: String,
    pub id: String,
    pub old_root: Option<String>,
    pub old_id: Option<String>,
}

/// The newest syncs of a link first.
pub fn syncs(sql: &Connection, link: &LinkName, limit: u32) -> Result<Vec<SyncRecord>> {
    let mut statement = sql.prepare_cached(
        "SELECT sync.* FROM sync JOIN link ON link.key = sync.link WHERE link.name = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let rows = statement.query_map((link.as_str(), limit), |row| {
        Ok(SyncRecord {
            id: row.get("id")?,
            at: row.time("at")?.unwrap_or_default(),
            from: row.get("from_commit")?,
            to: row.get("to_commit")?,
            counts: row.decoded("counts")?,
            parsed: row.get("parsed")?,
            remembered: row.get("remembered")?,
            delegate: row.get("delegate")?,
            duration_ms: row.get("duration_ms")?,
            failure: row.decoded_opt("failure")?,
            changes: Vec::new(),
        })
    })?;
    let mut syncs = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    for sync in &mut syncs {
        sync.changes = changes(sql, sync.id)?;
    }
    Ok(syncs)
}

fn changes(sql: &Connection, sync: i64) -> Result<Vec<ChangeRecord>> {
    let mut statement = sql.prepare_cached("SELECT * FROM change WHERE sync = ?1 ORDER BY position")?;
    let rows = statement.query_map([sync], |row| {
        Ok(ChangeRecord {
            item: row.get("item")?,
            change: row.get("change")?,
            root: row.get("root")?,
            id: row.get("id")?,
            old_root: row.get("old_root")?,
            old_id: row.get("old_id")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
