//! What goes wrong is told with its class, one link's trouble is its own, and the last good catalog stays readable.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};
use suitesync_loopback::{Authority, Change, Fault, SampleRepository, clean_git};

use crate::support::katalon::{case, project, small_project};
use crate::support::{Site, TOKEN};

/// A healthy link beside the one that is tried.
fn site() -> (Site, String) {
    let site = Site::new();
    let healthy = site.repository("healthy.git");
    let commit = healthy.commit("main", "first", &small_project()).unwrap();
    (site, commit)
}

/// Runs an agent on the healthy link and `rest`, and returns the failing link once it is in error.
fn failing_link(site: &Site, commit: &str, rest: &str) -> Value {
    let healthy = site.connection("server", "healthy.git") + &site.link("healthy", "server", "healthy.git", "");
    site.configure(&(healthy + rest));
    let _agent = site.agent();
    let failing = site.wait_for_link("failing", "error");
    site.wait_for_commit("healthy", commit);
    assert_eq!(failing["commit"], Value::Null);
    failing
}

fn check_class(keys: &str, repository: &str, class: &str, words: &str) {
    let (site, commit) = site();
    let link = site.link("failing", "server", repository, keys);
    let failing = failing_link(&site, &commit, &link);
    assert_eq!(failing["failure"]["class"], class, "{failing}");
    assert!(failing["failure"]["message"].as_str().unwrap().contains(words), "{failing}");
    assert_ne!(failing["failure"]["hint"], "");
}

#[test]
fn a_missing_repository_is_told() {
    check_class("", "nowhere.git", "repository_not_found", "nowhere.git");
}

#[test]
fn a_missing_branch_is_told() {
    check_class("branch = \"release\"", "healthy.git", "ref_not_found", "release");
}

#[test]
fn a_missing_commit_is_told_and_keeps_no_other_link_of_its_repository_from_syncing() {
    let commit = "1234567890123456789012345678901234567890";
    check_class(&format!("commit = \"{commit}\""), "healthy.git", "ref_not_found", commit);
}

#[test]
fn a_missing_directory_is_told() {
    check_class("directory = \"Test Cases/Carts\"", "healthy.git", "path_not_found", "Test Cases/Carts");
}

#[test]
fn a_file_is_no_directory() {
    check_class("directory = \"Test Cases/Login.tc\"", "healthy.git", "path_not_found", "is a file");
}

fn check_connection(connection: &dyn Fn(&Site) -> String, prepare: &dyn Fn(&Site), class: &str) -> Value {
    let (site, commit) = site();
    let healthy = site.connection("server", "healthy.git") + &site.link("healthy", "server", "healthy.git", "");
    site.configure(&(healthy + &connection(&site) + &site.link("failing", "broken", "healthy.git", "")));
    let _agent = site.agent();
    site.wait_for_commit("healthy", &commit);
    prepare(&site);
    let test = site.json(&["connection", "test", "broken"]);
    assert_eq!((&test["status"], &test["failure"]["class"]), (&json!("error"), &json!(class)), "{test}");
    assert_eq!(site.run(&["connection", "test", "broken"]).status.code(), Some(1));
    let failing = site.wait_for_link("failing", "error");
    assert_eq!(failing["failure"]["class"], class);
    assert_eq!(site.link_view("healthy")["status"], "active");
    test
}

