//! Runs from their queue to their verdict: executed, judged, canceled, and found again after a kill.

use serde_json::{Value, json};

use crate::support::processes::is_running;
use crate::support::schedule::newest_result;
use crate::support::{Site, wait_for};

/// Writes a report on three cases, as Katalon does.
const REPORT: &str = r#"mkdir -p Reports/1 && cat > Reports/1/JUnit_Report.xml <<XML
<testsuites name="Smoke"><testsuite id="Test Suites/Smoke" name="Smoke" timestamp="2026-11-21 10:00:00">
<testcase name="Test Cases/Login" classname="Test Cases/Login" status="PASSED" time="1.5"/>
<testcase name="Test Cases/Cart/Add" classname="Test Cases/Cart/Add" status="FAILED" time="2"><failure message="no cart"/></testcase>
<testcase name="Test Cases/Unknown" classname="Test Cases/Unknown" status="PASSED" time="2"/>
</testsuite></testsuites>
XML
"#;

fn site_with(script: &str, keys: &str) -> (Site, String) {
    let (site, _repository, commit) = Site::with_shop();
    let text = site.connection("server", "shop.git")
        + &site.link("shop", "server", "shop.git", "")
        + &site.schedule("nightly", "Test Suites/Smoke", script, keys);
    site.configure(&text);
    (site, commit)
}

/// Runs a command as the suite's; the run once it is over.
fn outcome(script: &str, keys: &str) -> Value {
    let (site, commit) = site_with(script, keys);
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let id = site.start("nightly")[0];
    wait_for("the run to be over", || {
        let run = site.json(&["run", "show", &id.to_string()]);
        (!run["finished_at"].is_null()).then_some(run)
    })
}

fn check(script: &str, keys: &str, status: &str, reason: Value) {
    let run = outcome(script, keys);
    assert_eq!((&run["status"], &run["reason"]), (&json!(status), &reason), "{run}");
}

const RESULTS: &str = "results = [\"Reports/**/JUnit_Report.xml\"]";

#[test]
fn results_are_attached_to_cases_and_decide() {
    let (site, commit) = site_with(REPORT, RESULTS);
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let id = site.start("nightly")[0];
    let run = site.wait_for_run(id, "failed");
    assert_eq!(run["reason"], "failed_cases");
    assert_eq!(run["counts"], json!({ "passed": 2, "failed": 1, "errors": 0, "skipped": 0 }));
    let case = site.json(&["case", "show", "Test Cases/Cart/Add", "--link", "shop"]);
    let result = newest_result(&case);
    assert_eq!((&result["status"], &result["run"]), (&json!("failed"), &json!(id)), "{case}");
    let unmatched = site.json(&["result", "list", "--unmatched"]);
    assert_eq!(unmatched.as_array().unwrap().len(), 1, "{unmatched}");
    assert_eq!(unmatched[0]["name"], "Test Cases/Unknown");
}

#[test]
fn without_results_the_exit_status_decides() {
    check("true", "", "passed", Value::Null);
    check("exit 3", "", "failed", json!("exit_status"));
}

#[test]
fn results_that_were_asked_for_and_are_not_there_are_an_error() {
    check("true", RESULTS, "error", json!("no_results"));
}

#[test]
fn a_signal_is_an_error_and_the_time_limit_is_its_own_status() {
    check("kill -9 $$", "", "error", json!("signal"));
    check("sleep 600", "timeout = \"1s\"", "timed_out", json!("time_limit"));
}

#[test]
fn a_command_has_the_suite_and_a_clean_environment_and_its_secrets_stay_out_of_the_log() {
    let script = "echo \"$SUITESYNC_SUITE|$STAGE|$SITE_TOKEN|$PASSWORD\"; printf %s \"$PASSWORD\" | base64; pwd; ls";
    let keys = "environment = { STAGE = \"qa\", PASSWORD = { env = \"WRONG_TOKEN\" } }";
    let (site, commit) = site_with(script, keys);
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let id = site.start("nightly")[0];
    site.wait_for_run(id, "passed");
    let log = site.log_of(id);
    assert!(log.contains("Test Suites/Smoke|qa||"), "{log}");
    assert!(log.contains("Test Cases"), "the root is the working folder: {log}");
    assert!(!log.contains("canary-wrong-token") && !log.contains("Y2FuYXJ5LXdyb25n"), "{log}");
}

#[test]
fn a_canceled_run_leaves_no_process() {
    let mark = "30271.5";
    let (site, commit) = site_with(&format!("trap '' TERM; setsid sleep {mark} & sleep {mark}"), "");
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let id = site.start("nightly")[0];
    site.wait_for_run(id, "running");
    wait_for("the command to run", || is_running(mark).then_some(()));
    let acted = site.json(&["run", "cancel", &id.to_string(), "--yes"]);
    assert!(["canceling", "canceled"].contains(&acted["status"].as_str().unwrap()), "{acted}");
    let run = site.wait_for_run(id, "canceled");
    assert_eq!(run["reason"], "operator");
    assert!(!is_running(mark));
}

#[test]
fn a_run_of_a_killed_agent_ends_as_an_error_and_nothing_of_it_is_left() {
    let mark = "30272.5";
    let (site, commit) = site_with(&format!("setsid sleep {mark} & sleep {mark}"), "");
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let id = site.start("nightly")[0];
    site.wait_for_run(id, "running");
    wait_for("the command to run", || is_running(mark).then_some(()));
    agent.kill();
    let _agent = site.agent();
    let run = site.wait_for_run(id, "error");
    assert_eq!(run["reason"], "agent_restarted");
    wait_for("the command to be gone", || (!is_running(mark)).then_some(()));
}
