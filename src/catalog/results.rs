//! Results of test cases: recorded with their run or by an import, and attached to the cases that they are of.
//!
//! A result is attached by exact path: the id of a case, or its whole path in the repository. One that matches no case
//! stays with its project, and can be attached when the case appears.

use std::ops::AddAssign;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params_from_iter};
use serde::{Deserialize, Serialize};
use suitesync_contract::{CaseResult, CaseStatus, LinkName, ResultFile, RunId};

use super::Result;
use super::columns::{Columns, millis, signed};
use super::wanted::Wanted;

/// Where results come from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub project: &'a str,
    pub run: Option<RunId>,
    /// The delivery that they came with, if they did.
    pub import: Option<i64>,
    /// The link whose cases they are of; nothing where any link of the project may hold them.
    pub link: Option<&'a LinkName>,
    /// The root of the cases, with a link.
    pub root: &'a str,
}

/// How many results were recorded, and how many of them are attached to a case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub results: u64,
    pub matched: u64,
}

impl AddAssign for Recorded {
    fn add_assign(&mut self, more: Self) {
        self.results += more.results;
        self.matched += more.matched;
    }
}

/// A result as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResultRecord {
    pub project: String,
    pub run: Option<RunId>,
    pub source: String,
    pub suite: String,
    pub name: String,
    pub path: Option<String>,
    pub status: CaseStatus,
    pub duration_ms: Option<u64>,
    pub attempts: u32,
    pub message: Option<String>,
    /// As the report says it, by a clock of its own.
    pub started_at: Option<String>,
    pub recorded_at: DateTime<Utc>,
    /// The link and the id of the case that it is attached to.
    pub link: Option<String>,
    pub case: Option<String>,
}

/// Which results are wanted.
#[derive(Debug, Clone, Default)]
pub struct ResultFilter {
    pub project: Option<String>,
    pub run: Option<RunId>,
    pub case_key: Option<i64>,
    /// Those that no case has.
    pub unmatched: bool,
    /// The newest so many.
    pub limit: Option<u32>,
}

/// Records the cases of reports, in their order.
pub fn record(
    sql: &Connection,
    origin: &Origin<'_>,
    files: &[Arc<ResultFile>],
    now: DateTime<Utc>,
) -> Result<Recorded> {
    let mut recorded = Recorded::default();
    for file in files {
        recorded += record_some(sql, origin, (&file.path, 0), &file.cases, now)?;
    }
    Ok(recorded)
}

/// Records some cases of a report, which begin at a place of it.
pub fn record_some(
    sql: &Connection,
    origin: &Origin<'_>,
    (source, first): (&str, usize),
    cases: &[CaseResult],
    now: DateTime<Utc>,
) -> Result<Recorded> {
    let mut recorded = Recorded::default();
    for (position, case) in (first..).zip(cases) {
        let key = case_of(sql, origin, case)?;
        insert(sql, origin, &Line { source, position, case, key, now })?;
        recorded += Recorded { results: 1, matched: u64::from(key.is_some()) };
    }
    Ok(recorded)
}

struct Line<'a> {
    source: &'a str,
    position: usize,
    case: &'a CaseResult,
    key: Option<i64>,
    now: DateTime<Utc>,
}

fn insert(sql: &Connection, origin: &Origin<'_>, line: &Line<'_>) -> Result<()> {
    let case = line.case;
    let mut statement = sql.prepare_cached(
        "INSERT INTO result (project, run, import, source, position, suite, name, class_name, path, status, duration_ms,
                             attempts, message, started_at, recorded_at, case_key)
         VALUES (:project, :run, :import, :source, :position, :suite, :name, :class_name, :path, :status, :duration_ms,
                 :attempts, :message, :started_at, :now, :case_key)",
    )?;
    statement.execute(named_params! {
        ":project": origin.project,
        ":run": origin.run.map(|run| run.0),
        ":import": origin.import,
        ":source": line.source,
        ":position": line.position,
        ":suite": case.suite,
        ":name": case.name,
        ":class_name": case.class_name,
        ":path": path_of(case),
        ":status": case.status.code(),
        ":duration_ms": case.duration_ms,
        ":attempts": case.attempts,
        ":message": case.message,
        ":started_at": case.started_at.as_ref().map(|time| time.0.as_str()),
        ":now": millis(line.now),
        ":case_key": line.key,
    })?;
    Ok(())
}

/// What a case is looked for by: Katalon's reports name the id, others a file or nothing but a name.
fn path_of(case: &CaseResult) -> &str {
    case.path.as_deref().unwrap_or(&case.name)
}

