//! The tests of a link: replaced as a whole in the transaction of a sync, with only the differences written.

pub mod cases;
pub mod suites;

use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use suitesync_contract::Discovery;

use super::columns::Columns;
use super::{Change, Result};
use crate::domain::changes::{Changes, Content, Item, compare};

/// How many of one kind a sync added, removed, changed and renamed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeCounts {
    pub added: u64,
    pub removed: u64,
    pub changed: u64,
    pub renamed: u64,
}

impl From<&Changes> for ChangeCounts {
    fn from(changes: &Changes) -> Self {
        Self {
            added: changes.added.len() as u64,
            removed: changes.removed.len() as u64,
            changed: changes.changed.len() as u64,
            renamed: changes.renamed.len() as u64,
        }
    }
}

/// The row of an item that the catalog knows.
#[derive(Debug)]
struct Known {
    key: i64,
    item: Item,
}

/// What cases and suites have in common as rows. A removed one stays with the sync that removed it.
trait Stored: Sized {
    /// The word in the history.
    const ITEM: &'static str;
    const TABLE: &'static str;

    fn item(&self) -> Item;

    /// Adds a row that has everything a row must have.
    fn insert(&self, sql: &Connection, link: i64) -> Result<i64>;

    /// Makes the row say what was found, and that it is there; a row that says it already is not written.
    fn update(&self, sql: &Connection, key: i64) -> Result<()>;
}

/// Makes the link's tests those of `discovery`; returns what changed for cases and for suites.
pub(super) fn replace(
    change: &Change<'_>,
    link: i64,
    sync: i64,
    discovery: &Discovery,
) -> Result<(ChangeCounts, ChangeCounts)> {
    let mut log = ChangeLog { sql: change.sql(), link, sync, position: 0 };
    let cases = log.replace(&discovery.cases)?;
    let suites = log.replace(&discovery.suites)?;
    Ok((cases, suites))
}

/// The history of a sync while it is being written.
#[derive(Debug)]
struct ChangeLog<'a> {
    sql: &'a Connection,
    link: i64,
    sync: i64,
    position: i64,
}

/// One line of the history.
#[derive(Debug)]
struct Line<'a> {
    key: i64,
    change: &'static str,
    now: &'a Item,
    before: Option<&'a Item>,
}

impl ChangeLog<'_> {
    fn replace<S: Stored>(&mut self, stored: &[S]) -> Result<ChangeCounts> {
        let known = self.known::<S>()?;
        let before: Vec<Item> = known.iter().map(|known| known.item.clone()).collect();
        let found: Vec<Item> = stored.iter().map(S::item).collect();
        let changes = compare(&before, &found);
        // Rows that go make room first: what is added or renamed may take their ids.
        for known in changes.removed.iter().filter_map(|&index| known.get(index)) {
            self.hide::<S>(known.key)?;
            self.write::<S>(&Line { key: known.key, change: "removed", now: &known.item, before: None })?;
        }
        for known in changes.renamed.iter().filter_map(|&(index, _)| known.get(index)) {
            self.hide::<S>(known.key)?;
        }
        let kept =
            [(&changes.renamed, Some("renamed")), (&changes.changed, Some("changed")), (&changes.unchanged, None)];
        for (pairs, change) in kept {
            for (index, at) in pairs {
                let (Some(known), Some(stored), Some(now)) = (known.get(*index), stored.get(*at), found.get(*at))
                else {
                    continue;
                };
                stored.update(self.sql, known.key)?;
                if let Some(change) = change {
                    self.write::<S>(&Line { key: known.key, change, now, before: Some(&known.item) })?;
                }
            }
        }
        for (stored, now) in changes.added.iter().filter_map(|&at| Some((stored.get(at)?, found.get(at)?))) {
            let key = match self.removed_before::<S>(now)? {
                Some(key) => key,
                None => stored.insert(self.sql, self.link)?,
            };
            stored.update(self.sql, key)?;
            self.write::<S>(&Line { key, change: "added", now, before: None })?;
        }
        Ok(ChangeCounts::from(&changes))
    }

    fn known<S: Stored>(&self) -> Result<Vec<Known>> {
        let mut statement = self.sql.prepare_cached(&format!(
            "SELECT key, root, id, blob, scripts, guid FROM {} WHERE link = ?1 AND removed_by IS NULL",
            S::TABLE
        ))?;
        let rows = statement.query_map([self.link], |row| {
            let content = Content { blob: row.word("blob")?, scripts: row.word_opt("scripts")? };
            let item = Item { root: row.get("root")?, id: row.get("id")?, content, guid: row.get("guid")? };
            Ok(Known { key: row.get("key")?, item })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn hide<S: Stored>(&self, key: i64) -> Result<()> {
        let hide = format!("UPDATE {} SET removed_by = ?2 WHERE key = ?1", S::TABLE);
        self.sql.prepare_cached(&hide)?.execute((key, self.sync))?;
        Ok(())
    }

    /// The row of an item of this id that was removed before: it comes back, with what hangs on it.
    fn removed_before<S: Stored>(&self, item: &Item) -> Result<Option<i64>> {
        let mut statement = self.sql.prepare_cached(&format!(
            "SELECT key FROM {} WHERE link = ?1 AND root = ?2 AND id = ?3 AND removed_by IS NOT NULL
             ORDER BY removed_by DESC LIMIT 1",
            S::TABLE
        ))?;
        Ok(statement.query_row((self.link, &item.root, &item.id), |row| row.get(0)).optional()?)
    }

    fn write<S: Stored>(&mut self, line: &Line<'_>) -> Result<()> {
        let mut statement = self.sql.prepare_cached(
            "INSERT INTO change (sync, position, item, item_key, change, root, id, old_root, old_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        statement.execute((
            self.sync,
            self.position,
            S::ITEM,
            line.key,
            line.change,
            &line.now.root,
            &line.now.id,
            line.before.map(|item| &item.root),
            line.before.map(|item| &item.id),
        ))?;
        self.position += 1;
        Ok(())
    }
}
