//! Ends that a full disk holds up, and ends with more results than one write takes.

use std::sync::atomic::{AtomicU32, Ordering};

use suitesync_contract::{CaseResult, CaseStatus, LogSummary, ResultFile, ResultFileState, RunReport};

use super::*;
use crate::catalog::delivery::AT_ONCE;
use crate::catalog::results::{self, ResultFilter};
use crate::catalog::run::NewRun;
use crate::domain::event::{Event, EventName};

/// Enough for a handful of writes.
const CASES: usize = 5 * AT_ONCE + 7;

fn catalog() -> (tempfile::TempDir, Catalog) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
    (folder, catalog)
}

/// A catalog with a run that is queued, and what comes back of it: a case too many for one write, in two reports.
async fn with_run() -> (tempfile::TempDir, Catalog, RunEnded) {
    let (folder, catalog) = catalog();
    let new = NewRun {
        schedule: "nightly".parse().unwrap(),
        link: "shop".parse().unwrap(),
        connection: "server".parse().unwrap(),
        project: "default".to_owned(),
        root: String::new(),
        suite: "Test Suites/Smoke".to_owned(),
        commit: None,
        due_at: Utc::now(),
        requested_by: None,
    };
    let insert =
        move |change: &mut Change<'_>| run::insert(change, &new, RunStatus::Queued, &Because::default(), Utc::now());
    let record = catalog.write(insert).await.unwrap();
    let report = RunReport {
        run: record.id,
        fence: record.fence,
        exit: Exit::Code(0),
        results: vec![file("a.xml", 1), file("b.xml", CASES - 1)],
        duration_ms: 1,
        log: LogSummary::default(),
    };
    (folder, catalog, RunEnded::new(report, true, None, Utc::now()))
}

fn file(path: &str, cases: usize) -> ResultFile {
    let case = |number: usize| CaseResult {
        name: format!("case {number}"),
        class_name: String::new(),
        suite: String::new(),
        path: None,
        status: CaseStatus::Passed,
        duration_ms: None,
        message: None,
        started_at: None,
        attempts: 1,
    };
    let cases = (0..cases).map(case).collect();
    ResultFile { path: path.to_owned(), state: ResultFileState::Whole, cases, notices: Vec::new() }
}

/// The status of the run, how many of its results are shown, and how many are there.
async fn found(catalog: &Catalog, id: RunId) -> (RunStatus, usize, usize) {
    let read = move |sql: &rusqlite::Connection| {
        let shown = results::list(sql, &ResultFilter { run: Some(id), ..ResultFilter::default() })?.len();
        let there = sql.query_row("SELECT count(*) FROM result", [], |row| row.get(0))?;
        Ok((run::find(sql, id)?.unwrap().status, shown, there))
    };
    catalog.read(read).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_written_is_written_once_there_is_room() {
    let (_folder, catalog) = catalog();
    let tries = Arc::new(AtomicU32::new(0));
    let end = move |_: &mut Change<'_>| match tries.fetch_add(1, Ordering::Relaxed) {
        0..3 => Err(CatalogError::Sqlite(rusqlite::Error::ExecuteReturnedResults)),
        tried => Ok(tried),
    };
    let written = record_at_last(&catalog, &CancellationToken::new(), RunId(1), end).await;
    assert_eq!(written.unwrap(), 3);
}

#[tokio::test]
async fn many_results_count_with_the_end_of_their_run_and_others_write_meanwhile() {
    let (_folder, catalog, ended) = with_run().await;
    let (stop, run) = (CancellationToken::new(), ended.run);
    let mut events = catalog.follow();
    let other = async {
        while found(&catalog, run).await.2 == 0 {}
        assert_eq!(found(&catalog, run).await.1, 0);
        catalog.tell(Event::new(Utc::now(), EventName::AgentStarted, "another")).await.unwrap();
    };
    let (recorded, ()) = tokio::join!(record_report(&catalog, &stop, ended), other);
    recorded.unwrap();
    let told = [events.recv().await.unwrap().name, events.recv().await.unwrap().name];
    assert_eq!(told, [EventName::AgentStarted, EventName::RunFinished]);
    assert_eq!(found(&catalog, run).await, (RunStatus::Passed, CASES, CASES));
}

#[tokio::test]
async fn results_of_a_run_whose_agent_was_killed_never_show_and_are_gone_after_its_next_start() {
    let (_folder, catalog, ended) = with_run().await;
    let (stop, run) = (CancellationToken::new(), ended.run);
    deliver(&catalog, &stop, &Arc::new(ended.clone())).await.unwrap().unwrap();
    assert_eq!(found(&catalog, run).await, (RunStatus::Queued, 0, CASES));
    importing::clear_broken(&catalog).await.unwrap();
    assert_eq!(found(&catalog, run).await, (RunStatus::Queued, 0, 0));
    record_report(&catalog, &stop, ended).await.unwrap();
    assert_eq!(found(&catalog, run).await, (RunStatus::Passed, CASES, CASES));
    importing::clear_broken(&catalog).await.unwrap();
    assert_eq!(found(&catalog, run).await, (RunStatus::Passed, CASES, CASES));
}

#[tokio::test]
async fn results_of_a_run_that_is_over_when_all_of_them_are_there_do_not_stay() {
    let (_folder, catalog, ended) = with_run().await;
    let (stop, run) = (CancellationToken::new(), ended.run);
    let cancel = async {
        while found(&catalog, run).await.2 == 0 {}
        let cancel = move |change: &mut Change<'_>| {
            run::apply(change, run, RunEvent::Cancel, &Because::reason("operator"), Utc::now())
        };
        catalog.write(cancel).await.unwrap();
    };
    let (recorded, ()) = tokio::join!(record_report(&catalog, &stop, ended), cancel);
    recorded.unwrap();
    assert_eq!(found(&catalog, run).await, (RunStatus::Canceled, 0, 0));
}
