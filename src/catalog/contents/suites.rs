//! Suites in the store, with their entries.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, named_params, params_from_iter};
use serde::{Deserialize, Serialize};
use suitesync_contract::{Entry, LinkName, Suite};

use super::super::Result;
use super::super::columns::{Columns, json};
use super::super::wanted::Wanted;
use super::Stored;
use crate::domain::changes::Item;

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

impl Stored for Suite {
    const ITEM: &'static str = "suite";
    const TABLE: &'static str = "suite";

    fn item(&self) -> Item {
        Item::from(self)
    }

    fn insert(&self, sql: &Connection, link: i64) -> Result<i64> {
        let mut statement = sql.prepare_cached(
            "INSERT INTO suite (link, root, id, path, kind, state, name, tags, description, blob)
             VALUES (?1, ?2, ?3, ?4, ?5, 'ok', '', '[]', '', ?6)",
        )?;
        statement.execute((link, &self.root, &self.id, &self.path, self.kind.code(), self.blob.to_string()))?;
        Ok(sql.last_insert_rowid())
    }

    fn update(&self, sql: &Connection, key: i64) -> Result<()> {
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
            ":root": self.root,
            ":id": self.id,
            ":path": self.path,
            ":kind": self.kind.code(),
            ":state": self.state.code(),
            ":reason": self.state.reason(),
            ":name": self.name,
            ":guid": self.guid,
            ":tags": json(&self.tags)?,
            ":description": self.description,
            ":query": self.query,
            ":blob": self.blob.to_string(),
        })?;
        // Entries are judged anew at each sync: a case that came or went changes them though the suite did not.
        let mut own = Wanted::default();
        own.equal("suite.key", Some(key));
        let known = entries(sql, own)?.remove(&key).unwrap_or_default();
        if known == self.entries { Ok(()) } else { write_entries(sql, key, &self.entries) }
    }
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

/// The entries of the suites that are wanted, by suite, in their order.
fn entries(sql: &Connection, wanted: Wanted) -> Result<HashMap<i64, Vec<Entry>>> {
    let (text, values) = entries_selection(wanted);
    let mut statement = sql.prepare_cached(&text)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut entries: HashMap<i64, Vec<Entry>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let entry = Entry { id: row.get("id")?, enabled: row.get("enabled")?, state: row.word("state")? };
        entries.entry(row.get("suite")?).or_default().push(entry);
    }
    Ok(entries)
}

fn entries_selection(wanted: Wanted) -> (String, Vec<Value>) {
    wanted.all(
        "SELECT suite_entry.* FROM suite_entry JOIN suite ON suite.key = suite_entry.suite
         JOIN link ON link.key = suite.link",
        "suite_entry.suite, position",
    )
}

/// Root and id of every suite of a link that can be read, in their order.
pub fn ids(sql: &Connection, link: i64) -> Result<Vec<(String, String)>> {
    let mut statement = sql.prepare_cached(
        "SELECT root, id FROM suite WHERE link = ?1 AND removed_by IS NULL AND state = 'ok' ORDER BY root, id",
    )?;
    let rows = statement.query_map([link], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Which suites are wanted.
#[derive(Debug, Clone, Default)]
pub struct SuiteFilter {
    pub link: Option<String>,
    pub id: Option<String>,
    /// Those of archived links too.
    pub archived: bool,
}

/// The suites that `filter` names, by link, root and id.
pub fn list(sql: &Connection, filter: &SuiteFilter) -> Result<Vec<SuiteRecord>> {
    let mut entries = entries(sql, wanted(filter))?;
    let (text, values) = selection(wanted(filter));
    let mut statement = sql.prepare_cached(&text)?;
    let mut suites = statement.query_map(params_from_iter(values), read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    for suite in &mut suites {
        suite.entries = entries.remove(&suite.key).unwrap_or_default();
    }
    Ok(suites)
}

/// What the filter names and nothing else, so that the indices serve it.
fn wanted(filter: &SuiteFilter) -> Wanted {
    let mut wanted = Wanted::default();
    wanted.that("removed_by IS NULL", true);
    wanted.that("link.status <> 'archived'", !filter.archived);
    wanted.equal("link.name", filter.link.clone());
    wanted.equal("suite.id", filter.id.clone());
    wanted
}

fn selection(wanted: Wanted) -> (String, Vec<Value>) {
    wanted.all(
        "SELECT link.name AS link_name, suite.* FROM suite JOIN link ON link.key = suite.link",
        "link.name, root, suite.id",
    )
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

#[cfg(test)]
mod tests {
    use super::super::super::wanted::tests::check_plan;
    use super::*;

    #[test]
    fn the_suites_of_a_link_are_found_by_indices_with_their_entries() {
        let of_link = || wanted(&SuiteFilter { link: Some("shop".to_owned()), ..SuiteFilter::default() });
        check_plan(selection(of_link()), "suite_by_id (link=?)");
        check_plan(entries_selection(of_link()), "suite_by_id (link=?)");
        check_plan(entries_selection(of_link()), "suite_entry USING PRIMARY KEY (suite=?)");
    }
}
