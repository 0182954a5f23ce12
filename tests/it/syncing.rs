//! Pushes reach the catalog, with the right counts, and nothing is done twice.

use serde_json::json;
use suitesync_loopback::Change;

use crate::support::katalon::{case, project, script, small_project, suite, tagged_case};
use crate::support::{Site, find, wait_for};

fn site_with(changes: &[Change], link_keys: &str) -> (Site, suitesync_loopback::SampleRepository, String) {
    let site = Site::new();
    let repository = site.repository("shop.git");
    let commit = repository.commit("main", "first", changes).unwrap();
    site.configure(&(site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", link_keys)));
    (site, repository, commit)
}

#[test]
fn a_new_link_is_tested_synced_and_shown() {
    let (site, _repository, commit) = site_with(&small_project(), "");
    let _agent = site.agent();
    let link = site.wait_for_commit("shop", &commit);
    assert_eq!(link["counts"], json!({ "cases": 3, "suites": 1, "collections": 0, "malformed": 0 }));
    assert_eq!(site.connection_view("server")["status"], "active");
    let cases = site.json(&["case", "list", "--link", "shop"]);
    let ids: Vec<_> = cases.as_array().unwrap().iter().map(|case| case["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["Test Cases/Cart/Add", "Test Cases/Cart/Remove", "Test Cases/Login"]);
    let suites = site.json(&["suite", "list", "--link", "shop"]);
    assert_eq!(
        suites[0]["entries"],
        json!([
            { "id": "Test Cases/Login", "enabled": true, "state": "ok" },
            { "id": "Test Cases/Cart/Add", "enabled": false, "state": "ok" },
            { "id": "Test Cases/Gone", "enabled": true, "state": "missing" },
        ])
    );
}

#[test]
fn a_push_is_counted_as_added_removed_changed_and_renamed() {
    let (site, repository, first) = site_with(&small_project(), "");
    let _agent = site.agent();
    site.wait_for_commit("shop", &first);
    let changes = [
        Change::rename("Test Cases/Cart/Add.tc", "Test Cases/Cart/Put in.tc"),
        Change::remove("Test Cases/Cart/Remove.tc"),
        script("Login", "println 'another'\n"),
        case("Test Cases/Pay", "00000000-0000-0000-0000-000000000004"),
        suite("Test Suites/Full", &["Test Cases/Pay"]),
    ];
    let second = repository.commit("main", "second", &changes).unwrap();
    site.wait_for_commit("shop", &second);
    let synced = site.events("link.synced").pop().unwrap();
    assert_eq!(synced["cases"], json!({ "added": 1, "removed": 1, "changed": 1, "renamed": 1 }));
    assert_eq!(synced["suites"], json!({ "added": 1, "removed": 0, "changed": 0, "renamed": 0 }));
    let history = site.json(&["link", "history", "shop"]);
    let renamed = find(&history[0]["changes"], "change", "renamed");
    assert_eq!((&renamed["old_id"], &renamed["id"]), (&json!("Test Cases/Cart/Add"), &json!("Test Cases/Cart/Put in")));
}

#[test]
fn a_case_renamed_in_its_editor_keeps_its_identity_by_guid() {
    let (site, repository, first) = site_with(&small_project(), "");
    let _agent = site.agent();
    site.wait_for_commit("shop", &first);
    let changes = [
        Change::remove("Test Cases/Login.tc"),
        tagged_case("Test Cases/Sign in", "00000000-0000-0000-0000-000000000001", "smoke"),
    ];
    let second = repository.commit("main", "second", &changes).unwrap();
    site.wait_for_commit("shop", &second);
    let synced = site.events("link.synced").pop().unwrap();
    assert_eq!(synced["cases"], json!({ "added": 0, "removed": 0, "changed": 0, "renamed": 1 }));
}

#[test]
fn nothing_is_parsed_twice() {
    let (site, repository, first) = site_with(&small_project(), "");
    let _agent = site.agent();
    site.wait_for_commit("shop", &first);
    let changes = [case("Test Cases/New", "00000000-0000-0000-0000-000000000009")];
    let second = repository.commit("main", "second", &changes).unwrap();
    site.wait_for_commit("shop", &second);
    let parsed: Vec<_> = site.events("link.synced").iter().map(|event| event["parsed"].clone()).collect();
    assert_eq!(parsed, [json!(5), json!(1)]);
}

#[test]
fn an_unchanged_repository_costs_one_request_a_poll_however_many_links_watch_it() {
    let site = Site::new();
    let repository = site.repository("shop.git");
    let commit = repository.commit("main", "first", &small_project()).unwrap();
    let links: String = (0..5).map(|n| site.link(&format!("shop-{n}"), "server", "shop.git", "")).collect();
    site.configure(&(site.connection("server", "shop.git") + &links));
    let _agent = site.agent();
    (0..5).for_each(|n| drop(site.wait_for_commit(&format!("shop-{n}"), &commit)));
    let checked = |site: &Site| site.link_view("shop-4")["checked_at"].clone();
    let before = checked(&site);
    wait_for("the next poll", || (checked(&site) != before).then_some(()));
    site.server.reset_counters();
    let first = checked(&site);
    let second = wait_for("a poll", || Some(checked(&site)).filter(|at| *at != first));
    wait_for("another poll", || (checked(&site) != second).then_some(()));
    let polls = site.server.request_count();
    assert!((1..=4).contains(&polls), "{polls} requests for two or three polls");
    assert_eq!(site.server.count("POST", "/shop.git/git-upload-pack"), polls);
}

#[test]
fn what_many_links_lack_is_brought_in_with_one_request() {
    let site = Site::new();
    let repository = site.repository("shop.git");
    let names: Vec<_> = (0..12).map(|number| format!("b{number}")).collect();
    let commit = |name: &String| {
        let own = case(&format!("Test Cases/{name}"), "00000000-0000-0000-0000-000000000009");
        repository.commit(name, name, &[&small_project()[..], &[own]].concat()).unwrap()
    };
    let commits: Vec<_> = names.iter().map(commit).collect();
    let link = |name: &String| site.link(name, "server", "shop.git", &format!("branch = \"{name}\""));
    let links: String = names.iter().map(link).collect();
    site.configure(&(site.connection("server", "shop.git") + &links.replace("\"1s\"", "\"1h\"")));
    let _agent = site.agent();
    for (name, commit) in names.iter().zip(&commits) {
        assert_eq!(site.wait_for_commit(name, commit)["counts"]["cases"], 4);
    }
    // The connection test, the look at the refs, the commits, and their blobs.
    assert!(site.server.request_count() <= 8, "{} requests", site.server.request_count());
}

#[test]
fn a_link_below_a_root_finds_the_root_above_and_judges_entries_against_all_of_it() {
    let mut changes = small_project();
    changes.push(suite("Test Suites/Sub/Inner", &["Test Cases/Login", "Test Cases/login"]));
    let (site, _repository, commit) = site_with(&changes, "directory = \"Test Suites/Sub\"");
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    assert_eq!(site.json(&["case", "list", "--link", "shop"]), json!([]));
    let suites = site.json(&["suite", "list", "--link", "shop"]);
    assert_eq!(suites[0]["id"], "Test Suites/Sub/Inner");
    assert_eq!(suites[0]["root"], "");
    let states: Vec<_> = suites[0]["entries"].as_array().unwrap().iter().map(|entry| entry["state"].clone()).collect();
    assert_eq!(states, ["ok", "case_differs"]);
}

#[test]
fn several_roots_in_one_repository_stand_side_by_side() {
    let changes = [
        project("web/", "Web"),
        project("app/tests/", "App"),
        case("web/Test Cases/Same", "00000000-0000-0000-0000-000000000001"),
        case("app/tests/Test Cases/Same", "00000000-0000-0000-0000-000000000002"),
        case("app/tests/Test Cases/İstanbul 1.2 (ğü)", "00000000-0000-0000-0000-000000000003"),
        case("elsewhere/Test Cases/Stray", "00000000-0000-0000-0000-000000000004"),
    ];
    let (site, _repository, commit) = site_with(&changes, "");
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    let cases = site.json(&["case", "list", "--link", "shop"]);
    let found: Vec<_> = cases
        .as_array()
        .unwrap()
        .iter()
        .map(|case| (case["root"].as_str().unwrap(), case["id"].as_str().unwrap()))
        .collect();
    let expect =
        [("app/tests", "Test Cases/Same"), ("app/tests", "Test Cases/İstanbul 1.2 (ğü)"), ("web", "Test Cases/Same")];
    assert_eq!(found, expect);
}

#[test]
fn an_empty_repository_is_active_with_no_tests_and_says_so() {
    let site = Site::new();
    let _repository = site.repository("empty.git");
    site.configure(&(site.connection("server", "empty.git") + &site.link("empty", "server", "empty.git", "")));
    let _agent = site.agent();
    let link = site.wait_for_link("empty", "active");
    assert_eq!(link["counts"]["cases"], 0);
    let shown = site.json(&["link", "show", "empty"]);
    assert_eq!(shown["notices"][0]["message"], "the repository has no commit yet");
}

#[test]
fn tags_branches_and_commits_can_be_linked() {
    let site = Site::new();
    let repository = site.repository("shop.git");
    let old = repository.commit("main", "first", &small_project()).unwrap();
    repository.annotated_tag("v1", &old).unwrap();
    let new = repository.commit("main", "second", &[Change::remove("Test Cases/Login.tc")]).unwrap();
    repository.branch("feature/x", &new).unwrap();
    let links = site.link("tag", "server", "shop.git", "tag = \"v1\"")
        + &site.link("branch", "server", "shop.git", "branch = \"feature/x\"")
        + &site.link("commit", "server", "shop.git", &format!("commit = \"{old}\""));
    site.configure(&(site.connection("server", "shop.git") + &links));
    let _agent = site.agent();
    for (link, commit, cases) in [("tag", &old, 3), ("branch", &new, 2), ("commit", &old, 3)] {
        assert_eq!(site.wait_for_commit(link, commit)["counts"]["cases"], cases, "{link}");
    }
}
