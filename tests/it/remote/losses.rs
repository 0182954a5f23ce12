//! Delegates on other hosts that are killed, stopped, cut off or drained in the middle of their work: every task ends once,
//! no run is executed twice, and what another delegate can do is done by it.
//!
//! `SUITESYNC_REMOTE=50` has so many runs in each case, and syncs in proportion.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use suitesync_loopback::SampleRepository;

use super::Estate;
use crate::support::katalon::tagged_case;
use crate::support::relay::Relay;
use crate::support::schedule::many_suites;
use crate::support::station::StationFile;
use crate::support::{RunningAgent, RunningStation, find, wait_for, wait_within};

/// Runs in each case where nothing else is asked for.
const RUNS: usize = 8;

/// How long a run lasts: long enough for all of those that begin at once to be caught.
const RUN_SECONDS: u64 = 4;

/// A delegate is lost after 10 s; then what it had is done by another one, and a machine under load takes its time.
const ENDED_WITHIN: Duration = Duration::from_secs(90);

/// Two delegates that could each do everything, of which one will be disturbed.
struct Pair {
    estate: Estate,
    _agent: RunningAgent,
    repositories: Vec<SampleRepository>,
    relay: Relay,
    disturbed: Option<RunningStation>,
    _other: RunningStation,
    runs: usize,
}

impl Pair {
    fn new() -> Self {
        let runs = std::env::var("SUITESYNC_REMOTE").map_or(RUNS, |number| number.parse().unwrap());
        let estate = Estate::new();
        let site = &estate.site;
        let names: Vec<_> = (0..runs.div_ceil(2)).map(|number| format!("r{number}")).collect();
        let repositories: Vec<_> = names.iter().map(|name| site.repository(&format!("{name}.git"))).collect();
        estate.repository.commit("main", "suites", &many_suites(runs)).unwrap();
        repositories.iter().for_each(|repository| drop(repository.commit("main", "first", &many_suites(1)).unwrap()));
        let script = format!("echo \"$SUITESYNC_SUITE\" >>{}; sleep {RUN_SECONDS}", site.path("executed").display());
        let links: String = names.iter().map(|name| estate.link(name)).collect();
        estate.configure(&(links + &site.schedule("all", "Test Suites/S[0-9]*", &script, "")));
        let relay = Relay::to(estate.nats.port());
        let lines = format!("capacity = {}", runs.div_ceil(2));
        let start =
            |name, port| site.start_station(&StationFile { name, url: estate.nats.url_at(port), lines: lines.clone() });
        let (disturbed, other) = (Some(start("dc1", relay.port)), start("dc2", estate.nats.port()));
        let agent = site.agent();
        ["dc1", "dc2"].iter().for_each(|name| site.wait_for_delegate(name, "connected"));
        let pair = Self { _agent: agent, repositories, relay, disturbed, _other: other, runs, estate };
        pair.wait_for_commits();
        pair
    }

    fn push(&self, tag: &str) {
        let change = [tagged_case("Test Cases/Login", "00000000-0000-0000-0000-000000000001", tag)];
        self.repositories.iter().for_each(|repository| drop(repository.commit("main", tag, &change).unwrap()));
    }

    fn wait_for_commits(&self) {
        self.estate.site.wait_for_commit("shop", &self.estate.repository.resolve("main").unwrap());
        for (number, repository) in self.repositories.iter().enumerate() {
            self.estate.site.wait_for_commit(&format!("r{number}"), &repository.resolve("main").unwrap());
        }
    }

    /// Starts all runs, and waits until the delegate that will be disturbed has begun some.
    fn start(&self) {
        self.push("before");
        self.estate.site.start("all");
        wait_for("dc1 to have runs", || {
            let has_some =
                self.estate.site.runs().iter().any(|run| run["delegate"] == "dc1" && run["status"] == "running");
            has_some.then_some(())
        });
        self.push("meanwhile");
    }

    /// Waits until every run is over.
    fn ended(&self) -> Vec<Value> {
        wait_within(ENDED_WITHIN, "every run to be over", || {
            let runs = self.estate.site.runs();
            runs.iter().all(|run| !run["finished_at"].is_null()).then_some(runs)
        })
    }

    /// How often each suite was executed.
    fn executed(&self) -> BTreeMap<String, usize> {
        let mut executed = BTreeMap::new();
        let lines = std::fs::read_to_string(self.estate.site.path("executed")).unwrap();
        lines.lines().for_each(|suite| *executed.entry(suite.to_owned()).or_default() += 1);
        executed
    }

    /// Each run has ended once; those that passed were executed once, and none was twice.
    fn check_runs(&self) -> usize {
        let (runs, executed) = (self.ended(), self.executed());
        assert_eq!(runs.len(), self.runs);
        let mut lost = 0;
        for run in &runs {
            let times = executed.get(run["suite"].as_str().unwrap()).copied().unwrap_or_default();
            match run["status"].as_str().unwrap() {
                "passed" => assert_eq!(times, 1, "{run}"),
                "error" => {
                    assert!(run["reason"] == "delegate_lost" && times <= 1, "{times} {run}");
                    lost += 1;
                }
                _ => panic!("{run}"),
            }
        }
        let finished = self.estate.site.events("run.finished");
        assert_eq!(finished.len(), self.runs, "each end is told once");
        lost
    }

    /// Nothing is left in anybody's hands, and the catalog is where the repositories are.
    fn check_rest(&self) {
        self.wait_for_commits();
        wait_for("no run to be in hand", || {
            let delegates = self.estate.site.json(&["delegate", "list"]);
            delegates.as_array().unwrap().iter().all(|delegate| delegate["running"] == 0).then_some(())
        });
    }

    fn disturbed(&mut self) -> RunningStation {
        self.disturbed.take().unwrap()
    }
}

#[test]
fn a_delegate_that_is_killed_and_started_again_does_nothing_twice() {
    let mut pair = Pair::new();
    pair.start();
    pair.disturbed().kill();
    pair.disturbed = Some(pair.estate.site.restart_station("dc1"));
    assert!(pair.check_runs() > 0, "some had begun");
    pair.check_rest();
    pair.estate.site.wait_for_delegate("dc1", "connected");
}

#[test]
fn a_delegate_that_stands_still_is_given_up_and_what_it_comes_back_with_is_refused() {
    let mut pair = Pair::new();
    pair.start();
    let station = pair.disturbed();
    station.signal("-STOP");
    pair.estate.site.wait_for_delegate("dc1", "lost");
    assert!(pair.check_runs() > 0, "some had begun");
    station.signal("-CONT");
    pair.estate.site.wait_for_delegate("dc1", "connected");
    pair.check_rest();
    pair.check_runs();
}

#[test]
fn a_delegate_that_is_cut_off_ends_its_runs_before_they_are_given_up() {
    let pair = Pair::new();
    pair.start();
    pair.relay.cut();
    pair.estate.site.wait_for_delegate("dc1", "lost");
    pair.check_runs();
    pair.relay.mend();
    pair.estate.site.wait_for_delegate("dc1", "connected");
    pair.check_rest();
    pair.check_runs();
}

#[test]
fn a_delegate_that_is_told_to_end_ends_what_it_has_and_nothing_is_lost() {
    let mut pair = Pair::new();
    pair.start();
    assert_eq!(pair.disturbed().stop(), Some(0));
    assert_eq!(pair.check_runs(), 0);
    pair.check_rest();
    assert_eq!(find(&pair.estate.site.json(&["delegate", "list"]), "name", "dc1")["status"], "lost");
}
