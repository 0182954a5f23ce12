//! Suites in the store, with their entries.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::{Deserialize, Serialize};
use suitesync_contract::{Entry, LinkName, Suite};

use super::super::Result;
use super::super::columns::{Columns, json};
use super::{ChangeCounts, ChangeLog, Known, Line, Target};
use crate::domain::changes::{Content, Item, compare};

/// A suite as `suite list` and the API show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SuiteRecord {
    #[serde(skip)]
    pub key: i64,
    pub link: LinkName,
    pub root: String,
    pub id: String,
    pub path: String,
    pub kind: String,
    pub state: String,
    pub reason: Option<String>,
    pub name: String,
    pub guid: Option<String>,
    pub tags: Vec<String>,
    pub description: String,
    pub query: Option<String>,
    pub entries: Vec<Entry>,
}

pub(super) fn replace(log: &mut ChangeLog<'_>, suites: &[Suite]) -> Result<ChangeCounts> {
    let known = known(log.sql, log.target.link)?;
    let entries = entries(log.sql, "suite.link = ?1 AND removed_by IS NULL", [log.target.link])?;
    let before: Vec<Item> = known.iter().map(|known| known.item.clone()).collect();
    let found: Vec<Item> = suites.iter().map(Item::from).collect();
    let changes = compare(&before, &found);
    // Rows that go make room first: what is added or renamed may take their ids.
    for known in changes.removed.iter().filter_map(|&index| known.get(index)) {
        hide(log.sql, known.key, Some(log.target.sync))?;
        log.write(&Line { item: "suite", key: known.key, change: "removed", now: &known.item, before: None })?;
    }
    for known in changes.renamed.iter().filter_map(|&(index, _)| known.get(index)) {
        hide(log.sql, known.key, Some(log.target.sync))?;
    }
    let pairs = [(&changes.renamed, Some("renamed")), (&changes.changed, Some("changed")), (&changes.unchanged, None)];
    for (pairs, change) in pairs {
        for (index, at) in pairs {
            let (Some(known), Some(suite), Some(now)) = (known.get(*index), suites.get(*at), found.get(*at)) else {
                continue;
            };
            update(log.sql, known.key, suite)?;
            // Entries are judged anew at each sync: a case that came or went changes them though the suite did not.
            if entries.get(&known.key).map_or(&[][..], Vec::as_slice) != suite.entries.as_slice() {
                write_entries(log.sql, known.key, &suite.entries)?;
            }
            if let Some(change) = change {
                log.write(&Line { item: "suite", key: known.key, change, now, before: Some(&known.item) })?;
            }
        }
    }
    for &at in &changes.added {
        if let (Some(suite), Some(now)) = (suites.get(at), found.get(at)) {
            let key = add(log.sql, log.target, suite)?;
            write_entries(log.sql, key, &suite.entries)?;
            log.write(&Line { item: "suite", key, change: "added", now, before: None })?;
        }
    }
    Ok(ChangeCounts::from(&changes))
}

