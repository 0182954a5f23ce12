//! What is imported counts as a whole and once, and others are not kept waiting.

use suitesync_contract::{CaseResult, CaseStatus, ResultFileState};

use super::*;
use crate::catalog::delivery::AT_ONCE;
use crate::catalog::results::{self, ResultFilter};
use crate::domain::event::{Event, EventName};

/// Enough for a handful of writes.
const CASES: usize = 5 * AT_ONCE + 7;

fn report() -> Arc<ResultFile> {
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
    let cases = (0..CASES).map(case).collect();
    Arc::new(ResultFile { path: "report.xml".to_owned(), state: ResultFileState::Whole, cases, notices: Vec::new() })
}

fn new(project: &str) -> NewDelivery {
    let (source, content) = ("report.xml".to_owned(), "c0ffee".to_owned());
    NewDelivery { project: project.to_owned(), source, content, run: None }
}

fn catalog() -> (tempfile::TempDir, Catalog) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
    (folder, catalog)
}

/// How many results are shown, and how many are there.
async fn count(catalog: &Catalog) -> (usize, usize) {
    let count = |sql: &rusqlite::Connection| {
        let there = sql.query_row("SELECT count(*) FROM result", [], |row| row.get::<_, usize>(0))?;
        Ok((results::list(sql, &ResultFilter::default())?.len(), there))
    };
    catalog.read(count).await.unwrap()
}

#[tokio::test]
async fn a_report_counts_once_a_project() {
    let (_folder, catalog) = catalog();
    let whole = Recorded { results: CASES as u64, matched: 0 };
    for project in ["web", "payments"] {
        let imported = import(&catalog, "ann", new(project), report()).await.unwrap();
        assert!(matches!(imported, Imported::Now(recorded) if recorded == whole), "{imported:?}");
    }
    let again = import(&catalog, "ann", new("web"), report()).await.unwrap();
    assert!(matches!(&again, Imported::Before(before) if before.recorded == whole), "{again:?}");
    assert_eq!(count(&catalog).await, (2 * CASES, 2 * CASES));
}

#[tokio::test]
async fn results_of_an_import_that_broke_off_never_show_and_go_with_the_next() {
    let (_folder, catalog) = catalog();
    let begin = |change: &mut Change<'_>| {
        let delivery = delivery::begin(change.sql(), new("web"), Utc::now())?;
        delivery.writes(vec![report()]).next().map(|write| write(change)).transpose()
    };
    catalog.write(begin).await.unwrap();
    assert_eq!(count(&catalog).await, (0, AT_ONCE));
    import(&catalog, "ann", new("web"), report()).await.unwrap();
    assert_eq!(count(&catalog).await, (CASES, CASES));
    clear_broken(&catalog).await.unwrap();
    assert_eq!(count(&catalog).await, (CASES, CASES));
}

#[tokio::test]
async fn others_write_while_a_report_is_imported() {
    let (_folder, catalog) = catalog();
    let mut events = catalog.follow();
    let importing = import(&catalog, "ann", new("web"), report());
    let other = async {
        // The import is under way once some of it is there.
        let is_begun = |sql: &rusqlite::Connection| {
            Ok(sql.query_row("SELECT EXISTS (SELECT * FROM result)", [], |row| row.get::<_, bool>(0))?)
        };
        while !catalog.read(is_begun).await.unwrap() {}
        catalog.tell(Event::new(Utc::now(), EventName::AgentStarted, "another")).await.unwrap();
    };
    let (imported, ()) = tokio::join!(importing, other);
    imported.unwrap();
    let told = [events.recv().await.unwrap().name, events.recv().await.unwrap().name];
    assert_eq!(told, [EventName::AgentStarted, EventName::ResultsImported]);
}
