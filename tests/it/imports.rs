//! Reports of runs that were made elsewhere.

use std::process::Output;

use serde_json::json;

use crate::support::schedule::newest_result;
use crate::support::{RunningAgent, Site, wait_for};

const REPORT: &str = r#"<testsuites><testsuite name="s"><testcase name="Test Cases/Login" classname="Test Cases/Login"/>
<testcase name="elsewhere" classname="e"/></testsuite></testsuites>"#;

fn site() -> (Site, RunningAgent) {
    let (site, _repository, commit) = Site::with_shop();
    std::fs::write(site.path("report.xml"), REPORT).unwrap();
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    (site, agent)
}

fn import(site: &Site, file: &str, project: &str) -> Output {
    site.run(&["result", "import", site.path(file).to_str().unwrap(), "--project", project])
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_same_report_counts_once_and_importing_it_again_is_no_fault() {
    let (site, _agent) = site();
    assert!(told(&import(&site, "report.xml", "default")).contains("2 results recorded, 1 of a case"));
    std::fs::rename(site.path("report.xml"), site.path("renamed.xml")).unwrap();
    let again = import(&site, "renamed.xml", "default");
    assert!(again.status.success() && told(&again).contains("renamed.xml was already imported on 20"), "{again:?}");
    assert_eq!(site.json(&["result", "list"]).as_array().unwrap().len(), 2);
    let events = site.events("results.imported");
    assert_eq!((events.len(), &events[0]["results"], &events[0]["matched"]), (1, &json!(2), &json!(1)));
    let other = import(&site, "renamed.xml", "defualt");
    assert!(other.status.success() && told(&other).contains("2 results recorded"), "{other:?}");
    let warning = String::from_utf8(other.stderr).unwrap();
    assert!(warning.contains("no link belongs to the project `defualt`"), "{warning}");
    assert!(warning.contains("did you mean `default`?"), "{warning}");
}

#[test]
fn what_is_no_report_is_told_so() {
    let (site, _agent) = site();
    std::fs::write(site.path("hello"), "hello").unwrap();
    let output = import(&site, "hello", "default");
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains("hello is no JUnit report: nothing recorded\n  it is no XML"), "{output:?}");
}

#[test]
fn what_a_project_holds_is_attached_when_that_is_turned_on() {
    let (site, _agent) = site();
    // Of a case whose link is in another project by then.
    site.configure(
        &(site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", "project = \"web\"")),
    );
    site.json(&["config", "reload"]);
    import(&site, "report.xml", "default");
    let link = |keys: &str| site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", keys);
    site.configure(&link("project = \"default\""));
    site.json(&["config", "reload"]);
    let case = || site.json(&["case", "show", "Test Cases/Login", "--link", "shop"]);
    assert!(newest_result(&case()).is_null());
    site.configure(&link("project = \"default\"\nlink_existing_results = true"));
    site.json(&["config", "reload"]);
    wait_for("the result to be attached", || (newest_result(&case())["status"] == "passed").then_some(()));
}
