//! The shapes that scripts depend on, the exit codes, and what people see.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::katalon::{case, small_project};
use crate::support::{Site, TOKEN};

fn running() -> (Site, suitesync_loopback::SampleRepository, crate::support::RunningAgent) {
    let (site, repository, commit) = Site::with_shop();
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    (site, repository, agent)
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn has(value: &Value, wanted: &[&str]) {
    let keys = keys(value);
    let missing: Vec<_> = wanted.iter().filter(|key| !keys.contains(key)).collect();
    assert!(missing.is_empty(), "{missing:?} lack in {value}");
}

#[test]
fn listings_have_the_fields_that_scripts_read() {
    let (site, _repository, _agent) = running();
    let connections = ["name", "status", "disconnected", "held", "last_test", "next_test_at", "failure"];
    has(&site.json(&["connection", "list"])[0], &connections);
    let links = [
        "name",
        "display_name",
        "connection",
        "status",
        "commit",
        "checked_at",
        "synced_at",
        "reasons",
        "counts",
        "failure",
    ];
    has(&site.json(&["link", "list"])[0], &links);
    has(&site.json(&["case", "list"])[0], &["link", "root", "id", "path", "state", "tags"]);
    has(&site.json(&["suite", "list"])[0], &["link", "root", "id", "path", "kind", "state", "entries"]);
    has(&site.json(&["delegate", "list"])[0], &["name", "kind", "tags", "status", "running", "capacity"]);
    has(
        &site.json(&["event", "list"])[0],
        &["at", "event", "level", "connection", "link", "delegate", "run", "message"],
    );
}

#[test]
fn a_test_by_hand_answers_with_its_steps() {
    let (site, _repository, _agent) = running();
    let test = site.json(&["connection", "test", "server"]);
    assert_eq!(
        (&test["status"], &test["delegate"], &test["failure"]),
        (&json!("active"), &json!("local"), &Value::Null)
    );
    for step in test["steps"].as_array().unwrap() {
        has(step, &["step", "outcome", "detail", "duration_ms"]);
        assert_eq!(step["outcome"], "ok", "{step}");
    }
    assert_eq!(site.json(&["connection", "test", "--all"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_sync_that_is_waited_for_answers_with_its_counts() {
    let (site, repository, _agent) = running();
    let before = site.link_view("shop")["commit"].clone();
    let unchanged = site.json(&["link", "sync", "shop", "--wait"]);
    assert_eq!(unchanged["outcome"], "unchanged");
    let commit = repository.commit("main", "second", &[case("Test Cases/New", "9")]).unwrap();
    let synced = site.json(&["link", "sync", "shop", "--wait"]);
    has(&synced, &["link", "outcome", "from", "to", "cases", "suites", "duration_ms", "failure"]);
    if synced["outcome"] == "synced" {
        assert_eq!((&synced["from"], &synced["to"], &synced["cases"]["added"]), (&before, &json!(commit), &json!(1)));
    } else {
        assert_eq!((&synced["outcome"], &synced["to"]), (&json!("unchanged"), &json!(commit)), "a poll was quicker");
    }
}

#[test]
fn unknown_names_end_with_2() {
    let (site, _repository, _agent) = running();
    for command in
        [&["link", "show", "nope"][..], &["connection", "test", "nope"], &["suite", "list", "--link", "nope"]]
    {
        assert_eq!(site.run(command).status.code(), Some(2), "{command:?}");
    }
    assert_eq!(site.run(&["nonsense"]).status.code(), Some(2));
}

#[test]
fn events_are_followed_a_line_each() {
    let (site, _repository, _agent) = running();
    let mut follower = site.command(&["event", "follow", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let first = std::thread::spawn(move || lines.next().unwrap().unwrap());
    while !first.is_finished() {
        site.json(&["connection", "test", "server"]);
    }
    let event: Value = serde_json::from_str(&first.join().unwrap()).unwrap();
    has(&event, &["at", "event", "level", "connection", "message"]);
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn inspect_finds_tests_without_an_agent() {
    let site = Site::new();
    let repository = site.repository("shop.git");
    repository.commit("main", "first", &small_project()).unwrap();
    let url = site.server.url("/shop.git");
    let authority = site.path("ca.pem");
    let arguments = ["inspect", &url, "--token-env", "SITE_TOKEN", "--ca", authority.to_str().unwrap()];
    let found = site.json(&arguments);
    assert_eq!(found["cases"].as_array().unwrap().len(), 3);
    assert_eq!(found["suites"][0]["id"], "Test Suites/Smoke");
    let shown = String::from_utf8(site.run(&arguments).stdout).unwrap();
    assert!(shown.contains("Test Suites/Smoke") && !shown.contains(TOKEN), "{shown}");
    let wrong = ["inspect", &url, "--token-env", "WRONG_TOKEN", "--ca", authority.to_str().unwrap()];
    assert_eq!(site.run(&wrong).status.code(), Some(1));
}

#[test]
fn inspect_reads_a_repository_of_this_host_without_a_server() {
    let site = Site::new();
    site.repository("shop.git").commit("main", "first", &small_project()).unwrap();
    let path = site.path("repositories/shop.git");
    let bare_path = path.to_str().unwrap();
    for text in [bare_path.to_owned(), format!("file://{bare_path}")] {
        assert_eq!(site.json(&["inspect", &text])["cases"].as_array().unwrap().len(), 3, "{text}");
    }
    assert_eq!(site.run(&["inspect", "/absent/shop.git"]).status.code(), Some(1));
    assert_eq!(site.server.request_count(), 0);
}

#[test]
fn inspect_gives_no_token_to_a_host_that_only_looks_like_azures() {
    let site = Site::new();
    let check = |url: &str, expect: &str| {
        let output = site.run(&["inspect", url, "--token-env", "SITE_TOKEN"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{url}: {said}");
        assert!(said.contains(expect) && said.contains("--provider git"), "{url}: {said}");
    };
    check("https://dev.azure.com.example.invalid/contoso/pay/_git/shop", "looks like Azure's host");
    check("https://dev.azure.com/contoso/pay/qa/_git/shop", "too many segments");
    check("https://dev.azure.com/contoso/_apis/git", "`_apis` page");
    check("git@ssh.dev.azure.com:v3/contoso/shop", "`v3/ORGANIZATION/PROJECT/REPOSITORY`");
    check("git@ssh.dev.azure.com:22/v3/contoso/pay/shop", "`v3/ORGANIZATION/PROJECT/REPOSITORY`");
    check("https://dev.azure.com/contoso/pay/_git/shop?version=main", "`version=` begins with none of GB");
}

#[test]
fn the_demo_shows_its_tour_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = std::process::Command::new(env!("CARGO_BIN_EXE_suitesync"));
    demo.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", folder.path());
    let output = demo.args(["demo", "--once"]).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    for step in ["connection test contoso", "suite show", "link history", "config reload", "Nothing is wrong"] {
        assert!(shown.contains(step), "{step} lacks in:\n{shown}");
    }
}
