//! Runs that are not over: few among all that there were, and found by an index over them alone. The words in the
//! parentheses are those of that index.

use rusqlite::Connection;
use suitesync_contract::{LinkName, RunId, ScheduleName};

use super::super::Result;
use super::super::columns::Columns;
use super::NewRun;
use crate::domain::run::RunStatus;

const OF_LINK: &str = "SELECT id FROM run INDEXED BY run_unfinished
    WHERE link = ?1 AND status IN ('queued', 'running', 'canceling') AND status = ?2 ORDER BY id";

/// The runs of a link with this status, which is one of those that are not over.
pub fn ids(sql: &Connection, link: &LinkName, status: RunStatus) -> Result<Vec<RunId>> {
    let mut statement = sql.prepare_cached(OF_LINK)?;
    let rows = statement.query_map((link.as_str(), status.code()), |row| Ok(RunId(row.get(0)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

const QUEUED: &str = "SELECT id, schedule FROM run
    WHERE status IN ('queued', 'running', 'canceling') AND status = 'queued' ORDER BY id";

/// Every queued run with its schedule.
pub fn queued(sql: &Connection) -> Result<Vec<(RunId, ScheduleName)>> {
    let mut statement = sql.prepare_cached(QUEUED)?;
    let rows = statement.query_map([], |row| Ok((RunId(row.get(0)?), row.word("schedule")?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

const OF_SUITE: &str = "SELECT id FROM run INDEXED BY run_unfinished
    WHERE schedule = ?1 AND link = ?2 AND root = ?3 AND suite = ?4
        AND status IN ('queued', 'running', 'canceling') ORDER BY id";

/// Runs of a schedule's suite that are not over.
pub fn unfinished(sql: &Connection, new: &NewRun) -> Result<Vec<RunId>> {
    let mut statement = sql.prepare_cached(OF_SUITE)?;
    let key = (new.schedule.as_str(), new.link.as_str(), &new.root, &new.suite);
    let rows = statement.query_map(key, |row| Ok(RunId(row.get(0)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::super::super::wanted::tests::check_plan;
    use super::*;

    #[test]
    fn they_are_found_without_those_that_are_over() {
        check_plan((QUEUED.to_owned(), Vec::new()), "run_unfinished (status=?)");
        let values = |count| vec!["shop".to_owned().into(); count];
        check_plan((OF_LINK.to_owned(), values(2)), "run_unfinished (status=? AND link=?)");
        check_plan((OF_SUITE.to_owned(), values(4)), "run_unfinished (status=? AND link=?)");
    }
}
