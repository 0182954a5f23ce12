//! Schedules that are told of, as tables.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta};

use super::*;
use crate::config::{Environment, Location, load};
use crate::views::problems::tests::candidate;

const CONFIGURATION: &str = r#"
[[delegate]]
name = "b-good"
runs = true

[[connection]]
name = "server"
url = "https://git.example.org/shop"

[[link]]
name = "shop"
connection = "server"
url = "https://git.example.org/shop"

[[schedule]]
name = "nightly"
link = "shop"
cron = "0 0 2 * * *"
suites = ["Test Suites/Smoke"]
command = ["true"]
delegate_tags = ["b-good"]
"#;

/// An agent that has had its configuration for so many seconds.
fn state(candidates: Vec<Candidate>, seconds: i64) -> AgentState {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("suitesync.toml");
    std::fs::write(&main, CONFIGURATION).unwrap();
    let loaded = load(&Location::new(main), &Environment::of([("STATE_DIRECTORY", "/var/lib/suitesync")]));
    let config = Arc::new(loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics)));
    let configured_at = DateTime::UNIX_EPOCH;
    AgentState {
        started_with: Arc::clone(&config),
        config,
        now: configured_at + TimeDelta::seconds(seconds),
        generation: 1,
        started_at: configured_at,
        configured_at,
        rejected: Vec::new(),
        delegates: Vec::new(),
        candidates,
        drained: BTreeSet::new(),
        handed: BTreeSet::new(),
        remote: None,
        all_known: true,
        executes_runs: true,
        run_users: BTreeSet::new(),
        unwritable: None,
    }
}

fn lines(problems: &[Problem]) -> Vec<String> {
    let line = |problem: &Problem| {
        let Problem { subject, class, message, hint } = problem;
        format!("{subject}: {class}: {message} -> {hint}")
    };
    problems.iter().map(line).collect()
}

fn queued(ids: &[u64]) -> Vec<(RunId, ScheduleName)> {
    ids.iter().map(|id| (RunId(*id), "nightly".parse().unwrap())).collect()
}

/// What is told of two queued runs, while another delegate could have them but for its tags.
#[track_caller]
fn check(state: &AgentState, expect: &[&str]) {
    assert_eq!(lines(&waiting(state, &queued(&[7, 8]))), expect);
}

fn with(status: DelegateStatus, seconds: i64) -> AgentState {
    state(vec![candidate("other", DelegateStatus::Connected), candidate("b-good", status)], seconds)
}

#[test]
fn runs_that_nobody_can_take_are_told_with_what_helps() {
    check(&with(DelegateStatus::Connected, 99), &[]);
    let listed = "look at `suitesync delegate list`";
    let told = |why: &str, hint: &str| format!("schedule nightly: no_eligible_delegate: 2 runs wait: {why} -> {hint}");
    check(&with(DelegateStatus::Lost, 0), &[&told("b-good: lost", listed)]);
    check(&with(DelegateStatus::Starting, 29), &[]);
    check(&with(DelegateStatus::Starting, 30), &[&told("b-good: starting", listed)]);
    let mut draining = with(DelegateStatus::Draining, 0);
    check(&draining, &[&told("b-good: draining", listed)]);
    draining.drained.insert("b-good".parse().unwrap());
    check(&draining, &[&told("b-good: draining", "suitesync delegate resume b-good")]);
    check(
        &state(vec![candidate("other", DelegateStatus::Connected)], 0),
        &[&told("other: missing tag b-good", listed)],
    );
    let unmet = AgentState { all_known: false, ..state(vec![candidate("other", DelegateStatus::Connected)], 0) };
    check(&unmet, &[&told("other: missing tag b-good", "delegates on other hosts are known once NATS is reached")]);
}

#[test]
fn a_run_waits_neither_for_a_place_in_vain_nor_while_a_delegate_has_it() {
    let mut full = with(DelegateStatus::Connected, 99);
    full.candidates.iter_mut().for_each(|candidate| candidate.runs = 1);
    check(&full, &[]);
    let mut handed = with(DelegateStatus::Lost, 99);
    handed.handed = [RunId(7), RunId(8)].into();
    check(&handed, &[]);
    handed.handed.remove(&RunId(8));
    let told = "schedule nightly: no_eligible_delegate: 1 run waits: b-good: lost -> look at `suitesync delegate list`";
    check(&handed, &[told]);
}

/// What is told of a schedule whose runs ended so, the newest first.
#[track_caller]
fn check_ends(ends: &[(RunStatus, Option<&str>)], expect: &[&str]) {
    let end = |(id, (status, message)): (u64, &(RunStatus, Option<&str>))| RunEnd {
        id: RunId(id),
        status: *status,
        reason: message.map(|_| "disk_full".to_owned()),
        message: message.map(str::to_owned),
    };
    let last = LastEnds([("nightly".parse().unwrap(), (7..).zip(ends).map(end).collect())].into());
    let state = with(DelegateStatus::Connected, 0);
    assert_eq!(lines(&in_error(&state, &last)), expect, "{ends:?}");
    assert!(in_error(&AgentState { executes_runs: false, ..state }, &last).is_empty());
}

#[test]
fn a_schedule_whose_runs_all_end_as_errors_is_told() {
    let error = (RunStatus::Error, None);
    let full = (RunStatus::Error, Some("no space left\nat line 3"));
    let told = "schedule nightly: disk_full: its last 3 runs ended as error: no space left -> \
                suitesync run show 7";
    check_ends(&[full, error, error], &[told]);
    let bare = "schedule nightly: error: its last 3 runs ended as error -> suitesync run show 7";
    check_ends(&[error, full, full], &[bare]);
    for other in [RunStatus::Passed, RunStatus::Failed, RunStatus::TimedOut] {
        check_ends(&[full, full, (other, None)], &[]);
        check_ends(&[(other, None), full, full], &[]);
    }
    check_ends(&[full, full], &[]);
    check_ends(&[], &[]);
}
