//! Runs while the configuration changes around them: what is under way goes on, and what is queued follows.

use serde_json::{Value, json};

use crate::support::katalon::{small_project, suite};
use crate::support::schedule::many_suites;
use crate::support::{RunningAgent, Site, wait_for};

/// A link `shop` of three suites, `Test Suites/S0` and on, which is synced. `rest` is configured besides.
fn site_with(rest: &str) -> (Site, RunningAgent) {
    let site = Site::new();
    let commit = site.repository("shop.git").commit("main", "first", &many_suites(3)).unwrap();
    site.configure(&(shop(&site) + rest));
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    (site, agent)
}

fn shop(site: &Site) -> String {
    site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", "")
}

fn local(keys: &str) -> String {
    format!("[[delegate]]\nname = \"local\"\n{keys}\n\n")
}

/// Waits for its end until a file is there.
fn waiting_for(site: &Site, file: &str) -> String {
    site.schedule("long", "Test Suites/S0", &format!("until [ -e {:?} ]; do sleep 0.1; done", site.path(file)), "")
}

fn over(site: &Site, id: u64) -> Value {
    wait_for("the run to be over", || {
        let run = site.json(&["run", "show", &id.to_string()]);
        (!run["finished_at"].is_null()).then_some(run)
    })
}

#[test]
fn a_run_goes_on_and_others_begin_at_once_when_its_delegate_changes() {
    let (site, _agent) = site_with("");
    let schedules = waiting_for(&site, "go") + &site.schedule("short", "Test Suites/S1", "true", "");
    site.configure(&(shop(&site) + &schedules));
    site.json(&["config", "reload"]);
    let long = site.start("long")[0];
    site.wait_for_run(long, "running");
    for keys in ["capacity = 5", "capacity = 5\nno_proxy = [\"other.example.org\"]"] {
        site.configure(&(local(keys) + &shop(&site) + &schedules));
        site.json(&["config", "reload"]);
        let short = site.start("short")[0];
        site.wait_for_run(short, "passed");
        assert_eq!(site.json(&["run", "show", &long.to_string()])["status"], "running");
    }
    std::fs::write(site.path("go"), "").unwrap();
    site.wait_for_run(long, "passed");
}

#[test]
fn a_secret_that_is_declared_or_moved_while_the_agent_runs_is_the_one_that_runs_get() {
    let (site, _agent) = site_with("");
    let keys = "environment = { WORD = { secret = \"word\" } }";
    let schedule = site.schedule("one", "Test Suites/S0", "printf %s \"$WORD\" | wc -c", keys);
    for (name, word) in [("first", "open sesame"), ("second", "open sesame again")] {
        let file = site.secret_file(name, word);
        site.configure(&(shop(&site) + &schedule + &format!("[secrets.word]\nfile = {file:?}\n")));
        site.json(&["config", "reload"]);
        let id = site.start("one")[0];
        let run = over(&site, id);
        assert_eq!(run["status"], "passed", "{run}");
        assert_eq!(site.log_of(id).trim(), word.len().to_string());
    }
}

#[test]
fn queued_runs_of_a_schedule_that_is_removed_are_canceled_and_the_one_under_way_goes_on() {
    let (site, _agent) = site_with("");
    let one_place = local("capacity = 1");
    let queued = site.schedule("all", "Test Suites/*", "true", "");
    site.configure(&(one_place.clone() + &shop(&site) + &waiting_for(&site, "go") + &queued));
    site.json(&["config", "reload"]);
    let long = site.start("long")[0];
    site.wait_for_run(long, "running");
    let waiting = site.start("all");
    site.configure(&(one_place + &shop(&site)));
    site.json(&["config", "reload"]);
    for id in waiting {
        let run = site.wait_for_run(id, "canceled");
        assert_eq!(run["reason"], "schedule_removed");
    }
    std::fs::write(site.path("go"), "").unwrap();
    site.wait_for_run(long, "passed");
}

