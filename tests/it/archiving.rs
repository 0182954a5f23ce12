//! Archiving a link cancels what is queued for it, at once and for good; disconnecting a connection does, too.

use serde_json::{Value, json};

use crate::support::schedule::many_suites;
use crate::support::{Site, wait_for};

/// A site with so many suites, one place for runs, and a schedule of all suites that each last until they are stopped.
fn busy_site(suites: usize) -> Site {
    let site = Site::new();
    let repository = site.repository("shop.git");
    let commit = repository.commit("main", "first", &many_suites(suites)).unwrap();
    let text = "[[delegate]]\nname = \"local\"\ncapacity = 1\n\n".to_owned()
        + &site.connection("server", "shop.git")
        + &site.link("shop", "server", "shop.git", "")
        + &site.schedule("all", "Test Suites/*", "sleep 600", "");
    site.configure(&text);
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    agent.stop();
    site
}

fn count(runs: &[Value], status: &str) -> usize {
    runs.iter().filter(|run| run["status"] == status).count()
}

#[test]
fn archiving_cancels_a_thousand_queued_runs_at_one_moment() {
    let site = busy_site(1001);
    let _agent = site.agent();
    assert_eq!(site.start("all").len(), 1001);
    wait_for("one run to begin", || (count(&site.runs(), "running") == 1).then_some(()));
    let acted = site.json(&["link", "archive", "shop", "--yes"]);
    assert_eq!(acted, json!({ "name": "shop", "status": "archived", "changed": true }));
    let runs = site.runs();
    assert_eq!((count(&runs, "canceled"), count(&runs, "running")), (1000, 1));
    let reasons = runs.iter().filter(|run| run["status"] == "canceled").map(|run| &run["reason"]);
    assert!(reasons.into_iter().all(|reason| *reason == "link_archived"));
    // Written in one transaction, they have its time. What it may take `dev bench` measures.
    let archived = site.events("link.archived").pop().unwrap();
    let canceled = site.events("run.canceled");
    assert!(canceled.len() == 1000 && canceled.iter().all(|event| event["at"] == archived["at"]));
    site.json(&["link", "unarchive", "shop"]);
    site.wait_for_link("shop", "active");
    assert_eq!(count(&site.runs(), "canceled"), 1000, "nothing is replayed");
}

#[test]
fn archiving_stops_runs_under_way_where_that_is_asked_for() {
    let site = busy_site(2);
    let _agent = site.agent();
    site.start("all");
    wait_for("one run to begin", || (count(&site.runs(), "running") == 1).then_some(()));
    site.json(&["link", "archive", "shop", "--yes", "--stop-running"]);
    wait_for("both runs to be canceled", || (count(&site.runs(), "canceled") == 2).then_some(()));
    assert!(site.runs().iter().all(|run| run["reason"] == "link_archived"));
}

