//! The configuration as it is edited while the agent runs.

use serde_json::Value;

use crate::support::{Site, find, wait_for};

#[test]
fn a_link_in_a_drop_in_is_synced_without_a_restart_and_the_others_are_left_alone() {
    let (site, _repository, commit) = Site::with_shop();
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    site.drop_in("second.toml", &site.link("second", "server", "shop.git", "directory = \"Test Cases\""));
    site.wait_for_commit("second", &commit);
    let synced: Vec<_> = site.events("link.synced").iter().map(|event| event["link"].clone()).collect();
    assert_eq!(synced, ["shop", "second"]);
    assert_eq!(site.events("connection.tested").len(), 1);
    let reloaded = site.events("config.reloaded").pop().unwrap();
    assert_eq!((&reloaded["added"]["links"], &reloaded["unchanged"]["links"]), (&1.into(), &1.into()));
}

#[test]
fn a_broken_edit_keeps_the_running_configuration_and_is_told() {
    let (site, _repository, commit) = Site::with_shop();
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    site.drop_in("broken.toml", "[[link]]\nname = \"broken\"\nconection = \"server\"\n");
    let rejected = wait_for("the rejection", || site.events("config.rejected").pop());
    assert!(rejected["file"].as_str().unwrap().ends_with("broken.toml"));
    assert_eq!(site.link_view("shop")["status"], "active");
    let reload = site.run(&["config", "reload"]);
    assert_eq!(reload.status.code(), Some(2));
    let status = site.json(&["status"]);
    assert_eq!(status["config"]["generation"], 1);
    assert!(!status["problems"].as_array().unwrap().is_empty());
    std::fs::remove_file(site.path("etc/conf.d/broken.toml")).unwrap();
    wait_for("the fault to be gone", || {
        site.json(&["status"])["problems"].as_array().unwrap().is_empty().then_some(())
    });
}

#[test]
fn sighup_takes_up_the_files() {
    let (site, _repository, commit) = Site::with_shop();
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    site.drop_in("second.toml", &site.link("second", "server", "shop.git", ""));
    agent.signal("-HUP");
    site.wait_for_commit("second", &commit);
}

#[test]
fn a_link_that_leaves_the_configuration_is_archived_after_a_while_and_comes_back_whole() {
    let (site, _repository, commit) = Site::with_shop();
    site.drop_in("second.toml", &site.link("second", "server", "shop.git", ""));
    let _agent = site.agent();
    site.wait_for_commit("second", &commit);
    std::fs::remove_file(site.path("etc/conf.d/second.toml")).unwrap();
    let archived = site.wait_for_link("second", "archived");
    assert_eq!(archived["reasons"][0], "removed");
    assert_eq!(site.json(&["case", "list"]).as_array().unwrap().len(), 3);
    assert_eq!(site.json(&["case", "list", "--archived"]).as_array().unwrap().len(), 6);
    site.drop_in("second.toml", &site.link("second", "server", "shop.git", ""));
    let back = site.wait_for_commit("second", &commit);
    assert_eq!(back["counts"]["cases"], 3);
    assert_eq!(site.events("link.synced").len(), 2, "nothing was fetched or parsed anew");
}

#[test]
fn a_changed_key_that_matters_tests_and_syncs_anew_and_a_description_does_not() {
    let (site, _repository, commit) = Site::with_shop();
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let connection = site.connection("server", "shop.git");
    site.configure(&(connection.clone() + &site.link("shop", "server", "shop.git", "description = \"another\"")));
    wait_for("the reload", || (site.events("config.reloaded").len() == 1).then_some(()));
    assert_eq!(site.events("link.synced").len(), 1);
    site.configure(&(connection + &site.link("shop", "server", "shop.git", "directory = \"Test Suites\"")));
    wait_for("the sync", || (site.link_view("shop")["counts"]["cases"] == 0).then_some(()));
    assert_eq!(site.link_view("shop")["counts"]["suites"], 1);
}

#[test]
fn a_connection_that_leaves_the_configuration_is_disconnected_and_its_links_too() {
    let (site, _repository, commit) = Site::with_shop();
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    site.configure("");
    wait_for("the disconnection", || (site.connection_view("server")["disconnected"] == true).then_some(()));
    site.wait_for_link("shop", "archived");
}

#[test]
fn a_connection_that_is_let_go_on_is_tested_and_its_links_proceed() {
    let (site, _repository, commit) = Site::with_shop();
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let pinned = site.connection("server", "shop.git").replace("test_every", "disconnected = true\ntest_every");
    let link = site.link("shop", "server", "shop.git", "");
    site.configure(&(pinned + &link));
    site.wait_for_link("shop", "inactive");
    let refused = String::from_utf8(site.run(&["connection", "test", "server"]).stderr).unwrap();
    assert!(refused.contains("suitesync.toml:"), "{refused}");
    site.configure(&(site.connection("server", "shop.git") + &link));
    site.wait_for_commit("shop", &commit);
    assert_eq!(site.events("connection.tested").len(), 2);
}

#[test]
fn check_shows_every_fault_with_its_place() {
    let site = Site::new();
    site.configure("[[connection]]\nname = \"a b\"\nurll = \"x\"\n");
    let output = site.run(&["check"]);
    assert_eq!(output.status.code(), Some(2));
    let shown = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(shown.contains("urll") && shown.contains('^'), "{shown}");
    let json: Value = serde_json::from_slice(&site.run(&["check", "--json"]).stdout).unwrap();
    assert_eq!(json["ok"], false);
    let unknown = json["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["message"].as_str().unwrap().contains("urll"))
        .unwrap();
    assert_eq!((&unknown["severity"], &unknown["column"]), (&"error".into(), &1.into()));
}

#[test]
fn a_link_that_proceeds_by_hand_waits_for_it() {
    let (site, _repository, commit) = Site::with_shop();
    site.drop_in("manual.toml", &site.link("manual", "server", "shop.git", "proceed = \"manual\""));
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    assert_eq!(site.run(&["link", "sync", "manual", "--wait"]).status.code(), Some(1));
    assert_eq!(site.link_view("manual")["status"], "inactive");
    assert_eq!(site.run(&["link", "proceed", "manual", "--wait"]).status.code(), Some(0));
    let links = site.json(&["link", "list"]);
    assert_eq!(find(&links, "name", "manual")["commit"], commit);
}
