//! Delegates that strangers bring: the example of `delegates/examples` in `delegates.d` of an agent, without a restart.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use suitesync_loopback::{Change, Fault, SampleRepository};

use crate::support::katalon::{case, project, small_project, suite, tagged_case};
use crate::support::plugin::Plugin;
use crate::support::processes::{ProcessWatch, is_running};
use crate::support::{PATIENCE, RunningAgent, Site, TOKEN, find, wait_for};

/// What is asked for first of the repository.
const REFS: &str = "/shop.git/info/refs";

/// A site with a link `shop` that the example serves, and an agent.
struct Stage {
    site: Site,
    repository: SampleRepository,
    plugin: Plugin,
    agent: RunningAgent,
}

impl Stage {
    fn new(token: &str, files: &[Change]) -> (Self, String) {
        let site = Site::new();
        let repository = site.repository("shop.git");
        let commit = repository.commit("main", "first", files).unwrap();
        let plugin = Plugin::install(&site, "host-git");
        let there = site.connection_with("there", "shop.git", token, &site.path("ca.pem"));
        let there = there.replacen("test_every", "delegate_tags = [\"host-git\"]\ntest_every", 1);
        site.configure(&(there + &site.link("shop", "there", "shop.git", "")));
        let agent = site.agent();
        (Self { site, repository, plugin, agent }, commit)
    }

    /// Has the server keep silent to the next question, waits until it was asked, and tells what is at the server now.
    fn begin_silent_sync(&self) -> String {
        self.site.server.set_fault_times(REFS, Fault::SilentAfterRequest, 1);
        self.site.server.reset_counters();
        let commit = self.repository.commit("main", "second", &[case("Test Cases/Pay", "7")]).unwrap();
        assert!(self.site.server.wait_for_requests(1, PATIENCE));
        commit
    }

    fn delegate(&self, name: &str) -> Value {
        find(&self.site.json(&["delegate", "list"]), "name", name)
    }

    /// The agent stops in order, and the example has kept to the protocol to its end.
    fn end(self) {
        assert_eq!(self.agent.stop(), Some(0));
        assert_eq!(self.plugin.complaints(), Vec::<String>::new());
    }
}

/// A project around another, with all kinds of suites and some files that are not what they seem.
fn various_files() -> Vec<Change> {
    let rows = "<testSuiteRunConfigurations><TestSuiteRunConfiguration><runEnabled>true</runEnabled>\
                <testSuiteEntity>Test Suites/Smoke</testSuiteEntity></TestSuiteRunConfiguration></testSuiteRunConfigurations>";
    let more = [
        tagged_case("Test Cases/Prüfung", "8", "slow, nightly"),
        Change::write("Test Cases/Broken.tc", "<TestCaseEntity>"),
        Change::write("Test Cases/Other.tc", "<Other/>"),
        Change::write("Test Suites/All.ts", format!("<TestSuiteCollectionEntity>{rows}</TestSuiteCollectionEntity>")),
        Change::write(
            "Test Suites/Slow.ts",
            "<FilteringTestSuiteEntity><filteringText>tag=slow</filteringText></FilteringTestSuiteEntity>",
        ),
        suite("Test Suites/Case", &["Test Cases/LOGIN"]),
        project("inner/", "Inner"),
        case("inner/Test Cases/Login", "9"),
        Change::write("bin/Shop.prj", "<Project/>"),
        Change::write("web/app.ts", "export {}"),
    ];
    [small_project(), more.to_vec()].concat()
}

/// What a command lists of a link, without the link and with what is wrong with a file in one word.
fn listed(site: &Site, kind: &str, link: &str) -> Value {
    let mut list = site.json(&[kind, "list", "--link", link]);
    for row in list.as_array_mut().unwrap() {
        let row = row.as_object_mut().unwrap();
        row.remove("link");
        row.remove("reason");
    }
    list
}

#[test]
fn the_example_tests_connections_step_by_step() {
    let (stage, commit) = Stage::new("SITE_TOKEN", &small_project());
    stage.site.wait_for_commit("shop", &commit);
    let test = stage.site.json(&["connection", "test", "there"]);
    let steps = test["steps"].as_array().unwrap().iter();
    let steps: Vec<_> = steps.map(|step| json!([step["step"], step["outcome"]])).collect();
    let names = ["delegate", "secrets", "dns", "connect", "tls", "credentials", "repository"];
    assert_eq!(steps, names.map(|name| json!([name, "ok"])));
    assert_eq!((&test["delegate"], &test["failure"]), (&json!("host-git"), &Value::Null));
    stage.end();
}

#[test]
fn the_example_finds_what_the_local_delegate_finds() {
    let (stage, commit) = Stage::new("SITE_TOKEN", &various_files());
    let here = stage.site.connection("here", "shop.git");
    let here = here.replacen("test_every", "delegate_tags = [\"local\"]\ntest_every", 1);
    stage.site.drop_in("here.toml", &(here + &stage.site.link("local", "here", "shop.git", "")));
    stage.site.wait_for_commit("shop", &commit);
    stage.site.wait_for_commit("local", &commit);
    for kind in ["case", "suite"] {
        let (by_example, by_agent) = (listed(&stage.site, kind, "shop"), listed(&stage.site, kind, "local"));
        assert_eq!(by_example, by_agent);
        assert!(by_example.as_array().unwrap().len() > 3);
    }
    stage.end();
}

