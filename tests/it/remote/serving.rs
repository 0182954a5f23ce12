//! What a delegate on another host does for its agent, and what is told of it.

use std::path::Path;

use serde_json::{Value, json};

use super::Estate;
use crate::support::nats::Nats;
use crate::support::station::StationFile;
use crate::support::{Site, TOKEN, find, wait_for};

#[test]
fn a_connection_is_tested_synced_and_run_on_another_host_and_the_secret_stays_there() {
    let estate = Estate::new();
    let site = &estate.site;
    estate.configure(&site.schedule("nightly", "Test Suites/Smoke", "echo from elsewhere; pwd; ls", ""));
    let _station = site.station(&estate.nats, "dc1");
    let _agent = site.agent();
    site.wait_for_delegate("dc1", "connected");
    let test = site.json(&["connection", "test", "server"]);
    assert_eq!((&test["status"], &test["delegate"], &test["failure"]), (&json!("active"), &json!("dc1"), &Value::Null));
    site.wait_for_commit("shop", &estate.commit);
    let id = site.start("nightly")[0];
    let run = site.wait_for_run(id, "passed");
    assert_eq!(run["delegate"], "dc1");
    let log = site.log_of(id);
    assert!(log.starts_with("from elsewhere\n") && log.contains("dc1-state"), "{log}");
    for folder in [estate.nats.store(), site.path("state"), site.path("dc1-state")] {
        assert_eq!(files_with(&folder, TOKEN.as_bytes()), Vec::<String>::new());
    }
}

#[test]
fn delegates_are_listed_as_they_come_and_go_and_tell_of_themselves() {
    let estate = Estate::new();
    let site = &estate.site;
    let _agent = site.agent();
    let lines = "capacity = 7\nruns = false".to_owned();
    let station = site.start_station(&StationFile { name: "dc1", url: estate.nats.url(), lines });
    site.wait_for_delegate("dc1", "connected");
    let listed = find(&site.json(&["delegate", "list"]), "name", "dc1");
    assert_eq!((&listed["kind"], &listed["capacity"]), (&json!("remote"), &json!(7)));
    assert_eq!(listed["tags"], json!(["dc1", "elsewhere"]));
    assert_eq!(station.stop(), Some(0));
    site.wait_for_delegate("dc1", "lost");
    assert_eq!(site.events("delegate.connected").iter().filter(|event| event["delegate"] == "dc1").count(), 1);
    let lost = site.events("delegate.lost");
    assert_eq!(lost.iter().filter(|event| event["delegate"] == "dc1").count(), 1, "{lost:?}");
    let problems = site.json(&["status"])["problems"].clone();
    assert!(find(&problems, "subject", "delegate dc1").is_null(), "it was stopped on purpose: {problems}");
}

#[test]
fn names_that_are_not_accepted_are_refused_with_one_event() {
    let estate = Estate::new();
    let site = &estate.site;
    estate.configure("[[delegate]]\nname = \"dc-local\"\n");
    let _agent = site.agent();
    let _stations = [site.station(&estate.nats, "lab"), site.station(&estate.nats, "dc-local")];
    let refused = wait_for("two refusals", || Some(site.events("delegate.refused")).filter(|events| events.len() == 2));
    let _accepted = site.station(&estate.nats, "dc1");
    site.wait_for_delegate("dc1", "connected");
    assert_eq!(site.events("delegate.refused").len(), 2, "{refused:?}");
    let listed = site.json(&["delegate", "list"]);
    assert!(find(&listed, "name", "lab").is_null(), "{listed}");
    assert_eq!(find(&listed, "name", "dc-local")["kind"], "local");
}

#[test]
fn a_delegate_that_is_refused_says_so_once_and_is_no_news_to_an_agent_that_is_started_again() {
    let estate = Estate::new();
    let site = &estate.site;
    let (agent, lab) = (site.agent(), site.station(&estate.nats, "lab"));
    let told = || std::fs::read_to_string(site.path("lab.log")).unwrap().matches("does not let this delegate").count();
    wait_for("the refusal to be told there", || (told() == 1).then_some(()));
    assert_eq!(agent.stop(), Some(0));
    let _agent = site.agent();
    assert_eq!(lab.stop(), Some(0));
    let _accepted = site.station(&estate.nats, "dc1");
    // Heard after all that the other one has said.
    site.wait_for_delegate("dc1", "connected");
    assert_eq!((site.events("delegate.refused").len(), told()), (1, 1));
}

