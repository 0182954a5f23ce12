//! Who gets which work: by tags, by what each delegate can reach, and while one is drained or killed.

mod killing;

use serde_json::{Value, json};

use crate::support::{Site, find, katalon, wait_for};

/// A port on which nobody listens.
const DEAD_PROXY: &str = "proxy = \"http://127.0.0.1:1\"";

/// A delegate of the agent's own threads; `keys` are further lines of TOML.
fn local(name: &str, keys: &str) -> String {
    format!("[[delegate]]\nname = \"{name}\"\n{keys}\n\n")
}

/// A site with a repository, and an agent's configuration with these delegates.
fn site_with(delegates: &str, link_keys: &str) -> Site {
    let (site, _repository, _commit) = Site::with_shop();
    let link = site.link("shop", "server", "shop.git", link_keys);
    site.configure(&(delegates.to_owned() + &site.connection("server", "shop.git") + &link));
    site
}

fn explain(site: &Site, arguments: &[&str]) -> Value {
    site.json(&[&["delegate", "explain"], arguments].concat())
}

#[test]
fn a_host_that_one_delegate_cannot_reach_is_served_by_another() {
    let site = site_with(&(local("cut", DEAD_PROXY) + &local("open", "")), "");
    let _agent = site.agent();
    site.wait_for_link("shop", "active");
    let events = site.events("delegate.task_reassigned");
    let told = ["connection", "delegate", "to", "class", "attempt"].map(|key| events[0][key].clone());
    assert_eq!(
        told,
        ["server", "cut", "open", "proxy"].map(Value::from).into_iter().chain([json!(2)]).collect::<Vec<_>>()[..]
    );
    let tested = site.json(&["connection", "test", "server"]);
    assert_eq!((&tested["delegate"], &tested["failure"]), (&json!("open"), &Value::Null), "{tested}");
    assert_eq!(tested["steps"][0]["detail"], "open", "{tested}");
}

#[test]
fn what_nobody_can_reach_is_the_outcome_and_nobody_backs_off() {
    let site = site_with(&local("cut", DEAD_PROXY), "");
    let _agent = site.agent();
    let connection = wait_for("the test to fail", || {
        Some(site.connection_view("server")).filter(|connection| connection["status"] == "error")
    });
    assert_eq!(connection["failure"]["class"], "proxy", "{connection}");
    assert_eq!(site.json(&["delegate", "list"])[0]["backs_off"], json!([]));
    assert!(site.events("delegate.task_reassigned").is_empty());
}

#[test]
fn an_explanation_names_the_one_that_is_taken_and_what_others_lack() {
    let delegates = local("one", "tags = [\"linux\"]") + &local("two", "tags = [\"mac\"]");
    let site = site_with(&delegates, "delegate_tags = [\"Linux\"]");
    let _agent = site.agent();
    site.wait_for_link("shop", "active");
    assert!(site.run(&["delegate", "drain", "two"]).status.success());
    let people = site.run(&["delegate", "explain", "--link", "shop"]);
    let expect = "A sync of link shop would go to one: no other one can.\n\n\
                  DELEGATE  ELIGIBLE  WHY NOT\n\
                  one       yes\n\
                  two       no        missing tag linux; draining\n";
    assert_eq!(String::from_utf8_lossy(&people.stdout), expect);
    let by_connection = explain(&site, &["--connection", "server"]);
    let all: Vec<_> = by_connection.as_array().unwrap().iter().map(|one| one["delegate"].clone()).collect();
    assert_eq!(all, ["one", "two"]);
    assert_eq!(find(&by_connection, "delegate", "two")["reasons"], json!(["draining"]));
    assert_eq!(site.run(&["delegate", "explain", "--link", "nothing"]).status.code(), Some(2));
}

#[test]
fn links_of_one_repository_that_ask_for_other_delegates_are_synced_by_them() {
    let (site, _repository, commit) = Site::with_shop();
    let link = |name: &str, tag: &str| {
        site.link(name, "server", "shop.git", &format!("directory = \"\"\ndelegate_tags = [\"{tag}\"]"))
    };
    let text = local("one", "") + &local("two", "") + &site.connection("server", "shop.git");
    site.configure(&(text + &link("first", "one") + &link("second", "two")));
    let _agent = site.agent();
    for (name, delegate) in [("first", "one"), ("second", "two")] {
        site.wait_for_commit(name, &commit);
        let synced = site.json(&["link", "history", name]);
        assert_eq!(synced[0]["delegate"], delegate, "{synced}");
    }
}

