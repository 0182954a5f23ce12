//! Test cases in the store.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, named_params, params_from_iter};
use serde::{Deserialize, Serialize};
use suitesync_contract::{Case, LinkName};

use super::super::Result;
use super::super::columns::{Columns, json};
use super::super::wanted::Wanted;
use super::Stored;
use crate::domain::changes::Item;

/// A case as `case list` and the API show it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaseRecord {
    #[serde(skip)]
    pub key: i64,
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

impl Stored for Case {
    const ITEM: &'static str = "case";
    const TABLE: &'static str = "test_case";

    fn item(&self) -> Item {
        Item::from(self)
    }

    fn insert(&self, sql: &Connection, link: i64) -> Result<i64> {
        let mut statement = sql.prepare_cached(
            "INSERT INTO test_case (link, root, id, path, state, name, tags, description, blob)
             VALUES (?1, ?2, ?3, ?4, 'ok', '', '[]', '', ?5)",
        )?;
        statement.execute((link, &self.root, &self.id, &self.path, self.blob.to_string()))?;
        Ok(sql.last_insert_rowid())
    }

    fn update(&self, sql: &Connection, key: i64) -> Result<()> {
        let mut statement = sql.prepare_cached(
            "UPDATE test_case SET root = :root, id = :id, path = :path, state = :state, reason = :reason, name = :name,
                 guid = :guid, tags = :tags, description = :description, blob = :blob, scripts = :scripts, removed_by = NULL
             WHERE key = :key
               AND (root, id, path, state, reason, name, guid, tags, description, blob, scripts, removed_by)
                IS NOT (:root, :id, :path, :state, :reason, :name, :guid, :tags, :description, :blob, :scripts, NULL)",
        )?;
        statement.execute(named_params! {
            ":key": key,
            ":root": self.root,
            ":id": self.id,
            ":path": self.path,
            ":state": self.state.code(),
            ":reason": self.state.reason(),
            ":name": self.name,
            ":guid": self.guid,
            ":tags": json(&self.tags)?,
            ":description": self.description,
            ":blob": self.blob.to_string(),
            ":scripts": self.scripts.map(|id| id.to_string()),
        })?;
        Ok(())
    }
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
    let (text, values) = selection(filter);
    let mut statement = sql.prepare_cached(&text)?;
    Ok(statement.query_map(params_from_iter(values), read)?.collect::<rusqlite::Result<_>>()?)
}

/// A statement that asks for what the filter names and nothing else, so that the indices serve it.
fn selection(filter: &CaseFilter) -> (String, Vec<Value>) {
    let mut wanted = Wanted::default();
    wanted.that("removed_by IS NULL", true);
    wanted.that("link.status <> 'archived'", !filter.archived);
    wanted.equal("link.name", filter.link.clone());
    wanted.equal("test_case.id", filter.id.clone());
    wanted.with(
        "(test_case.id LIKE ? ESCAPE '\\' OR test_case.name LIKE ? ESCAPE '\\' OR test_case.tags LIKE ? ESCAPE '\\')",
        filter.text.as_deref().map(containing),
    );
    wanted.all(
        "SELECT link.name AS link_name, test_case.* FROM test_case JOIN link ON link.key = test_case.link",
        "link.name, root, test_case.id",
    )
}

/// A `LIKE` pattern for texts that contain `text`.
pub(super) fn containing(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

fn read(row: &Row<'_>) -> rusqlite::Result<CaseRecord> {
    Ok(CaseRecord {
        key: row.get("key")?,
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

#[cfg(test)]
mod tests {
    use super::super::super::wanted::tests::check_plan;
    use super::*;

    fn check(filter: CaseFilter, index: &str) {
        check_plan(selection(&filter), index);
    }

    #[test]
    fn listings_are_served_by_indices() {
        let all = CaseFilter::default;
        let (link, id) = (Some("shop".to_owned()), Some("Test Cases/Pay".to_owned()));
        check(CaseFilter { link: link.clone(), ..all() }, "test_case_by_id (link=?)");
        check(CaseFilter { link, text: Some("pay".to_owned()), archived: true, ..all() }, "test_case_by_id (link=?)");
        check(CaseFilter { id, ..all() }, "test_case_by_name (id=?)");
    }
}
