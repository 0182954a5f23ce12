//! What is wrong is told by `status` as long as it is wrong, with what helps, and no longer.

use serde_json::{Value, json};

use crate::support::katalon::small_project;
use crate::support::{RunningAgent, Site, find, wait_for};

/// A site with a schedule of this script, and an agent that is up to date.
fn site_with(script: &str) -> (Site, RunningAgent) {
    let (site, _repository, commit) = Site::with_shop();
    configure(&site, script, "");
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    (site, agent)
}

fn configure(site: &Site, script: &str, more: &str) {
    let text = site.connection("server", "shop.git")
        + &site.link("shop", "server", "shop.git", "")
        + &site.schedule("nightly", "Test Suites/Smoke", script, "")
        + more;
    site.configure(&text);
}

/// What `status` says of a subject, or nothing.
fn problem(site: &Site, subject: &str) -> Option<Value> {
    Some(find(&site.json(&["status"])["problems"], "subject", subject)).filter(|problem| !problem.is_null())
}

fn wait_until_mended(site: &Site, subject: &str) {
    wait_for("the problem to vanish", || problem(site, subject).is_none().then_some(()));
}

/// Runs the schedule once, to this status.
fn run(site: &Site, status: &str) -> u64 {
    let id = site.start("nightly")[0];
    site.wait_for_run(id, status);
    id
}

#[test]
fn a_schedule_that_only_errs_is_told_until_a_run_of_it_does_not() {
    let (site, _agent) = site_with("kill -9 $$");
    for _ in 0..2 {
        run(&site, "error");
    }
    assert_eq!(problem(&site, "schedule nightly"), None);
    let third = run(&site, "error");
    let expect = json!({
        "subject": "schedule nightly",
        "class": "signal",
        "message": "its last 3 runs ended as error: the command was ended by signal 9",
        "hint": format!("suitesync run show {third}"),
    });
    assert_eq!(problem(&site, "schedule nightly"), Some(expect));
    configure(&site, "exit 3", "");
    site.json(&["config", "reload"]);
    run(&site, "failed");
    assert_eq!(problem(&site, "schedule nightly"), None);
}

#[test]
fn a_run_that_waits_for_a_drained_delegate_is_told_until_that_is_resumed() {
    let (site, _agent) = site_with("exit 0");
    site.json(&["delegate", "drain", "local"]);
    let id = site.start("nightly")[0];
    let expect = json!({
        "subject": "schedule nightly",
        "class": "no_eligible_delegate",
        "message": "1 run waits: local: draining",
        "hint": "suitesync delegate resume local",
    });
    assert_eq!(problem(&site, "schedule nightly"), Some(expect));
    site.json(&["delegate", "resume", "local"]);
    site.wait_for_run(id, "passed");
    assert_eq!(problem(&site, "schedule nightly"), None);
}

#[test]
fn a_link_that_cannot_sync_is_told_until_it_can() {
    let (site, _agent) = site_with("exit 0");
    configure(&site, "exit 0", &site.link("web", "server", "web.git", ""));
    site.json(&["config", "reload"]);
    let told = wait_for("the link to be told", || problem(&site, "link web"));
    assert_eq!(told["class"], "repository_not_found", "{told}");
    let web = site.repository("web.git");
    web.commit("main", "first", &small_project()).unwrap();
    site.json(&["link", "sync", "web", "--wait"]);
    wait_until_mended(&site, "link web");
    assert_eq!(problem(&site, "link shop"), None);
}