#[test]
fn a_wrong_token_fails_at_the_credentials_and_holds_the_connection() {
    let broken = |site: &Site| site.connection_with("broken", "healthy.git", "WRONG_TOKEN", &site.path("ca.pem"));
    let test = check_connection(&broken, &|_| {}, "auth_rejected");
    let steps: Vec<_> = test["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| format!("{} {}", step["step"].as_str().unwrap(), step["outcome"].as_str().unwrap()))
        .collect();
    let expect =
        ["delegate ok", "secrets ok", "dns ok", "connect ok", "tls ok", "credentials failed", "repository skipped"];
    assert_eq!(steps, expect);
}

#[test]
fn a_missing_secret_is_told_before_any_request() {
    let broken = |site: &Site| site.connection_with("broken", "healthy.git", "NO_SUCH_VARIABLE", &site.path("ca.pem"));
    let test = check_connection(&broken, &|_| {}, "secret_unavailable");
    assert!(test["failure"]["message"].as_str().unwrap().contains("NO_SUCH_VARIABLE"));
}

#[test]
fn an_unknown_authority_is_named() {
    let broken = |site: &Site| {
        let other = Authority::new("Another Authority").unwrap();
        std::fs::write(site.path("other.pem"), other.pem()).unwrap();
        site.connection_with("broken", "healthy.git", "SITE_TOKEN", &site.path("other.pem"))
    };
    let test = check_connection(&broken, &|_| {}, "tls_untrusted");
    assert!(test["failure"]["message"].as_str().unwrap().contains("Test Site Authority"), "{test}");
}

#[test]
fn a_sign_in_page_is_refused_credentials_on_azure_and_no_git_elsewhere() {
    let page = b"<!DOCTYPE html><html><head><title>Sign In</title></head></html>".to_vec();
    let html = vec![("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned())];
    let (site, commit) = site();
    let azure = site.repository("contoso/shop/_git/tests");
    azure.commit("main", "first", &small_project()).unwrap();
    let azure_connection = site.connection("azure", "tests").replace("\"git\"", "\"azure-repos\"").replace(
        &format!("url = \"{}\"\nurl_type = \"organization\"", site.server.url("/")),
        &format!("url = \"{}\"\nurl_type = \"project\"", site.server.url("/contoso/shop")),
    );
    site.server.set_fault("/contoso", Fault::Status { code: 203, headers: html.clone(), body: page.clone() });
    site.server.set_fault("/plain.git", Fault::Status { code: 200, headers: html, body: page });
    let rest = azure_connection
        + &site.link("failing", "azure", "contoso/shop/_git/tests", "")
        + &site.link("plain", "server", "plain.git", "");
    let healthy = site.connection("server", "healthy.git") + &site.link("healthy", "server", "healthy.git", "");
    site.configure(&(healthy + &rest));
    let _agent = site.agent();
    assert_eq!(site.wait_for_link("failing", "error")["failure"]["class"], "auth_rejected");
    assert_eq!(site.wait_for_link("plain", "error")["failure"]["class"], "not_git");
    site.wait_for_commit("healthy", &commit);
}

#[test]
fn the_last_good_catalog_stays_readable_and_the_link_heals_with_its_server() {
    let (site, commit) = site();
    site.configure(&(site.connection("server", "healthy.git") + &site.link("healthy", "server", "healthy.git", "")));
    let _agent = site.agent();
    site.wait_for_commit("healthy", &commit);
    site.server.set_fault("/healthy.git", Fault::status(503));
    let failing = site.wait_for_link("healthy", "error");
    assert_eq!((&failing["failure"]["class"], &failing["stale"]), (&json!("server_error"), &json!(true)));
    assert_eq!(site.json(&["case", "list", "--link", "healthy"]).as_array().unwrap().len(), 3);
    site.server.clear_faults();
    site.wait_for_commit("healthy", &commit);
}

#[test]
fn a_repository_without_tests_is_active_and_says_so() {
    let (site, _) = site();
    let plain = site.repository("plain.git");
    let commit = plain.commit("main", "first", &[Change::write("README.md", "nothing to test")]).unwrap();
    site.configure(&(site.connection("server", "plain.git") + &site.link("plain", "server", "plain.git", "")));
    let _agent = site.agent();
    assert_eq!(site.wait_for_commit("plain", &commit)["counts"]["cases"], 0);
    assert_eq!(site.run(&["case", "list", "--link", "plain"]).status.code(), Some(0));
}

#[test]
fn hostile_files_are_shown_or_passed_over_with_the_reason() {
    let (site, _) = site();
    let hostile = site.repository("hostile.git");
    let bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE b [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n<TestCaseEntity><name>&b;</name></TestCaseEntity>\n";
    let changes = [
        project("", "Hostile"),
        case("Test Cases/Good", "00000000-0000-0000-0000-000000000001"),
        Change::write("Test Cases/Bomb.tc", bomb),
        Change::write("Test Cases/Conflict.tc", "<<<<<<< HEAD\n<TestCaseEntity/>\n=======\n>>>>>>> other\n"),
        Change::write("Test Cases/Empty.tc", ""),
        Change::write("Test Suites/Large.ts", vec![b'x'; 17 << 20]),
        Change::link("Test Cases/Linked.tc", "/etc/passwd"),
        Change::write(b"Test Cases/not-\xff-utf8.tc", "<TestCaseEntity><name>n</name></TestCaseEntity>"),
    ];
    let commit = hostile.commit("main", "first", &changes).unwrap();
    site.configure(&(site.connection("server", "hostile.git") + &site.link("hostile", "server", "hostile.git", "")));
    let _agent = site.agent();
    let link = site.wait_for_commit("hostile", &commit);
    assert_eq!(link["counts"], json!({ "cases": 5, "suites": 0, "collections": 0, "malformed": 4 }));
    let cases = site.json(&["case", "list", "--link", "hostile"]);
    let reasons: Vec<_> = cases.as_array().unwrap().iter().filter_map(|case| case["reason"].as_str()).collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    let notices = site.json(&["link", "show", "hostile"])["notices"].to_string();
    assert!(notices.contains("Linked.tc") && notices.contains("not-"), "{notices}");
}

#[test]
fn a_tree_with_a_way_out_is_refused_as_a_whole() {
    let (site, commit) = site();
    let evil = site.repository("evil.git");
    evil.commit("main", "first", &small_project()).unwrap();
    let tree = evil_tree(&evil);
    let output = clean_git().arg("-C").arg(evil.folder()).args(["commit-tree", &tree, "-m", "evil"]).output().unwrap();
    let id = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    evil.branch("main", id.trim()).unwrap();
    let failing = failing_link(&site, &commit, &site.link("failing", "server", "evil.git", ""));
    assert_eq!(failing["failure"]["class"], "repository_corrupt", "{failing}");
}

/// A tree whose only entry is a directory called `..`.
fn evil_tree(repository: &SampleRepository) -> String {
    let inner = repository.resolve("main^{tree}").unwrap();
    let bytes =
        inner.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
    let mut tree = b"40000 ..\0".to_vec();
    tree.extend(bytes);
    let mut command = clean_git();
    command.arg("-C").arg(repository.folder()).args(["hash-object", "-t", "tree", "-w", "--literally", "--stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&tree).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
}

#[test]
fn no_token_is_in_any_output_or_file() {
    let (site, commit) = site();
    let echo = format!("Basic OmNhbmFyeS01ZjBjMWU3YS10b2tlbg== {TOKEN}").into_bytes();
    site.server.set_fault("/echo.git", Fault::Status { code: 500, headers: Vec::new(), body: echo });
    site.drop_in("echo.toml", &site.link("echo", "server", "echo.git", ""));
    let broken = site.connection_with("broken", "healthy.git", "WRONG_TOKEN", &site.path("ca.pem"));
    failing_link(&site, &commit, &(broken + &site.link("failing", "broken", "healthy.git", "")));
    let mut seen = std::fs::read(site.path("agent.log")).unwrap();
    assert!(
        String::from_utf8_lossy(&seen).contains("Basic [secret env:"),
        "the server's answer is told without the token"
    );
    for entry in ["state/catalog.sqlite3", "state/catalog.sqlite3-wal", "state/delegate/parses.sqlite3"] {
        seen.extend(std::fs::read(site.path(entry)).unwrap_or_default());
    }
    for canary in [TOKEN, "canary-wrong-token", "OmNhbmFyeS01ZjBjMWU3YS10b2tlbg"] {
        assert!(!seen.windows(canary.len()).any(|window| window == canary.as_bytes()), "{canary} was written down");
    }
}

#[test]
fn a_new_token_in_the_same_file_lifts_the_hold() {
    let (site, commit) = site();
    std::fs::write(site.path("token"), "canary-wrong-token\n").unwrap();
    let connection = site
        .connection("server", "healthy.git")
        .replace("{ env = \"SITE_TOKEN\" }", &format!("{{ file = {:?} }}", site.path("token")));
    site.configure(&(connection + &site.link("healthy", "server", "healthy.git", "")));
    let _agent = site.agent();
    assert_eq!(site.wait_for_link("healthy", "error")["failure"]["class"], "auth_rejected");
    assert_eq!(site.connection_view("server")["held"], true);
    site.server.reset_counters();
    assert_eq!(site.json(&["link", "sync", "healthy", "--wait"])["failure"]["class"], "auth_rejected");
    assert_eq!(site.server.request_count(), 0, "a held connection sends nothing for its links");
    std::fs::write(site.path("token"), format!("{TOKEN}\n")).unwrap();
    site.json(&["config", "reload"]);
    site.wait_for_commit("healthy", &commit);
    assert_eq!(site.connection_view("server")["held"], false);
}

#[test]
fn a_server_that_limits_one_repository_is_left_alone_by_all_of_its_connection() {
    let (site, commit) = site();
    let other = site.repository("other.git");
    let second = other.commit("main", "first", &small_project()).unwrap();
    let links = site.link("healthy", "server", "healthy.git", "") + &site.link("other", "server", "other.git", "");
    site.configure(&(site.connection("server", "healthy.git") + &links));
    let _agent = site.agent();
    site.wait_for_commit("healthy", &commit);
    site.wait_for_commit("other", &second);
    let headers = vec![("Retry-After".to_owned(), "3600".to_owned())];
    site.server.set_fault("/other.git", Fault::Status { code: 429, headers, body: Vec::new() });
    let limited = site.wait_for_link("other", "error");
    assert_eq!(limited["failure"]["class"], "rate_limited");
    assert!(limited["failure"]["message"].as_str().unwrap().contains("another try at"), "{limited}");
    // What was under way when the answer came may still end; after that nobody asks.
    site.json(&["link", "sync", "healthy", "--wait"]);
    let checked = site.link_view("healthy")["checked_at"].clone();
    site.server.reset_counters();
    assert!(!site.server.wait_for_requests(1, std::time::Duration::from_secs(4)));
    assert_eq!(site.link_view("healthy")["checked_at"], checked);
}