fn known(sql: &Connection, link: i64) -> Result<Vec<Known>> {
    let mut statement =
        sql.prepare_cached("SELECT key, root, id, blob, guid FROM suite WHERE link = ?1 AND removed_by IS NULL")?;
    let rows = statement.query_map([link], |row| {
        let content = Content { blob: row.word("blob")?, scripts: None };
        let item = Item { root: row.get("root")?, id: row.get("id")?, content, guid: row.get("guid")? };
        Ok(Known { key: row.get("key")?, item })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn hide(sql: &Connection, key: i64, removed_by: Option<i64>) -> Result<()> {
    let mut statement = sql.prepare_cached("UPDATE suite SET removed_by = ?2 WHERE key = ?1")?;
    statement.execute((key, removed_by))?;
    Ok(())
}

/// Adds a suite, or brings back the row of one of this id that was removed before.
fn add(sql: &Connection, target: Target, suite: &Suite) -> Result<i64> {
    let mut statement = sql.prepare_cached(
        "SELECT key FROM suite WHERE link = ?1 AND root = ?2 AND id = ?3 AND removed_by IS NOT NULL
         ORDER BY removed_by DESC LIMIT 1",
    )?;
    let removed: Option<i64> =
        statement.query_row((target.link, &suite.root, &suite.id), |row| row.get(0)).optional()?;
    let key = match removed {
        Some(key) => key,
        None => {
            let mut statement = sql.prepare_cached(
                "INSERT INTO suite (link, root, id, path, kind, state, name, tags, description, blob)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'ok', '', '[]', '', ?6)",
            )?;
            let kind = suite.kind.code();
            statement.execute((target.link, &suite.root, &suite.id, &suite.path, kind, suite.blob.to_string()))?;
            sql.last_insert_rowid()
        }
    };
    update(sql, key, suite)?;
    Ok(key)
}

/// Makes the row say what was found; a row that says it already is not written.
fn update(sql: &Connection, key: i64, suite: &Suite) -> Result<()> {
    let mut statement = sql.prepare_cached(
        "UPDATE suite SET root = :root, id = :id, path = :path, kind = :kind, state = :state, reason = :reason,
             name = :name, guid = :guid, tags = :tags, description = :description, query = :query, blob = :blob,
             removed_by = NULL
         WHERE key = :key
           AND (root, id, path, kind, state, reason, name, guid, tags, description, query, blob, removed_by)
            IS NOT (:root, :id, :path, :kind, :state, :reason, :name, :guid, :tags, :description, :query, :blob, NULL)",
    )?;
    statement.execute(named_params! {
        ":key": key,
        ":root": suite.root,
        ":id": suite.id,
        ":path": suite.path,
        ":kind": suite.kind.code(),
        ":state": suite.state.code(),
        ":reason": suite.state.reason(),
        ":name": suite.name,
        ":guid": suite.guid,
        ":tags": json(&suite.tags)?,
        ":description": suite.description,
        ":query": suite.query,
        ":blob": suite.blob.to_string(),
    })?;
    Ok(())
}

fn write_entries(sql: &Connection, suite: i64, entries: &[Entry]) -> Result<()> {
    sql.prepare_cached("DELETE FROM suite_entry WHERE suite = ?1")?.execute([suite])?;
    let mut statement = sql
        .prepare_cached("INSERT INTO suite_entry (suite, position, id, enabled, state) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (position, entry) in (0_i64..).zip(entries) {
        statement.execute((suite, position, &entry.id, entry.enabled, entry.state.code()))?;
    }
    Ok(())
}

/// The entries of the suites that `condition` names, by suite, in their order.
fn entries(sql: &Connection, condition: &str, parameters: impl rusqlite::Params) -> Result<HashMap<i64, Vec<Entry>>> {
    let mut statement = sql.prepare_cached(&format!(
        "SELECT suite_entry.* FROM suite_entry JOIN suite ON suite.key = suite_entry.suite
         JOIN link ON link.key = suite.link
         WHERE {condition} ORDER BY suite_entry.suite, position"
    ))?;
    let mut rows = statement.query(parameters)?;
    let mut entries: HashMap<i64, Vec<Entry>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let entry = Entry { id: row.get("id")?, enabled: row.get("enabled")?, state: row.word("state")? };
        entries.entry(row.get("suite")?).or_default().push(entry);
    }
    Ok(entries)
}

/// Which suites are wanted.
#[derive(Debug, Clone, Default)]
pub struct SuiteFilter {
    pub link: Option<String>,
    pub id: Option<String>,
    /// Those of archived links too.
    pub archived: bool,
}

const WANTED: &str = "removed_by IS NULL AND (?1 OR link.status <> 'archived')
    AND (?2 IS NULL OR link.name = ?2) AND (?3 IS NULL OR suite.id = ?3)";

/// The suites that `filter` names, by link, root and id.
pub fn list(sql: &Connection, filter: &SuiteFilter) -> Result<Vec<SuiteRecord>> {
    let parameters = (filter.archived, &filter.link, &filter.id);
    let mut entries = entries(sql, WANTED, parameters)?;
    let mut statement = sql.prepare_cached(&format!(
        "SELECT link.name AS link_name, suite.* FROM suite JOIN link ON link.key = suite.link
         WHERE {WANTED} ORDER BY link.name, root, suite.id"
    ))?;
    let mut suites = statement.query_map(parameters, read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    for suite in &mut suites {
        suite.entries = entries.remove(&suite.key).unwrap_or_default();
    }
    Ok(suites)
}

fn read(row: &Row<'_>) -> rusqlite::Result<SuiteRecord> {
    Ok(SuiteRecord {
        key: row.get("key")?,
        link: row.word("link_name")?,
        root: row.get("root")?,
        id: row.get("id")?,
        path: row.get("path")?,
        kind: row.get("kind")?,
        state: row.get("state")?,
        reason: row.get("reason")?,
        name: row.get("name")?,
        guid: row.get("guid")?,
        tags: row.decoded("tags")?,
        description: row.get("description")?,
        query: row.get("query")?,
        entries: Vec::new(),
    })
}