/// The case that a result is of: the one with its path among those of the origin, if there is exactly one.
fn case_of(sql: &Connection, origin: &Origin<'_>, case: &CaseResult) -> Result<Option<i64>> {
    let mut statement = sql.prepare_cached(
        "SELECT min(test_case.key) FROM test_case JOIN link ON link.key = test_case.link
         WHERE link.project = :project AND removed_by IS NULL
           AND (:link IS NULL OR (link.name = :link AND root = :root))
           AND (id = :path OR path = :path)
         HAVING count(*) = 1",
    )?;
    let parameters = named_params! {
        ":project": origin.project,
        ":link": origin.link.map(LinkName::as_str),
        ":root": origin.root,
        ":path": path_of(case),
    };
    Ok(statement.query_row(parameters, |row| row.get(0)).optional()?)
}

/// Attaches what the project already holds to the cases of a link that it is of, up to `limit` results if there is one; returns
/// how many.
pub fn attach_existing(sql: &Connection, link: i64, limit: Option<u32>) -> Result<usize> {
    let mut statement = sql.prepare_cached(
        "WITH found AS (
             SELECT result.id AS id, test_case.key AS case_key
             FROM link JOIN test_case ON test_case.link = link.key
             JOIN result ON result.case_key IS NULL AND result.project = link.project
                 AND result.path IN (test_case.id, test_case.path)
             WHERE link.key = ?1 AND removed_by IS NULL LIMIT ?2)
         UPDATE result SET case_key = found.case_key FROM found WHERE result.id = found.id",
    )?;
    Ok(statement.execute((link, limit.map_or(-1, i64::from)))?)
}

/// The results that `filter` names, oldest first.
pub fn list(sql: &Connection, filter: &ResultFilter) -> Result<Vec<ResultRecord>> {
    let (text, values) = selection(filter);
    let mut statement = sql.prepare_cached(&text)?;
    let mut results = statement.query_map(params_from_iter(values), read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    results.reverse();
    Ok(results)
}

/// A statement that asks for what the filter names and nothing else, so that the indices serve it.
fn selection(filter: &ResultFilter) -> (String, Vec<Value>) {
    let mut wanted = Wanted::default();
    wanted.equal("result.project", filter.project.clone());
    wanted.equal("result.run", filter.run.map(|run| signed(run.0)));
    wanted.equal("result.case_key", filter.case_key);
    wanted.that("result.case_key IS NULL", filter.unmatched);
    wanted.of(
        "SELECT result.*, link.name AS link_name, test_case.id AS case_id FROM whole_result AS result
         LEFT JOIN test_case ON test_case.key = result.case_key LEFT JOIN link ON link.key = test_case.link",
        "result.id",
        filter.limit,
    )
}

fn read(row: &Row<'_>) -> rusqlite::Result<ResultRecord> {
    let run: Option<u64> = row.get("run")?;
    Ok(ResultRecord {
        project: row.get("project")?,
        run: run.map(RunId),
        source: row.get("source")?,
        suite: row.get("suite")?,
        name: row.get("name")?,
        path: row.get("path")?,
        status: row.word("status")?,
        duration_ms: row.get("duration_ms")?,
        attempts: row.get("attempts")?,
        message: row.get("message")?,
        started_at: row.get("started_at")?,
        recorded_at: row.time("recorded_at")?.unwrap_or_default(),
        link: row.get("link_name")?,
        case: row.get("case_id")?,
    })
}

/// Forgets results recorded before `before`, up to `limit` of them; whether those were all.
pub fn forget(sql: &Connection, before: DateTime<Utc>, limit: usize) -> Result<bool> {
    let some = "DELETE FROM result WHERE id IN (SELECT id FROM result WHERE recorded_at < ?1 LIMIT ?2)";
    Ok(sql.execute(some, (millis(before), limit))? < limit)
}

#[cfg(test)]
mod tests {
    use super::super::wanted::tests::check_plan;
    use super::*;

    fn check(filter: ResultFilter, index: &str) {
        check_plan(selection(&filter), index);
    }

    #[test]
    fn listings_are_served_by_indices() {
        let all = ResultFilter::default;
        check(ResultFilter { run: Some(RunId(1)), ..all() }, "result_by_run (run=?)");
        check(ResultFilter { run: Some(RunId(1)), project: Some("web".to_owned()), ..all() }, "result_by_run (run=?)");
        check(ResultFilter { case_key: Some(1), ..all() }, "result_by_case (case_key=?)");
        check(
            ResultFilter { case_key: Some(1), project: Some("web".to_owned()), ..all() },
            "result_by_case (case_key=?)",
        );
    }
}
