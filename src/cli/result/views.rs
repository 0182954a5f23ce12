//! Results as people are shown them: of a project, of one run, of one case.

use super::super::look::Look;
use super::super::table::{Cell, Table};
use super::super::wording::{ago, duration};
use crate::catalog::results::ResultRecord;

pub(super) fn list(results: &[ResultRecord], look: &Look) -> String {
    if results.is_empty() {
        return "There are no such results: runs record them, and `suitesync result import`.\n".to_owned();
    }
    let mut table = Table::new(["RECORDED", "STATUS", "CASE", "LINK", "FROM", "MESSAGE"], look);
    for result in results {
        table.row([
            Cell::new(ago(result.recorded_at, look.now)),
            Cell::status(result.status.code()),
            Cell::new(case(result)),
            Cell::new(result.link.as_deref().unwrap_or_default()),
            Cell::new(origin(result)),
            Cell::new(first_line(result)),
        ]);
    }
    table.render()
}

/// The results of one run.
pub(in crate::cli) fn of_run(results: &[&ResultRecord], look: &Look) -> String {
    let mut table = Table::without_titles(look);
    for result in results {
        table.row([
            Cell::status(result.status.code()),
            Cell::new(case(result)),
            Cell::new(took(result)),
            Cell::new(first_line(result)),
        ]);
    }
    table.render()
}

/// The results of one case.
pub(in crate::cli) fn of_case(results: &[ResultRecord], look: &Look) -> String {
    let mut table = Table::without_titles(look);
    for result in results {
        table.row([
            Cell::status(result.status.code()),
            Cell::new(ago(result.recorded_at, look.now)),
            Cell::new(took(result)),
            Cell::new(origin(result)),
            Cell::new(first_line(result)),
        ]);
    }
    table.render()
}

/// The id of the case, or what the report calls it.
fn case(result: &ResultRecord) -> &str {
    result.case.as_deref().or(result.path.as_deref()).unwrap_or(&result.name)
}

/// `run 12`, or the report that was imported.
fn origin(result: &ResultRecord) -> String {
    result.run.map_or_else(|| result.source.clone(), |run| format!("run {run}"))
}

fn took(result: &ResultRecord) -> String {
    result.duration_ms.map(duration).unwrap_or_default()
}

fn first_line(result: &ResultRecord) -> &str {
    result.message.as_deref().and_then(|message| message.lines().next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use suitesync_contract::{CaseStatus, RunId};

    use super::super::super::look::tests::{look, plain};
    use super::*;

    fn result(run: Option<u64>, status: CaseStatus) -> ResultRecord {
        ResultRecord {
            project: "payments".to_owned(),
            run: run.map(RunId),
            source: "report.xml".to_owned(),
            suite: "Smoke".to_owned(),
            name: "Pay".to_owned(),
            path: Some("Test Cases/Pay".to_owned()),
            status,
            duration_ms: run.map(|_| 1_250),
            attempts: 1,
            message: (status == CaseStatus::Failed).then(|| "no such \u{1b}button\nat line 3".to_owned()),
            started_at: None,
            recorded_at: look().now - TimeDelta::hours(2),
            link: run.map(|_| "checkout-tests".to_owned()),
            case: run.map(|_| "Test Cases/Pay".to_owned()),
        }
    }

    #[test]
    fn a_listing_tells_where_results_come_from() {
        let results = [result(None, CaseStatus::Passed), result(Some(12), CaseStatus::Failed)];
        insta::assert_snapshot!(plain(&list(&results, &look())), @r"
        RECORDED  STATUS  CASE            LINK            FROM        MESSAGE
        2 h ago   passed  Test Cases/Pay                  report.xml
        2 h ago   failed  Test Cases/Pay  checkout-tests  run 12      no such \u{1b}button
        ");
    }

    #[test]
    fn the_history_of_a_case_has_a_line_a_result() {
        let results = [result(None, CaseStatus::Skipped), result(Some(12), CaseStatus::Failed)];
        insta::assert_snapshot!(plain(&of_case(&results, &look())), @r"
        skipped  2 h ago         report.xml
        failed   2 h ago  1.2 s  run 12      no such \u{1b}button
        ");
    }
}
