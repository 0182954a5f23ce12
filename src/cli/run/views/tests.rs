//! What people see of runs.

use chrono::TimeDelta;
use suitesync_contract::{LogSummary, RunId};

use super::super::super::look::tests::{look, plain};
use super::*;

fn run(id: u64, status: RunStatus) -> RunRecord {
    let now = look().now;
    RunRecord {
        id: RunId(id),
        schedule: "nightly".parse().unwrap(),
        link: "checkout-tests".parse().unwrap(),
        connection: "contoso".parse().unwrap(),
        project: "payments".to_owned(),
        root: String::new(),
        suite: "Test Suites/Smoke".to_owned(),
        status,
        reason: None,
        message: None,
        requested_by: None,
        due_at: now - TimeDelta::minutes(5),
        queued_at: now - TimeDelta::minutes(5),
        started_at: Some(now - TimeDelta::minutes(4)),
        finished_at: status.is_final().then(|| now - TimeDelta::milliseconds(54_800)),
        delegate: Some("runner".parse().unwrap()),
        fence: 1,
        commit: Some("ab".repeat(20).parse().unwrap()),
        counts: None,
        exit: None,
        marker: None,
        log: LogSummary { written_bytes: 1, omitted_bytes: 0 },
    }
}

fn failed(id: u64) -> RunRecord {
    RunRecord {
        reason: Some("failed_cases".to_owned()),
        message: Some("the command ended with status 1".to_owned()),
        counts: Some(ResultCounts { passed: 3, failed: 1, errors: 0, skipped: 2 }),
        exit: Some(Exit::Code(1)),
        ..run(id, RunStatus::Failed)
    }
}

fn result(name: &str, status: CaseStatus, message: Option<&str>) -> ResultRecord {
    ResultRecord {
        project: "payments".to_owned(),
        run: Some(RunId(12)),
        source: "Reports/JUnit_Report.xml".to_owned(),
        suite: "Test Suites/Smoke".to_owned(),
        name: name.to_owned(),
        path: None,
        status,
        duration_ms: Some(1_250),
        attempts: 1,
        message: message.map(str::to_owned),
        started_at: None,
        recorded_at: look().now,
        link: None,
        case: None,
    }
}

#[test]
fn a_listing_tells_how_runs_ended_and_how_long_they_took() {
    let canceled =
        RunRecord { reason: Some("link_archived".to_owned()), started_at: None, ..run(11, RunStatus::Canceled) };
    let runs = [canceled, failed(12), run(13, RunStatus::Running)];
    let wide = Look { width: None, ..look() };
    insta::assert_snapshot!(plain(&list(&runs, &wide)), @"
    ID  SCHEDULE  LINK            SUITE              STATUS    DUE        TOOK       RESULTS                        REASON
    11  nightly   checkout-tests  Test Suites/Smoke  canceled  5 min ago                                            link_archived
    12  nightly   checkout-tests  Test Suites/Smoke  failed    5 min ago  3 min 5 s  3 passed, 1 failed, 2 skipped  failed_cases
    13  nightly   checkout-tests  Test Suites/Smoke  running   5 min ago  4 min 0 s
    ");
}

#[test]
fn a_run_is_told_in_one_sentence() {
    let check = |run: RunRecord, expect: &str| assert_eq!(plain(&told(&run, &look())), expect);
    check(
        failed(12),
        "Run 12 of Test Suites/Smoke: failed (failed_cases) after 3 min 5 s; 3 passed, 1 failed, 2 skipped\n  \
         the command ended with status 1\n",
    );
    check(RunRecord { started_at: None, ..run(13, RunStatus::Queued) }, "Run 13 of Test Suites/Smoke: queued\n");
}

#[test]
fn what_did_not_pass_comes_first_in_the_details() {
    let results = vec![
        result("Test Cases/Login", CaseStatus::Passed, None),
        result("Test Cases/Pay", CaseStatus::Failed, Some("no such\u{1b} button\nat line 3")),
    ];
    insta::assert_snapshot!(plain(&detail(&RunDetail { run: failed(12), waits: None, results }, &look())), @r"
    run           12
    schedule      nightly
    link          checkout-tests
    suite         Test Suites/Smoke
    status        failed
    reason        failed_cases
    message       the command ended with status 1
    asked for by  its schedule
    due           5 min ago
    started       4 min ago
    took          3 min 5 s
    delegate      runner
    commit        ababababab
    command       ended with status 1
    log           1 byte: `suitesync run logs 12`
    results       3 passed, 1 failed, 2 skipped

    Results
    failed  Test Cases/Pay    1.2 s  no such\u{1b} button
    passed  Test Cases/Login  1.2 s
    ");
}

#[test]
fn a_queued_run_tells_what_it_waits_for() {
    let waits = Some("b-good: draining".to_owned());
    let shown = plain(&detail(&RunDetail { run: run(13, RunStatus::Queued), waits, results: Vec::new() }, &look()));
    assert_eq!(shown.lines().nth(5), Some("waits         b-good: draining"), "{shown}");
}

#[test]
fn a_listing_has_the_fields_that_scripts_read() {
    let listed = serde_json::to_value(failed(12)).unwrap();
    let fields = [
        "id",
        "schedule",
        "link",
        "suite",
        "status",
        "reason",
        "due_at",
        "started_at",
        "finished_at",
        "delegate",
        "counts",
    ];
    let missing: Vec<_> = fields.into_iter().filter(|field| listed.get(field).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?} lack");
    assert_eq!((&listed["id"], &listed["status"]), (&12.into(), &"failed".into()));
}

#[test]
fn what_an_operator_has_barred_is_told_with_the_way_back() {
    let barred = |reason: Barrier| {
        let run = RunRecord { reason: Some(reason.code().to_owned()), ..run(11, RunStatus::Canceled) };
        plain(&way_back(&[run], &look()))
    };
    assert_eq!(barred(Barrier::LinkArchived), "  → `suitesync link unarchive checkout-tests` takes that back\n");
    assert_eq!(
        barred(Barrier::ConnectionDisconnected),
        "  → `suitesync connection reconnect contoso` takes that back\n"
    );
    assert_eq!(way_back(&[failed(12), run(13, RunStatus::Canceled)], &look()), "");
}
