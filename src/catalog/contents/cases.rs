//! Test cases in the store.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::{Deserialize, Serialize};
use suitesync_contract::{Case, LinkName};

use super::super::Result;
use super::super::columns::{Columns, json};
use super::{ChangeCounts, ChangeLog, Known, Line, Target};
use crate::domain::changes::{Content, Item, compare};

/// A case as `case list` and the API show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaseRecord {
    pub link: LinkName,
    pub root: String,
    pub id: String,
    pub path: String,
    pub state: String,
    pub reason: Option<String>,
    pub name: String,
    pub guid: Option<String>,
    pub tags: Vec<String>,
    pub description: String,
}

pub(super) fn replace(log: &mut ChangeLog<'_>, cases: &[Case]) -> Result<ChangeCounts> {
    let known = known(log.sql, log.target.link)?;
    let before: Vec<Item> = known.iter().map(|known| known.item.clone()).collect();
    let found: Vec<Item> = cases.iter().map(Item::from).collect();
    let changes = compare(&before, &found);
    // Rows that go make room first: what is added or renamed may take their ids.
    for known in changes.removed.iter().filter_map(|&index| known.get(index)) {
        remove(log, known)?;
    }
    for known in changes.renamed.iter().filter_map(|&(index, _)| known.get(index)) {
        hide(log.sql, known.key, Some(log.target.sync))?;
    }
    let pairs = [(&changes.renamed, Some("renamed")), (&changes.changed, Some("changed")), (&changes.unchanged, None)];
    for (pairs, change) in pairs {
        for (index, at) in pairs {
            let (Some(known), Some(case), Some(now)) = (known.get(*index), cases.get(*at), found.get(*at)) else {
                continue;
            };
            update(log.sql, known.key, case)?;
            if let Some(change) = change {
                log.write(&Line { item: "case", key: known.key, change, now, before: Some(&known.item) })?;
            }
        }
    }
    for &at in &changes.added {
        if let (Some(case), Some(now)) = (cases.get(at), found.get(at)) {
            let key = add(log.sql, log.target, case)?;
            log.write(&Line { item: "case", key, change: "added", now, before: None })?;
        }
    }
    Ok(ChangeCounts::from(&changes))
}

fn known(sql: &Connection, link: i64) -> Result<Vec<Known>> {
    let mut statement = sql.prepare_cached(
        "SELECT key, root, id, blob, scripts, guid FROM test_case WHERE link = ?1 AND removed_by IS NULL",
    )?;
    let rows = statement.query_map([link], |row| {
        let content = Content { blob: row.word("blob")?, scripts: row.word_opt("scripts")? };
        let item = Item { root: row.get("root")?, id: row.get("id")?, content, guid: row.get("guid")? };
        Ok(Known { key: row.get("key")?, item })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn remove(log: &mut ChangeLog<'_>, known: &Known) -> Result<()> {
    hide(log.sql, known.key, Some(log.target.sync))?;
    log.write(&Line { item: "case", key: known.key, change: "removed", now: &known.item, before: None })
}

fn hide(sql: &Connection, key: i64, removed_by: Option<i64>) -> Result<()> {
    let mut statement = sql.prepare_cached("UPDATE test_case SET removed_by = ?2 WHERE key = ?1")?;
    statement.execute((key, removed_by))?;
    Ok(())
}

/// Adds a case, or brings back the row of one of this id that was removed before.
fn add(sql: &Connection, target: Target, case: &Case) -> Result<i64> {
    let mut statement = sql.prepare_cached(
        "SELECT key FROM test_case WHERE link = ?1 AND root = ?2 AND id = ?3 AND removed_by IS NOT NULL
         ORDER BY removed_by DESC LIMIT 1",
    )?;
    let removed: Option<i64> = statement.query_row((target.link, &case.root, &case.id), |row| row.get(0)).optional()?;
    let key = match removed {
        Some(key) => key,
        None => {
            let mut statement = sql.prepare_cached(
                "INSERT INTO test_case (link, root, id, path, state, name, tags, description, blob)
                 VALUES (?1, ?2, ?3, ?4, 'ok', '', '[]', '', ?5)",
            )?;
            statement.execute((target.link, &case.root, &case.id, &case.path, case.blob.to_string()))?;
            sql.last_insert_rowid()
        }
    };
    update(sql, key, case)?;
    Ok(key)
}

/// Makes the row say what was found; a row that says it already is not written.
fn update(sql: &Connection, key: i64, case: &Case) -> Result<()> {
    let mut statement = sql.prepare_cached(
        "UPDATE test_case SET root = :root, id = :id, path = :path, state = :state, reason = :reason, name = :name,
             guid = :guid, tags = :tags, description = :description, blob = :blob, scripts = :scripts, removed_by = NULL
         WHERE key = :key
           AND (root, id, path, state, reason, name, guid, tags, description, blob, scripts, removed_by)
            IS NOT (:root, :id, :path, :state, :reason, :name, :guid, :tags, :description, :blob, :scripts, NULL)",
    )?;
    statement.execute(named_params! {
        ":key": key,
        ":root": case.root,
        ":id": case.id,
        ":path": case.path,
        ":state": case.state.code(),
        ":reason": case.state.reason(),
        ":name": case.name,
        ":guid": case.guid,
        ":tags": json(&case.tags)?,
        ":description": case.description,
        ":blob": case.blob.to_string(),
        ":scripts": case.scripts.map(|id| id.to_string()),
    })?;
    Ok(())
}

/// Which cases are wanted.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    pub link: Option<String>,
    pub id: Option<String>,
    /// A part of the id, the name or a tag, in any letter case.
    pub text: Option<String>,
    /// Those of archived links too.
    pub archived: bool,
}

/// The cases that `filter` names, by link, root and id.
pub fn list(sql: &Connection, filter: &CaseFilter) -> Result<Vec<CaseRecord>> {
    let mut statement = sql.prepare_cached(
        "SELECT link.name AS link_name, test_case.* FROM test_case JOIN link ON link.key = test_case.link
         WHERE removed_by IS NULL
           AND (:archived OR link.status <> 'archived')
           AND (:link IS NULL OR link.name = :link)
           AND (:id IS NULL OR test_case.id = :id)
           AND (:text IS NULL OR test_case.id LIKE :text ESCAPE '\\' OR test_case.name LIKE :text ESCAPE '\\'
                OR test_case.tags LIKE :text ESCAPE '\\')
         ORDER BY link.name, root, test_case.id",
    )?;
    let parameters = named_params! {
        ":archived": filter.archived,
        ":link": filter.link,
        ":id": filter.id,
        ":text": filter.text.as_deref().map(containing),
    };
    Ok(statement.query_map(parameters, read)?.collect::<rusqlite::Result<_>>()?)
}

/// A `LIKE` pattern for texts that contain `text`.
pub(super) fn containing(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

fn read(row: &Row<'_>) -> rusqlite::Result<CaseRecord> {
    Ok(CaseRecord {
        link: row.word("link_name")?,
        root: row.get("root")?,
        id: row.get("id")?,
        path: row.get("path")?,
        state: row.get("state")?,
        reason: row.get("reason")?,
        name: row.get("name")?,
        guid: row.get("guid")?,
        tags: row.decoded("tags")?,
        description: row.get("description")?,
    })
}
