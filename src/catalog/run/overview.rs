//! Runs seen from above: how many there are, the newest of each schedule, and how its last ones ended.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};
use suitesync_contract::{RunId, ScheduleName};

use super::super::Result;
use super::super::columns::{Columns, millis};
use super::{RunRecord, read};
use crate::domain::run::RunStatus;

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

/// Goes from schedule to schedule by the index, past all their runs but the newest: grouping would read every run there was.
const NEWEST: &str = "WITH RECURSIVE known (schedule) AS (
        SELECT min(schedule) FROM run
        UNION ALL SELECT (SELECT min(schedule) FROM run WHERE run.schedule > known.schedule) FROM known
        WHERE known.schedule IS NOT NULL)
    SELECT run.* FROM known JOIN run ON run.id = (SELECT max(id) FROM run WHERE run.schedule = known.schedule)";

/// The newest run of each schedule that has one.
pub fn newest(sql: &Connection) -> Result<BTreeMap<ScheduleName, RunRecord>> {
    let mut statement = sql.prepare_cached(NEWEST)?;
    let runs = statement.query_map([], read)?.map(|run| run.map(|run| (run.schedule.clone(), run)));
    Ok(runs.collect::<rusqlite::Result<_>>()?)
}

/// How a run has ended that was to be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    pub id: RunId,
    pub status: RunStatus,
    /// A stable code.
    pub reason: Option<String>,
    pub message: Option<String>,
}

/// The inner part reads nothing but an index: only runs that it names are looked at.
const NEWEST_ENDS: &str = "SELECT id, status, reason, message FROM run
    WHERE id IN (SELECT id FROM run WHERE schedule = ?1 ORDER BY id DESC LIMIT ?2)
        AND status IN ('passed', 'failed', 'error', 'timed_out')
    ORDER BY id DESC LIMIT ?3";

/// How the newest `limit` runs of a schedule have ended, newest first, of those among its newest `among` runs that were
/// neither canceled nor skipped.
pub fn newest_ends(sql: &Connection, schedule: &ScheduleName, among: usize, limit: usize) -> Result<Vec<RunEnd>> {
    let mut statement = sql.prepare_cached(NEWEST_ENDS)?;
    let read = |row: &Row<'_>| {
        let (id, status) = (RunId(row.get("id")?), row.word("status")?);
        Ok(RunEnd { id, status, reason: row.get("reason")?, message: row.get("message")? })
    };
    let ends = statement.query_map((schedule.as_str(), among, limit), read)?;
    Ok(ends.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::super::wanted::tests::check_plan;
    use super::super::{Because, NewRun, insert};
    use super::*;
    use crate::catalog::Catalog;

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

    #[tokio::test]
    async fn how_the_last_runs_of_a_schedule_ended_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
        let now = Utc::now();
        let write = move |change: &mut crate::catalog::Change<'_>| {
            let because = Because { message: Some("no space left".to_owned()), ..Because::reason("disk_full") };
            for status in [RunStatus::Passed, RunStatus::Error, RunStatus::Skipped, RunStatus::Error] {
                insert(change, &new("a", now), status, &because, now)?;
            }
            insert(change, &new("a", now), RunStatus::Queued, &Because::default(), now)?;
            insert(change, &new("b", now), RunStatus::Failed, &Because::default(), now).map(drop)
        };
        catalog.write(write).await.unwrap();
        let ends = |among, limit| catalog.read(move |sql| newest_ends(sql, &"a".parse().unwrap(), among, limit));
        let statuses = |ends: &[RunEnd]| ends.iter().map(|end| (end.id.0, end.status)).collect::<Vec<_>>();
        let all = ends(9, 9).await.unwrap();
        assert_eq!(statuses(&all), [(4, RunStatus::Error), (2, RunStatus::Error), (1, RunStatus::Passed)]);
        assert_eq!(all[0].reason.as_deref().zip(all[0].message.as_deref()), Some(("disk_full", "no space left")));
        assert_eq!(statuses(&ends(9, 1).await.unwrap()), [(4, RunStatus::Error)]);
        assert_eq!(statuses(&ends(1, 9).await.unwrap()), []);
    }

    #[test]
    fn the_last_runs_of_a_schedule_are_found_by_an_index_in_its_order() {
        let values = vec!["a".to_owned().into(), 9.into(), 3.into()];
        let steps = check_plan((NEWEST_ENDS.to_owned(), values), "COVERING INDEX run_by_schedule (schedule=?)");
        assert!(!steps.iter().any(|step| step.contains("ORDER BY")), "{steps:#?}");
    }

    #[test]
    fn the_newest_run_of_each_schedule_is_found_without_its_others() {
        for step in ["run_by_schedule (schedule>?)", "run_by_schedule (schedule=?)"] {
            let steps = check_plan((NEWEST.to_owned(), Vec::new()), step);
            assert!(!steps.iter().any(|step| step.starts_with("SCAN run")), "{steps:#?}");
        }
    }
}
