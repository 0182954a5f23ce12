//! The agent, or NATS, is killed and started anew while something is under way elsewhere.

use serde_json::json;

use super::Estate;
use crate::support::processes::of_runs_below;
use crate::support::{RunningAgent, RunningStation, wait_for};

/// Counts to thirty, so that it goes on for some seconds; each line of its log is another one.
const COUNTING: &str = "i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo line $i; sleep 0.2; done";

fn counted() -> String {
    (1..=30).map(|number| format!("line {number}\n")).collect()
}

/// An estate with a run that has begun to count.
fn counting() -> (Estate, RunningAgent, RunningStation, u64) {
    let estate = Estate::new();
    let site = &estate.site;
    estate.configure(&site.schedule("nightly", "Test Suites/Smoke", COUNTING, ""));
    let station = site.station(&estate.nats, "dc1");
    let agent = site.agent();
    site.wait_for_commit("shop", &estate.commit);
    let id = site.start("nightly")[0];
    wait_for("the run to count", || site.log_of(id).contains("line 3\n").then_some(()));
    (estate, agent, station, id)
}

#[test]
fn a_run_elsewhere_outlives_an_agent_that_is_killed() {
    let (estate, agent, _station, id) = counting();
    agent.kill();
    let site = &estate.site;
    let _agent = site.agent();
    let run = site.wait_for_run(id, "passed");
    assert_eq!(run["delegate"], "dc1");
    assert_eq!(site.log_of(id), counted());
}

#[test]
fn a_run_elsewhere_goes_on_when_the_agent_is_restarted_and_its_outcome_waits() {
    let (estate, agent, _station, id) = counting();
    let site = &estate.site;
    assert_eq!(agent.stop(), Some(0));
    wait_for("the run to end", || of_runs_below(&site.path("dc1-state")).is_empty().then_some(()));
    let _agent = site.agent();
    site.wait_for_run(id, "passed");
    assert_eq!(site.log_of(id), counted());
}

#[test]
fn a_run_that_was_lost_while_the_agent_was_away_ends_as_an_error() {
    let (estate, agent, station, id) = counting();
    let site = &estate.site;
    agent.kill();
    station.kill();
    let _agent = site.agent();
    let run = site.wait_for_run(id, "error");
    assert_eq!(run["reason"], "delegate_lost", "{run}");
}

#[test]
fn nothing_is_lost_when_nats_is_killed_and_started_anew() {
    let (mut estate, _agent, _station, id) = counting();
    estate.nats.kill();
    estate.nats.launch();
    let site = &estate.site;
    let run = site.wait_for_run(id, "passed");
    assert_eq!((&run["reason"], site.log_of(id)), (&json!(null), counted()));
    let commit = estate.repository.commit("main", "more", &[suitesync_loopback::Change::write("x", "y")]).unwrap();
    site.wait_for_commit("shop", &commit);
}

#[test]
fn a_run_elsewhere_can_be_canceled_after_a_restart() {
    let (estate, agent, _station, id) = counting();
    agent.kill();
    let site = &estate.site;
    let _agent = site.agent();
    site.json(&["run", "cancel", &id.to_string(), "--yes"]);
    let run = site.wait_for_run(id, "canceled");
    assert_eq!(run["reason"], "operator");
}

#[test]
fn what_is_asked_for_before_nats_is_reached_waits_for_delegates_that_were_there_before() {
    let mut estate = Estate::new();
    estate.configure(&estate.site.schedule("nightly", "Test Suites/Smoke", "true", ""));
    let _station = estate.site.station(&estate.nats, "dc1");
    let agent = estate.site.agent();
    estate.site.wait_for_commit("shop", &estate.commit);
    assert_eq!(agent.stop(), Some(0));
    estate.nats.kill();
    let _agent = estate.site.agent();
    let id = estate.site.start("nightly")[0];
    assert_eq!(estate.site.runs()[0]["status"], "queued");
    estate.nats.launch();
    estate.site.wait_for_run(id, "passed");
}

#[test]
fn nothing_fails_for_want_of_a_delegate_before_nats_was_reached_however_long_that_takes() {
    let mut estate = Estate::new();
    estate.configure(&estate.site.schedule("nightly", "Test Suites/Smoke", "true", ""));
    let _station = estate.site.station(&estate.nats, "dc1");
    let agent = estate.site.agent();
    estate.site.wait_for_commit("shop", &estate.commit);
    assert_eq!(agent.stop(), Some(0));
    estate.nats.kill();
    let _agent = estate.site.agent();
    let id = estate.site.start("nightly")[0];
    // Each waits for ten seconds: both are longer than what is queued waits to be handed out anew.
    for _ in 0..2 {
        let test = estate.site.json(&["connection", "test", "server"]);
        assert!(test["failure"]["hint"].as_str().unwrap().contains("once NATS is reached"), "{test}");
    }
    assert_eq!(estate.site.runs()[0]["status"], "queued");
    estate.nats.launch();
    estate.site.wait_for_run(id, "passed");
}
