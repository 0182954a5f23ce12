//! The tests of a link: replaced as a whole in the transaction of a sync, with only the differences written.

pub mod cases;
pub mod suites;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use suitesync_contract::Discovery;

use super::{Change, Result};
use crate::domain::changes::{Changes, Item};

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

/// Which link and which sync rows are written for.
#[derive(Debug, Clone, Copy)]
struct Target {
    link: i64,
    sync: i64,
}

/// Makes the link's tests those of `discovery`; returns what changed for cases and for suites.
pub(super) fn replace(
    change: &Change<'_>,
    link: i64,
    sync: i64,
    discovery: &Discovery,
) -> Result<(ChangeCounts, ChangeCounts)> {
    let mut log = ChangeLog { sql: change.sql(), target: Target { link, sync }, position: 0 };
    let cases = cases::replace(&mut log, &discovery.cases)?;
    let suites = suites::replace(&mut log, &discovery.suites)?;
    Ok((cases, suites))
}

/// The history of a sync while it is being written.
#[derive(Debug)]
struct ChangeLog<'a> {
    sql: &'a Connection,
    target: Target,
    position: i64,
}

/// One line of the history.
#[derive(Debug)]
struct Line<'a> {
    item: &'static str,
    key: i64,
    change: &'static str,
    now: &'a Item,
    before: Option<&'a Item>,
}

impl ChangeLog<'_> {
    fn write(&mut self, line: &Line<'_>) -> Result<()> {
        let mut statement = self.sql.prepare_cached(
            "INSERT INTO change (sync, position, item, item_key, change, root, id, old_root, old_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        statement.execute((
            self.target.sync,
            self.position,
            line.item,
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
