//! Runs in the store. A run is recorded before its slot is consumed, and changes its status in one place.

mod ending;
mod overview;
mod telling;
mod unfinished;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use suitesync_contract::{
    ConnectionName, DelegateName, Exit, LinkName, LogSummary, ObjectId, ResultCounts, RunId, ScheduleName,
};

use super::columns::{Columns, json, millis, signed};
use super::wanted::Wanted;
use super::{Change, Result};
use crate::domain::run::{RunEvent, RunStatus};

pub use ending::{RunEnded, deliver, end};
pub use overview::{RunEnd, RunTotals, newest, newest_ends, totals};
pub use unfinished::{ids, queued, unfinished};

/// A run as the store knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub id: RunId,
    pub schedule: ScheduleName,
    pub link: LinkName,
    pub connection: ConnectionName,
    pub project: String,
    pub root: String,
    pub suite: String,
    pub status: RunStatus,
    /// Why it ended as it did, as a stable code.
    pub reason: Option<String>,
    /// The same for people.
    pub message: Option<String>,
    pub requested_by: Option<String>,
    pub due_at: DateTime<Utc>,
    pub queued_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub delegate: Option<DelegateName>,
    #[serde(skip)]
    pub fence: u64,
    pub commit: Option<ObjectId>,
    pub counts: Option<ResultCounts>,
    pub exit: Option<Exit>,
    #[serde(skip)]
    pub marker: Option<Value>,
    pub log: LogSummary,
}

/// A run that is to be recorded.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub schedule: ScheduleName,
    pub link: LinkName,
    pub connection: ConnectionName,
    pub project: String,
    pub root: String,
    pub suite: String,
    /// What the link's catalog is at.
    pub commit: Option<ObjectId>,
    pub due_at: DateTime<Utc>,
    pub requested_by: Option<String>,
}

/// Why a run changes, and what is known besides.
#[derive(Debug, Clone, Default)]
pub struct Because {
    /// A stable code.
    pub reason: Option<&'static str>,
    pub message: Option<String>,
    pub delegate: Option<DelegateName>,
}

impl Because {
    pub fn reason(reason: &'static str) -> Self {
        Self { reason: Some(reason), ..Self::default() }
    }
}

/// Which runs are wanted.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub id: Option<RunId>,
    pub schedule: Option<String>,
    pub link: Option<String>,
    pub status: Option<RunStatus>,
    /// Those that are not over.
    pub unfinished: bool,
    /// The newest so many.
    pub limit: Option<u32>,
}

/// The runs that `filter` names, oldest first.
pub fn list(sql: &Connection, filter: &RunFilter) -> Result<Vec<RunRecord>> {
    let (text, values) = selection(filter);
    let mut statement = sql.prepare_cached(&text)?;
    let mut runs = statement.query_map(params_from_iter(values), read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    runs.reverse();
    Ok(runs)
}

/// A statement that asks for what the filter names and nothing else, so that the indices serve it.
fn selection(filter: &RunFilter) -> (String, Vec<rusqlite::types::Value>) {
    let mut wanted = Wanted::default();
    wanted.equal("id", filter.id.map(|id| signed(id.0)));
    wanted.equal("schedule", filter.schedule.clone());
    wanted.equal("link", filter.link.clone());
    wanted.equal("status", filter.status.map(|status| status.code().to_owned()));
    wanted.that("status IN ('queued', 'running', 'canceling')", filter.unfinished);
    wanted.of("SELECT * FROM run", "id", filter.limit)
}

pub fn find(sql: &Connection, id: RunId) -> Result<Option<RunRecord>> {
    let mut statement = sql.prepare_cached("SELECT * FROM run WHERE id = ?1")?;
    Ok(statement.query_row([id.0], read).optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        id: RunId(row.get("id")?),
        schedule: row.word("schedule")?,
        link: row.word("link")?,
        connection: row.word("connection")?,
        project: row.get("project")?,
        root: row.get("root")?,
        suite: row.get("suite")?,
        status: row.word("status")?,
        reason: row.get("reason")?,
        message: row.get("message")?,
        requested_by: row.get("requested_by")?,
        due_at: row.time("due_at")?.unwrap_or_default(),
        queued_at: row.time("queued_at")?.unwrap_or_default(),
        started_at: row.time("started_at")?,
        finished_at: row.time("finished_at")?,
        delegate: row.word_opt("delegate")?,
        fence: row.get("fence")?,
        commit: row.word_opt("commit_id")?,
        counts: row.decoded_opt("counts")?,
        exit: row.decoded_opt("exit")?,
        marker: row.decoded_opt("marker")?,
        log: LogSummary { written_bytes: row.get("written_bytes")?, omitted_bytes: row.get("omitted_bytes")? },
    })
}