#[test]
fn queued_runs_of_a_schedule_that_was_removed_while_the_agent_was_down_are_canceled() {
    let nobody = "delegate_tags = [\"nobody\"]";
    let lost =
        local("") + "[[delegate]]\nname = \"nobody\"\nkind = \"process\"\nsocket = \"/nowhere/delegate.sock\"\n\n";
    let (site, agent) = site_with(&lost);
    let schedule = site.schedule("waits", "Test Suites/S0", "true", nobody);
    site.configure(&(shop(&site) + &lost + &schedule));
    site.json(&["config", "reload"]);
    let id = site.start("waits")[0];
    agent.kill();
    site.configure(&(shop(&site) + &lost));
    let _agent = site.agent();
    let run = site.wait_for_run(id, "canceled");
    assert_eq!(run["reason"], "schedule_removed");
}

#[test]
fn a_run_that_nobody_executes_says_what_to_write() {
    let (site, _agent) = site_with("");
    site.configure(&(local("runs = false") + &shop(&site) + &site.schedule("one", "Test Suites/S0", "true", "")));
    site.json(&["config", "reload"]);
    let run = over(&site, site.start("one")[0]);
    assert_eq!((&run["status"], &run["reason"]), (&json!("error"), &json!("no_eligible_delegate")), "{run}");
    let told = run["message"].as_str().unwrap();
    assert!(told.starts_with("no delegate executes runs; write `runs = true`"), "{told}");
}

#[test]
fn a_tag_that_nobody_has_is_told_with_the_nearest_when_a_run_is_started_by_hand() {
    let (site, _agent) = site_with("");
    let schedule = site.schedule("one", "Test Suites/S0", "true", "delegate_tags = [\"lcoal\"]");
    site.configure(&(local("") + &shop(&site) + &schedule));
    site.json(&["config", "reload"]);
    let started = site.run(&["run", "start", "one"]);
    let told = "warning: no delegate carries the tag `lcoal`\nhint: did you mean `local`?\n";
    assert_eq!((String::from_utf8_lossy(&started.stderr).as_ref(), started.status.code()), (told, Some(0)));
}

#[test]
fn a_link_that_was_never_synced_is_the_reason_that_its_suites_are_not_run() {
    let site = Site::new();
    site.repository("shop.git").commit("main", "first", &small_project()).unwrap();
    let manual =
        site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", "proceed = \"manual\"");
    site.configure(&(manual + &site.schedule("one", "Test Suites/Smoke", "true", "")));
    let _agent = site.agent();
    let run = over(&site, site.start("one")[0]);
    assert_eq!((&run["status"], &run["reason"]), (&json!("error"), &json!("never_synced")), "{run}");
}

#[test]
fn a_suite_that_is_called_like_a_glob_takes_nothing_away_from_it() {
    let site = Site::new();
    let odd = ["Test Suites/*", "Test Suites/S[0]"].map(|id| suite(id, &["Test Cases/Login"]));
    let suites = [many_suites(3), odd.to_vec()].concat();
    let commit = site.repository("shop.git").commit("main", "first", &suites).unwrap();
    let all = site.schedule("all", "Test Suites/*", "true", "");
    site.configure(&(shop(&site) + &all + &site.schedule("one", "Test Suites/S[0]", "true", "")));
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    assert_eq!((site.start("all").len(), site.start("one").len()), (5, 2));
}

#[test]
fn the_suite_to_start_is_named_by_an_id_that_the_schedule_means() {
    let (site, _agent) = site_with("");
    site.configure(&(shop(&site) + &site.schedule("some", "Test Suites/S[01]", "true", "")));
    site.json(&["config", "reload"]);
    let start = |suite: &str| site.run(&["--json", "run", "start", "some", "--suite", suite]);
    let started: Value = serde_json::from_slice(&start("Test Suites/S1").stdout).unwrap();
    assert_eq!((started.as_array().unwrap().len(), &started[0]["suite"]), (1, &json!("Test Suites/S1")));
    for suite in ["Test Suites/*", "Test Suites/S2", "Test Suites/S[01]"] {
        let output = start(suite);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains("means no suite"), "{suite}: {told}");
        assert!(told.contains("Test Suites/S0"), "{suite}: {told}");
    }
}
