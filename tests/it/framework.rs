//! A real test framework from end to end: pytest runs the files of a commit, its report is read, and its log is followed.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use suitesync_loopback::Change;

use crate::support::katalon::small_project;
use crate::support::schedule::newest_result;
use crate::support::{RunningAgent, Site};

/// Waits at a gate, fails, and is skipped; prints a secret as it is, in base64, and in the message of a failure.
const TESTS: &str = r#"import base64, os, pathlib, time
import pytest

def test_login(record_xml_attribute, capfd):
    record_xml_attribute("name", "Test Cases/Login")
    with capfd.disabled():
        print("waiting at the gate as", os.environ["PASSWORD"], flush=True)
        print(base64.b64encode(os.environ["PASSWORD"].encode()).decode(), flush=True)
    while not pathlib.Path(os.environ["GATE"]).exists():
        time.sleep(0.01)

def test_cart():
    print(base64.b64encode(b"svc:" + os.environ["PASSWORD"].encode()).decode())
    assert os.environ["PASSWORD"] == "empty"

@pytest.mark.skip(reason="there is no till")
def test_pay():
    pass
"#;

/// The value of the secret, and what its base64 has in common wherever it begins.
const SECRET: &str = "canary-wrong-token";
const ENCODED: [&str; 3] = ["Y2FuYXJ5LXdyb25nLXRva2Vu", "NhbmFyeS13cm9uZy10b2tlb", "jYW5hcnktd3JvbmctdG9rZW"];

/// The Python that has pytest: a Debian package gives it to Debian's own.
fn python() -> &'static str {
    let has_pytest = |python: &&str| {
        Command::new(python).args(["-m", "pytest", "--version"]).output().is_ok_and(|output| output.status.success())
    };
    ["python3", "/usr/bin/python3"].into_iter().find(has_pytest).expect("python3-pytest is installed")
}

/// A site whose schedule runs pytest; and an agent that is up to date with it.
fn site() -> (Site, RunningAgent) {
    let site = Site::new();
    let repository = site.repository("shop.git");
    let files = [small_project(), vec![Change::write("tests/test_shop.py", TESTS)]].concat();
    let commit = repository.commit("main", "first", &files).unwrap();
    let schedule = format!(
        "[[schedule]]\nname = \"pytest\"\nlink = \"shop\"\ncron = \"@yearly\"\nsuites = [\"Test Suites/Smoke\"]\n\
         command = [\"{}\", \"-m\", \"pytest\", \"-q\", \"--junitxml=Reports/JUnit_Report.xml\", \"tests/\"]\n\
         results = [\"Reports/**/JUnit_Report.xml\"]\n\
         environment = {{ GATE = {:?}, PASSWORD = {{ env = \"WRONG_TOKEN\" }} }}\n",
        python(),
        site.path("gate"),
    );
    site.configure(&(site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", "") + &schedule));
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    (site, agent)
}

/// Runs the tests to their end; the run with its results.
fn tested(site: &Site) -> Value {
    std::fs::write(site.path("gate"), "open").unwrap();
    let id = site.start("pytest")[0];
    site.wait_for_run(id, "failed");
    site.json(&["run", "show", &id.to_string()])
}

fn follow(site: &Site, id: u64) -> Child {
    site.command(&["run", "logs", &id.to_string(), "--follow"]).stdout(Stdio::piped()).spawn().unwrap()
}

fn check_hidden(text: &str) {
    assert!(text.contains("[secret env:WRONG_TOKEN]"), "{text}");
    for form in [SECRET].iter().chain(&ENCODED) {
        assert!(!text.contains(form), "{form} is in {text}");
    }
}

#[test]
fn what_pytest_reports_is_counted_and_decides() {
    let (site, _agent) = site();
    let run = tested(&site);
    assert_eq!(
        (&run["status"], &run["reason"], &run["exit"]),
        (&json!("failed"), &json!("failed_cases"), &json!({ "code": 1 }))
    );
    assert_eq!(run["counts"], json!({ "passed": 1, "failed": 1, "errors": 0, "skipped": 1 }));
    let results = run["results"].as_array().unwrap().iter();
    let results: Vec<_> = results.map(|result| json!([result["name"], result["status"], result["case"]])).collect();
    let expect = [
        json!(["Test Cases/Login", "passed", "Test Cases/Login"]),
        json!(["test_cart", "failed", null]),
        json!(["test_pay", "skipped", null]),
    ];
    assert_eq!(results, expect);
}

#[test]
fn what_is_of_no_case_is_kept_and_what_is_of_one_is_attached() {
    let (site, _agent) = site();
    let run = tested(&site);
    let unmatched = site.json(&["result", "list", "--unmatched"]);
    let names: Vec<_> = unmatched.as_array().unwrap().iter().map(|result| &result["name"]).collect();
    assert_eq!(names, ["test_cart", "test_pay"]);
    assert_eq!(unmatched[0]["source"], "Reports/JUnit_Report.xml");
    let result = newest_result(&site.json(&["case", "show", "Test Cases/Login", "--link", "shop"]));
    assert_eq!((&result["status"], &result["run"]), (&json!("passed"), &run["id"]));
    check_hidden(unmatched[0]["message"].as_str().unwrap());
}

#[test]
fn a_log_is_followed_while_it_is_written_and_has_no_secret() {
    let (site, _agent) = site();
    let id = site.start("pytest")[0];
    let mut following = follow(&site, id);
    let mut log = BufReader::new(following.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("waiting at the gate") {
        assert_ne!(log.read_line(&mut text).unwrap(), 0, "the log ended: {text}");
    }
    site.wait_for_run(id, "running");
    std::fs::write(site.path("gate"), "open").unwrap();
    log.read_to_string(&mut text).unwrap();
    assert_eq!(following.wait().unwrap().code(), Some(0));
    assert_eq!(site.wait_for_run(id, "failed")["reason"], "failed_cases");
    assert!(text.contains("1 failed, 1 passed, 1 skipped"), "{text}");
    assert_eq!(text, site.log_of(id));
    check_hidden(&text);
}