#[test]
fn a_drained_delegate_takes_nothing_new_and_is_drained_after_a_restart() {
    let (site, repository, commit) = Site::with_shop();
    let text = local("one", "") + &local("two", "") + &site.connection("server", "shop.git");
    site.configure(&(text + &site.link("shop", "server", "shop.git", "")));
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let by = site.json(&["link", "history", "shop"])[0]["delegate"].as_str().unwrap().to_owned();
    let drained = site.json(&["delegate", "drain", &by, "--wait"]);
    assert_eq!((&drained["status"], &drained["changed"]), (&json!("draining"), &json!(true)));
    assert_eq!(find(&site.json(&["delegate", "list"]), "name", &by)["tasks"], 0);
    assert!(site.events("delegate.drained")[0]["by"].is_string());
    agent.stop();
    let _agent = site.agent();
    assert_eq!(find(&site.json(&["delegate", "list"]), "name", &by)["status"], "draining");
    let change = katalon::case("Test Cases/Pay", "00000000-0000-0000-0000-000000000009");
    let commit = repository.commit("main", "second", &[change]).unwrap();
    site.wait_for_commit("shop", &commit);
    assert_ne!(site.json(&["link", "history", "shop"])[0]["delegate"], by.as_str());
}

#[test]
fn a_run_that_waits_for_a_drained_delegate_is_told_with_what_helps() {
    let (site, _repository, commit) = Site::with_shop();
    let text = local("syncing", "runs = false")
        + &local("b-good", "runs = true")
        + &site.connection("server", "shop.git")
        + &site.link("shop", "server", "shop.git", "");
    site.configure(&(text + &site.schedule("nightly", "Test Suites/Smoke", "true", "")));
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    site.json(&["delegate", "drain", "b-good"]);
    let id = site.start("nightly")[0];
    assert_eq!(site.json(&["run", "show", &id.to_string()])["waits"], "b-good: draining");
    let status = site.json(&["status"]);
    let problem = find(&status["problems"], "subject", "schedule nightly");
    assert_eq!(problem["message"], "1 run waits: b-good: draining", "{status}");
    assert_eq!(problem["hint"], "suitesync delegate resume b-good", "{status}");
    site.json(&["delegate", "resume", "b-good"]);
    let run = site.wait_for_run(id, "passed");
    assert_eq!(site.json(&["run", "show", &run["id"].to_string()])["waits"], Value::Null);
    assert_eq!(site.json(&["status"])["problems"], json!([]));
}

#[test]
fn what_failed_for_want_of_a_delegate_is_done_when_there_is_one() {
    let site = site_with(&local("one", ""), "");
    let _agent = site.agent();
    site.wait_for_link("shop", "active");
    site.json(&["delegate", "drain", "one"]);
    let tested = site.json(&["connection", "test", "server"]);
    assert_eq!(tested["failure"]["class"], "no_eligible_delegate");
    assert_eq!(tested["failure"]["message"], "no delegate could take it in time (one: draining)");
    let shown = String::from_utf8(site.run(&["connection", "show", "server"]).stdout).unwrap();
    assert!(shown.contains("none can take its tests now: one: draining"), "{shown}");
    assert_eq!(site.json(&["delegate", "resume", "one"])["status"], "connected");
    wait_for("the connection to be tested again", || {
        Some(site.connection_view("server")).filter(|connection| connection["status"] == "active")
    });
}

#[test]
fn a_delegate_that_comes_with_the_tags_gets_what_waited_for_them() {
    let site = site_with(&local("one", ""), "delegate_tags = [\"later\"]");
    let _agent = site.agent();
    let failed = site.wait_for_link("shop", "error");
    assert_eq!(failed["failure"]["class"], "no_eligible_delegate", "{failed}");
    site.drop_in("later.toml", &local("later", ""));
    assert!(site.run(&["config", "reload"]).status.success());
    site.wait_for_link("shop", "active");
}