/// Records a run with the status it begins in: queued, or at once over.
pub fn insert(
    change: &mut Change<'_>,
    new: &NewRun,
    status: RunStatus,
    because: &Because,
    now: DateTime<Utc>,
) -> Result<RunRecord> {
    let mut statement = change.sql().prepare_cached(
        "INSERT INTO run (schedule, link, connection, project, root, suite, status, reason, message, requested_by,
                          due_at, queued_at, finished_at, commit_id)
         VALUES (:schedule, :link, :connection, :project, :root, :suite, :status, :reason, :message, :requested_by,
                 :due_at, :now, :finished_at, :commit)",
    )?;
    statement.execute(named_params! {
        ":schedule": new.schedule.as_str(),
        ":link": new.link.as_str(),
        ":connection": new.connection.as_str(),
        ":project": new.project,
        ":root": new.root,
        ":suite": new.suite,
        ":status": status.code(),
        ":reason": because.reason,
        ":message": because.message,
        ":requested_by": new.requested_by,
        ":due_at": millis(new.due_at),
        ":now": millis(now),
        ":finished_at": status.is_final().then(|| millis(now)),
        ":commit": new.commit.map(|commit| commit.to_string()),
    })?;
    drop(statement);
    let id = RunId(u64::try_from(change.sql().last_insert_rowid()).unwrap_or_default());
    let record = find(change.sql(), id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    telling::began(change, &record, now)?;
    Ok(record)
}

/// Lets `event` happen to a run: the status it leads to, and what that tells. `None` where there is no such run.
pub fn apply(
    change: &mut Change<'_>,
    id: RunId,
    event: RunEvent,
    because: &Because,
    now: DateTime<Utc>,
) -> Result<Option<RunRecord>> {
    let Some(before) = find(change.sql(), id)? else { return Ok(None) };
    let status = before.status.after(event);
    if status == before.status {
        return Ok(Some(before));
    }
    let mut statement = change.sql().prepare_cached(
        "UPDATE run SET status = :status, reason = coalesce(:reason, reason), message = coalesce(:message, message),
             delegate = coalesce(:delegate, delegate),
             started_at = CASE WHEN :status = 'running' THEN :now ELSE started_at END,
             finished_at = CASE WHEN :final THEN :now ELSE finished_at END
         WHERE id = :id",
    )?;
    statement.execute(named_params! {
        ":id": id.0,
        ":status": status.code(),
        ":reason": because.reason,
        ":message": because.message,
        ":delegate": because.delegate.as_ref().map(|name| name.as_str()),
        ":now": millis(now),
        ":final": status.is_final(),
    })?;
    drop(statement);
    let after = find(change.sql(), id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    telling::changed(change, &after, now)?;
    Ok(Some(after))
}

/// Hands a queued run out anew: what earlier hands come back with no longer counts. `None` where it is no longer queued.
pub fn hand_out(change: &Change<'_>, id: RunId) -> Result<Option<RunRecord>> {
    let again = "UPDATE run SET fence = fence + 1 WHERE id = ?1 AND status = 'queued'";
    change.sql().prepare_cached(again)?.execute([id.0])?;
    Ok(find(change.sql(), id)?.filter(|run| run.status == RunStatus::Queued))
}

/// Keeps what the processes of a run are found by.
pub fn mark(change: &Change<'_>, id: RunId, marker: &Value) -> Result<()> {
    change.sql().prepare_cached("UPDATE run SET marker = ?2 WHERE id = ?1")?.execute((id.0, json(marker)?))?;
    Ok(())
}

/// Cancels every queued run of a link.
pub fn cancel_queued(
    change: &mut Change<'_>,
    link: &LinkName,
    because: &Because,
    now: DateTime<Utc>,
) -> Result<Vec<RunId>> {
    let queued = ids(change.sql(), link, RunStatus::Queued)?;
    for id in &queued {
        apply(change, *id, RunEvent::Cancel, because, now)?;
    }
    Ok(queued)
}

/// Those of `ids` that there is no run of.
pub fn unknown(sql: &Connection, ids: Vec<RunId>) -> Result<Vec<RunId>> {
    let mut statement = sql.prepare_cached("SELECT 1 FROM run WHERE id = ?1")?;
    let mut unknown = Vec::new();
    for id in ids {
        if !statement.exists([signed(id.0)])? {
            unknown.push(id);
        }
    }
    Ok(unknown)
}

/// Forgets runs that were over before `before`; returns which, so that their logs can go, too.
pub fn forget(sql: &Connection, before: DateTime<Utc>) -> Result<Vec<RunId>> {
    let mut statement = sql.prepare_cached("DELETE FROM run WHERE finished_at < ?1 RETURNING id")?;
    let rows = statement.query_map([millis(before)], |row| Ok(RunId(row.get(0)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::super::wanted::tests::check_plan;
    use super::*;

    #[test]
    fn listings_are_served_by_indices() {
        let check = |filter: RunFilter, index: &str| check_plan(selection(&filter), index);
        let all = RunFilter::default;
        check(RunFilter { id: Some(RunId(1)), ..all() }, "INTEGER PRIMARY KEY (rowid=?)");
        check(RunFilter { unfinished: true, ..all() }, "run_unfinished (status=?)");
        check(RunFilter { schedule: Some("nightly".to_owned()), ..all() }, "run_by_schedule (schedule=?)");
        check(RunFilter { link: Some("shop".to_owned()), ..all() }, "run_by_link (link=?)");
    }
}