#[test]
fn a_schedule_of_an_archived_link_makes_canceled_runs_and_is_in_force_again_after() {
    let site = Site::new();
    let repository = site.repository("shop.git");
    let commit = repository.commit("main", "first", &many_suites(1)).unwrap();
    let every_second = site.schedule("often", "Test Suites/*", "true", "").replace("0 0 0 29 2 *", "* * * * * *");
    site.configure(
        &(site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", "") + &every_second),
    );
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    wait_for("a run to pass", || (count(&site.runs(), "passed") > 0).then_some(()));
    site.json(&["link", "archive", "shop", "--yes"]);
    let before = site.runs().iter().map(|run| run["id"].as_u64().unwrap()).max().unwrap();
    let later = wait_for("slots of the archived link", || {
        let later: Vec<_> = site.runs().into_iter().filter(|run| run["id"].as_u64().unwrap() > before).collect();
        (later.len() >= 2).then_some(later)
    });
    assert!(later.iter().all(|run| run["status"] == "canceled" && run["reason"] == "link_archived"), "{later:?}");
    site.json(&["link", "unarchive", "shop"]);
    let passed = count(&site.runs(), "passed");
    wait_for("the schedule to be in force again", || (count(&site.runs(), "passed") > passed).then_some(()));
}

#[test]
fn disconnecting_cancels_queued_runs_and_reconnecting_lets_links_proceed() {
    let site = busy_site(3);
    let _agent = site.agent();
    site.start("all");
    wait_for("one run to begin", || (count(&site.runs(), "running") == 1).then_some(()));
    site.json(&["connection", "disconnect", "server", "--yes"]);
    let runs = site.runs();
    let canceled: Vec<_> = runs.iter().filter(|run| run["status"] == "canceled").collect();
    assert_eq!(canceled.len(), 2);
    assert!(canceled.iter().all(|run| run["reason"] == "connection_disconnected"));
    assert_eq!(site.link_view("shop")["status"], "inactive");
    assert!(site.connection_view("server")["disconnected"].as_bool().unwrap());
    site.json(&["connection", "reconnect", "server"]);
    site.wait_for_link("shop", "active");
}

#[test]
fn an_archive_that_was_acknowledged_survives_a_kill() {
    let site = busy_site(50);
    let agent = site.agent();
    site.start("all");
    wait_for("one run to begin", || (count(&site.runs(), "running") == 1).then_some(()));
    site.json(&["link", "archive", "shop", "--yes"]);
    agent.kill();
    let _agent = site.agent();
    assert_eq!(site.link_view("shop")["status"], "archived");
    wait_for("no run to be in limbo", || {
        let runs = site.runs();
        (count(&runs, "canceled") == 49 && count(&runs, "error") == 1).then_some(())
    });
}

#[test]
fn what_the_configuration_pins_is_told_with_its_place() {
    let (site, _repository, _commit) = Site::with_shop();
    let keys = "archived = true";
    site.configure(&(site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", keys)));
    let _agent = site.agent();
    let output = site.run(&["link", "unarchive", "shop"]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("suitesync.toml:"), "{complaint}");
}

#[test]
fn scripts_are_not_asked_before_work_is_stopped() {
    let (site, _repository, commit) = Site::with_shop();
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    for act in [["link", "archive", "shop"], ["connection", "disconnect", "server"]] {
        assert_eq!(site.run(&act).status.code(), Some(0), "{act:?}");
    }
    assert_eq!(site.connection_view("server")["disconnected"], true);
}

#[test]
fn what_an_operator_has_archived_is_told_with_the_way_back() {
    let (site, _repository, commit) = Site::with_shop();
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    site.json(&["link", "archive", "shop", "--yes"]);
    let complaint = String::from_utf8(site.run(&["link", "sync", "shop"]).stderr).unwrap();
    assert!(complaint.contains("`suitesync link unarchive shop`"), "{complaint}");
    site.json(&["link", "unarchive", "shop"]);
    let again = String::from_utf8(site.run(&["link", "unarchive", "shop"]).stdout).unwrap();
    assert_eq!(again, "Link shop was not archived.\n");
}

#[test]
fn acts_are_recorded_with_who_did_them() {
    let (site, _repository, commit) = Site::with_shop();
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    site.json(&["link", "archive", "shop", "--yes"]);
    let event = site.events("link.archived").pop().unwrap();
    let user = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
    assert_eq!(event["by"], String::from_utf8(user).unwrap().trim());
    assert_eq!(event["reason"], json!(["operator"]));
}

#[test]
fn a_schedule_that_falls_due_faster_than_it_is_recorded_keeps_nobody_waiting() {
    let site = busy_site(2000);
    let every_second = site.schedule("often", "Test Suites/**", "true", "").replace("0 0 0 29 2 *", "* * * * * *");
    let text = site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", "") + &every_second;
    site.configure(&text);
    let _agent = site.agent();
    let runs = || site.json(&["run", "list", "--limit", "1000000"]).as_array().unwrap().clone();
    wait_for("some slots", || (runs().len() > 4000).then_some(()));
    assert_eq!(site.run(&["link", "archive", "shop"]).status.code(), Some(0));
    let told = runs();
    assert_eq!(count(&told, "queued"), 0);
    let mut slots: Vec<_> = told.iter().map(|run| &run["due_at"]).collect();
    slots.dedup();
    assert_eq!(told.len(), slots.len() * 2000, "each slot is recorded once, with all of its suites");
}
