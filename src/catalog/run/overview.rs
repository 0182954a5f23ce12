//! Runs seen from above: how many there are, and the newest of each schedule.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use suitesync_contract::ScheduleName;

use super::super::Result;
use super::super::columns::millis;
use super::{RunRecord, read};

/// How many runs there are of those that somebody may have to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTotals {
    pub queued: u64,
    /// Begun and not over, those that are being stopped among them.
    pub running: u64,
    /// Over since the time that was asked for, as failed, error or timed out.
    pub failed: u64,
}

/// Counts runs; of those that are over, the ones that ended after `since`.
pub fn totals(sql: &Connection, since: DateTime<Utc>) -> Result<RunTotals> {
    // The words are those of the index over runs that are not over.
    let mut unfinished = sql.prepare_cached(
        "SELECT count(*) FILTER (WHERE status = 'queued'), count(*) FILTER (WHERE status <> 'queued')
         FROM run WHERE status IN ('queued', 'running', 'canceling')",
    )?;
    let (queued, running) = unfinished.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut failed = sql.prepare_cached(
        "SELECT count(*) FROM run WHERE finished_at >= ?1 AND status IN ('failed', 'error', 'timed_out')",
    )?;
    Ok(RunTotals { queued, running, failed: failed.query_row([millis(since)], |row| row.get(0))? })
}

/// The newest run of each schedule that has one.
pub fn newest(sql: &Connection) -> Result<BTreeMap<ScheduleName, RunRecord>> {
    let mut statement =
        sql.prepare_cached("SELECT * FROM run WHERE id IN (SELECT max(id) FROM run GROUP BY schedule)")?;
    let runs = statement.query_map([], read)?.map(|run| run.map(|run| (run.schedule.clone(), run)));
    Ok(runs.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::{Because, NewRun, insert};
    use super::*;
    use crate::catalog::Catalog;
    use crate::domain::run::RunStatus;

    fn new(schedule: &str, now: DateTime<Utc>) -> NewRun {
        NewRun {
            schedule: schedule.parse().unwrap(),
            link: "shop".parse().unwrap(),
            connection: "server".parse().unwrap(),
            project: "default".to_owned(),
            root: String::new(),
            suite: "Test Suites/Smoke".to_owned(),
            commit: None,
            due_at: now,
            requested_by: None,
        }
    }

    #[tokio::test]
    async fn runs_are_counted_and_the_newest_of_each_schedule_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
        let now = Utc::now();
        let statuses = [RunStatus::Error, RunStatus::Queued, RunStatus::Skipped, RunStatus::Queued];
        let write = move |change: &mut crate::catalog::Change<'_>| {
            for (status, schedule) in statuses.into_iter().zip(["a", "a", "a", "b"]) {
                insert(change, &new(schedule, now), status, &Because::default(), now)?;
            }
            Ok(())
        };
        catalog.write(write).await.unwrap();
        let day = TimeDelta::days(1);
        let recent = catalog.read(move |sql| totals(sql, now - day)).await.unwrap();
        assert_eq!(recent, RunTotals { queued: 2, running: 0, failed: 1 });
        assert_eq!(catalog.read(move |sql| totals(sql, now + day)).await.unwrap().failed, 0);
        let newest = catalog.read(newest).await.unwrap();
        let found: Vec<_> = newest.iter().map(|(name, run)| (name.as_str(), run.status)).collect();
        assert_eq!(found, [("a", RunStatus::Skipped), ("b", RunStatus::Queued)]);
    }
}