#[test]
fn a_token_that_is_wrong_is_sent_once_and_rejected() {
    let (stage, _) = Stage::new("WRONG_TOKEN", &small_project());
    let status = |view: Value| Some(view).filter(|view| view["status"] == "error");
    let connection = wait_for("the test to fail", || status(stage.site.connection_view("there")));
    assert_eq!(connection["failure"]["class"], "auth_rejected");
    assert_eq!(stage.site.server.request_count(), 1);
    assert!(!stage.plugin.lines().contains("canary-wrong-token"));
    stage.end();
}

#[test]
fn a_token_is_no_argument_of_git_and_in_no_line() {
    let (stage, first) = Stage::new("SITE_TOKEN", &small_project());
    let watch = ProcessWatch::start(stage.agent.id());
    stage.site.wait_for_commit("shop", &first);
    let second = stage.repository.commit("main", "second", &[case("Test Cases/Pay", "7")]).unwrap();
    stage.site.wait_for_commit("shop", &second);
    let encoded = STANDARD.encode(format!(":{TOKEN}"));
    let shown: Vec<_> =
        watch.end().command_lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    assert!(shown.iter().any(|line| line.contains("ls-remote")), "{shown:?}");
    for text in shown.iter().chain([&stage.plugin.lines()]) {
        assert!(!text.contains(TOKEN) && !text.contains(&encoded), "{text}");
    }
    stage.end();
}

#[test]
fn what_the_server_says_of_a_repository_is_told_by_its_class() {
    let (stage, commit) = Stage::new("SITE_TOKEN", &small_project());
    stage.site.wait_for_commit("shop", &commit);
    for (status, class) in
        [(404, "repository_not_found"), (403, "forbidden"), (503, "server_error"), (302, "redirect_refused")]
    {
        stage.site.server.set_fault(REFS, Fault::status(status));
        let test = stage.site.json(&["connection", "test", "there"]);
        assert_eq!(test["failure"]["class"], class, "{test}");
    }
    stage.end();
}

#[test]
fn a_sync_whose_delegate_is_killed_is_tried_again() {
    let (stage, first) = Stage::new("SITE_TOKEN", &small_project());
    stage.site.wait_for_commit("shop", &first);
    let second = stage.begin_silent_sync();
    stage.plugin.kill();
    stage.site.wait_for_commit("shop", &second);
    assert!(!stage.site.events("delegate.lost").is_empty());
    assert_eq!(stage.site.events("delegate.task_reassigned").len(), 1);
    assert_eq!(stage.site.events("link.sync_failed"), Vec::<Value>::new());
    stage.end();
}

#[test]
fn a_sync_that_is_canceled_is_answered_though_the_server_says_nothing() {
    let (stage, first) = Stage::new("SITE_TOKEN", &small_project());
    stage.site.wait_for_commit("shop", &first);
    stage.begin_silent_sync();
    let url = stage.site.server.url("/shop.git");
    wait_for("git to ask", || is_running(&url).then_some(()));
    assert!(stage.site.run(&["connection", "disconnect", "there", "--yes"]).status.success());
    wait_for("the answer", || stage.plugin.lines().contains("\"class\": \"canceled\"").then_some(()));
    wait_for("git to be gone", || (!is_running(&url)).then_some(()));
    assert_eq!(stage.delegate("host-git")["status"], "connected");
    stage.end();
}

#[test]
fn the_tags_of_a_plugin_are_taken_up_while_the_agent_runs() {
    let (stage, commit) = Stage::new("SITE_TOKEN", &small_project());
    stage.site.wait_for_commit("shop", &commit);
    assert_eq!(stage.delegate("host-git")["tags"], json!(["host-git", "python"]));
    let path = stage.plugin.folder.join("plugin.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"python\"", "\"python\", \"night\"");
    std::fs::write(&path, text).unwrap();
    wait_for("the tag", || {
        (stage.delegate("host-git")["tags"] == json!(["host-git", "night", "python"])).then_some(())
    });
    let second = stage.repository.commit("main", "second", &[case("Test Cases/Pay", "7")]).unwrap();
    stage.site.wait_for_commit("shop", &second);
    stage.end();
}

#[test]
fn a_folder_that_comes_is_a_delegate_and_one_that_goes_is_none() {
    let (stage, commit) = Stage::new("SITE_TOKEN", &small_project());
    stage.site.wait_for_commit("shop", &commit);
    let second = Plugin::install(&stage.site, "second");
    wait_for("the second", || (stage.delegate("second")["status"] == "connected").then_some(()));
    std::fs::remove_dir_all(&second.folder).unwrap();
    wait_for("it to be gone", || stage.delegate("second").is_null().then_some(()));
    assert_eq!(stage.delegate("host-git")["status"], "connected");
    stage.end();
}
