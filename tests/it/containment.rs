//! Whatever a run does, the agent stays master of it: its processes, its log, its secrets, and its end.

use serde_json::{Value, json};

use crate::support::processes::{is_running, of_runs_below, peak_memory};
use crate::support::{RunningAgent, Site, wait_for};

/// The agent may hold so much, whatever runs print.
const MEMORY: u64 = 80 << 20;
/// What is kept of a log, with the line that tells what is left out.
const LOG: usize = (32 << 20) + 200;

/// A site whose one suite is this shell's, an agent that is up to date with it, and the run.
fn begin(script: &str) -> (Site, RunningAgent, u64) {
    let (site, _repository, commit) = Site::with_shop();
    let keys = "environment = { PASSWORD = { env = \"WRONG_TOKEN\" } }";
    let text = site.connection("server", "shop.git")
        + &site.link("shop", "server", "shop.git", "")
        + &site.schedule("nightly", "Test Suites/Smoke", script, keys);
    site.configure(&text);
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let id = site.start("nightly")[0];
    (site, agent, id)
}

fn expect_nothing_left(site: &Site, marks: &[&str]) {
    for mark in marks {
        assert!(!is_running(mark), "sleep {mark} is left");
    }
    let left = of_runs_below(site.folder.path());
    assert!(left.is_empty(), "{left:?}");
}

/// Cancels a run once all processes with these marks are there, and checks that none is left when that is done.
fn check_canceled(script: &str, marks: &[&str]) {
    let (site, _agent, id) = begin(script);
    wait_for("the run's processes", || marks.iter().all(|mark| is_running(mark)).then_some(()));
    site.json(&["run", "cancel", &id.to_string(), "--yes"]);
    assert_eq!(site.wait_for_run(id, "canceled")["reason"], "operator");
    expect_nothing_left(&site, marks);
}

#[test]
fn what_ignores_sigterm_is_gone_when_the_run_is_canceled() {
    check_canceled("trap '' TERM; sleep 30511.5 & sleep 30512.5", &["30511.5", "30512.5"]);
}

#[test]
fn a_daemon_that_left_session_group_and_environment_is_gone_when_the_run_is_canceled() {
    let daemon = "(setsid sh -c 'env -i setsid sleep 30521.5 & sleep 0.1' &); sleep 30522.5";
    check_canceled(daemon, &["30521.5", "30522.5"]);
}

#[test]
fn a_daemon_that_a_run_leaves_behind_ends_with_it() {
    let (site, _agent, id) = begin("(setsid -f sleep 30531.5); exit 0");
    site.wait_for_run(id, "passed");
    expect_nothing_left(&site, &["30531.5"]);
}

#[test]
fn a_log_of_a_hundred_megabytes_is_bounded_and_costs_no_memory() {
    let script = "echo first; yes 'a line of the log' | head -c 100000000; echo; echo last";
    let (site, agent, id) = begin(script);
    let run: Value = wait_for("the run to be over", || {
        let run = site.json(&["run", "show", &id.to_string()]);
        (run["status"] == "passed").then_some(run)
    });
    let log = wait_for("the end of the log", || Some(site.log_of(id)).filter(|log| log.ends_with("\nlast\n")));
    assert!(log.starts_with("first\n") && log.len() <= LOG, "{}", log.len());
    let kept = run["log"]["written_bytes"].as_u64().unwrap() - run["log"]["omitted_bytes"].as_u64().unwrap();
    assert!(log.len() as u64 - kept < 200, "{run}");
    let memory = peak_memory(agent.id());
    assert!(memory < MEMORY, "{memory}");
}

#[test]
fn a_secret_is_hidden_in_pieces_and_in_base64() {
    let script = "printf canary-; sleep 0.3; printf wrong >&2; sleep 0.3; echo -token; \
                  printf 'user:%s' \"$PASSWORD\" | base64; printf %s \"$PASSWORD\" | base64 | cut -c1-9 | tr -d '\\n'; \
                  sleep 0.3; printf %s \"$PASSWORD\" | base64 | cut -c10-";
    let (site, _agent, id) = begin(script);
    site.wait_for_run(id, "passed");
    let log = wait_for("the log", || Some(site.log_of(id)).filter(|log| log.lines().count() == 3));
    assert!(log.lines().all(|line| line.contains("[secret env:WRONG_TOKEN]")), "{log}");
    for form in ["canary", "wrong", "Y2Fu", "d3Jvbm", "NhbmFyeS"] {
        assert!(!log.contains(form), "{form} is in {log}");
    }
}

#[test]
fn an_agent_that_is_stopped_ends_its_runs_first() {
    let (site, agent, id) = begin("setsid sleep 30541.5 & sleep 30542.5");
    wait_for("the run's processes", || ["30541.5", "30542.5"].iter().all(|mark| is_running(mark)).then_some(()));
    site.wait_for_run(id, "running");
    assert_eq!(agent.stop(), Some(0));
    expect_nothing_left(&site, &["30541.5", "30542.5"]);
    let _agent = site.agent();
    let run = wait_for("the run to be over", || {
        site.runs().into_iter().find(|run| run["id"] == id && !run["finished_at"].is_null())
    });
    assert_eq!((&run["status"], &run["reason"]), (&json!("error"), &json!("agent_restarted")), "{run}");
}