#[test]
fn an_agent_works_while_nats_is_away_and_says_so_and_what_waited_is_done_when_it_comes() {
    let mut estate = Estate::new();
    estate.nats.kill();
    let site = &estate.site;
    estate.configure(
        "[[delegate]]\nname = \"local\"\n\n[[delegate]]\nname = \"dc1\"\nkind = \"remote\"\ntags = [\"elsewhere\"]\n",
    );
    let _agent = site.agent();
    let _station = site.station(&estate.nats, "dc1");
    let problem = wait_for("the status to tell of NATS", || {
        let status = site.json(&["status"]);
        Some(find(&status["problems"], "subject", "delegates of other hosts")).filter(|problem| !problem.is_null())
    });
    assert_eq!(problem["class"], "connect", "{problem}");
    assert_eq!(find(&site.json(&["delegate", "list"]), "name", "dc1")["status"], "starting");
    estate.nats.launch();
    let site = &estate.site;
    site.wait_for_commit("shop", &estate.commit);
    let status = site.json(&["status"]);
    assert!(find(&status["problems"], "subject", "delegates of other hosts").is_null(), "{status}");
}

#[test]
fn a_secret_with_a_source_of_the_agents_host_is_refused_before_anything_is_sent() {
    let estate = Estate::new();
    let site = &estate.site;
    let inline = estate.connection().replace("{ secret = \"token\" }", "{ env = \"SITE_TOKEN\" }");
    site.configure(&(estate.remote(&estate.nats.url()) + &inline + &estate.link("shop")));
    let _station = site.station(&estate.nats, "dc1");
    let _agent = site.agent();
    site.wait_for_delegate("dc1", "connected");
    let test = site.json(&["connection", "test", "server"]);
    assert_eq!(test["failure"]["class"], "secret_unavailable", "{test}");
    assert!(test["failure"]["hint"].as_str().unwrap().contains("[secrets.NAME]"), "{test}");
    assert_eq!(site.server.request_count(), 0);
}

#[test]
fn a_changed_file_counts_at_once_where_it_can() {
    let estate = Estate::new();
    let site = &estate.site;
    let file = |hosts: &str| {
        let path = site.station_file(&StationFile { name: "dc1", url: estate.nats.url(), lines: String::new() });
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace(&site.server.address().to_string(), hosts)).unwrap();
    };
    file("git.example.org");
    let _station = site.restart_station("dc1");
    let _agent = site.agent();
    site.wait_for_delegate("dc1", "connected");
    let test = site.json(&["connection", "test", "server"]);
    assert_eq!(test["failure"]["class"], "secret_unavailable", "{test}");
    file("127.0.0.1");
    wait_for("the changed file to count", || {
        (site.json(&["connection", "test", "server"])["status"] == "active").then_some(())
    });
}

/// The files below a folder in which these bytes are.
fn files_with(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_with(&path, bytes));
        } else if std::fs::read(&path).unwrap_or_default().windows(bytes.len()).any(|window| window == bytes) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// A delegate whose file is faulty says all of it, and ends so that systemd does not start it again.
#[test]
fn a_faulty_file_is_told_whole_and_ends_with_2() {
    let site = Site::new();
    let _nats = Nats::start(&site);
    let path =
        site.station_file(&StationFile { name: "dc1", url: "https://h".to_owned(), lines: "colour = 1".to_owned() });
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_suitesync"))
        .args(["delegate", "run", "--config"])
        .arg(&path)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.starts_with("error: ") && !told.contains("error: error"), "{told}");
    assert!(
        told.contains("unknown key `colour` in [delegate]") && told.contains("its scheme is neither tls nor nats"),
        "{told}"
    );
}
