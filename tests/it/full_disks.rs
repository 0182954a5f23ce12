//! A full disk is told with where room is to be made, and nothing is lost by it. The agent gets a small file system of its
//! own, where the system lets it.

use serde_json::{Value, json};

use crate::support::room::may_have_room;
use crate::support::{RunningAgent, Site, find, wait_for};

/// Room enough for a catalog, and not for the report.
const ROOM: &str = "6m";
const TOO_LARGE: usize = 12 << 20;

#[test]
fn an_agent_that_has_no_room_to_start_says_where_it_lacks() {
    if !may_have_room() {
        return;
    }
    let site = Site::new();
    site.configure("");
    let output = site.agent_without_room();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    let (state, catalog) = (site.path("state"), site.path("state/catalog.sqlite3"));
    let expect = format!("error: failed to use the catalog {}: the disk is full\n", catalog.display());
    assert!(complaint.contains(&expect), "{complaint}");
    assert!(complaint.contains(&format!("hint: make room in {}\n", state.display())), "{complaint}");
}

#[test]
fn what_cannot_be_kept_is_refused_with_where_room_lacks() {
    if !may_have_room() {
        return;
    }
    let site = Site::new();
    site.configure("");
    let _agent = site.agent_with_room(ROOM);
    let report = site.path("report.xml");
    std::fs::write(&report, vec![b' '; TOO_LARGE]).unwrap();
    let output = site.run(&["result", "import", report.to_str().unwrap(), "--project", "default"]);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    let hint = format!("make room where the state folder lies ({})", site.path("state").display());
    assert!(complaint.contains(&hint), "{complaint}");
}

/// A site with one place for runs, of which the first ends as `failed` once there is a gate and others last until they are
/// stopped; and an agent that is up to date.
fn gated_site() -> (Site, RunningAgent) {
    let (site, _repository, commit) = Site::with_shop();
    let (gate, first) = (site.path("gate"), site.path("first"));
    let script = format!("while ! test -e {gate:?}; do sleep 0.05; done; mkdir {first:?} && exit 3; sleep 600");
    let text = "[[delegate]]\nname = \"local\"\ncapacity = 1\n\n".to_owned()
        + &site.connection("server", "shop.git")
        + &site.link("shop", "server", "shop.git", "")
        + &site.schedule("nightly", "Test Suites/Smoke", &script, "overlap = \"queue\"");
    site.configure(&text);
    let agent = site.agent_with_room_beside(ROOM);
    site.wait_for_commit("shop", &commit);
    (site, agent)
}

/// What `status` says of the catalog, or nothing.
fn problem(site: &Site) -> Option<Value> {
    Some(find(&site.json(&["status"])["problems"], "subject", "the catalog")).filter(|problem| !problem.is_null())
}

#[test]
fn acts_that_a_full_disk_refuses_change_nothing_and_are_done_once_there_is_room() {
    if !may_have_room() {
        return;
    }
    let (site, agent) = gated_site();
    let hint = format!("make room where the state folder lies ({})", site.path("state").display());
    let acts = [["run", "start", "nightly"], ["delegate", "drain", "local"], ["link", "archive", "shop"]];
    site.fill(&agent);
    for act in acts {
        let output = site.run(&act);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{act:?}: {complaint}");
        assert!(complaint.contains("the disk is full") && complaint.contains(&hint), "{act:?}: {complaint}");
    }
    let (delegates, runs) = (site.json(&["delegate", "list"]), site.runs());
    assert_eq!((&delegates[0]["status"], runs.len()), (&json!("connected"), 0), "{delegates}");
    assert_eq!(site.link_view("shop")["status"], "active");
    site.make_room(&agent);
    for act in acts {
        assert_eq!(site.run(&act).status.code(), Some(0), "{act:?}");
    }
    assert_eq!(site.link_view("shop")["status"], "archived");
}

#[test]
fn a_full_disk_is_a_problem_as_long_as_it_is_full() {
    if !may_have_room() {
        return;
    }
    let (site, agent) = gated_site();
    site.fill(&agent);
    let told = wait_for("the full disk to be told", || problem(&site));
    let hint = format!("make room in {}", site.path("state").display());
    assert_eq!((&told["class"], &told["hint"]), (&json!("disk_full"), &json!(hint)), "{told}");
    site.make_room(&agent);
    wait_for("the full disk to be forgotten", || problem(&site).is_none().then_some(()));
    assert_eq!(site.events("catalog.writable").len(), 1);
}

#[test]
fn runs_that_a_full_disk_meets_end_once_and_as_they_did() {
    if !may_have_room() {
        return;
    }
    let (site, agent) = gated_site();
    let (under_way, queued) = (site.start("nightly")[0], site.start("nightly")[0]);
    site.wait_for_run(under_way, "running");
    site.fill(&agent);
    std::fs::write(site.path("gate"), "").unwrap();
    let log = || std::fs::read_to_string(site.path("agent.log")).unwrap();
    let unrecorded = "failed to record the end of a run";
    wait_for("both ends to be refused", || (log().matches(unrecorded).count() == 2).then_some(()));
    assert_eq!(site.runs().iter().filter(|run| run["finished_at"].is_null()).count(), 2);
    assert!(problem(&site).is_some());
    site.make_room(&agent);
    assert_eq!(site.wait_for_run(under_way, "failed")["reason"], "exit_status");
    // That it began could not be recorded, so it was stopped.
    assert_eq!(site.wait_for_run(queued, "error")["reason"], "disk_full");
    wait_for("the full disk to be forgotten", || problem(&site).is_none().then_some(()));
    assert_eq!(site.events("run.finished").len(), 2);
}

#[test]
fn a_configuration_that_a_full_disk_refuses_changes_nothing_and_is_taken_up_once_there_is_room() {
    if !may_have_room() {
        return;
    }
    let (site, agent) = gated_site();
    site.fill(&agent);
    site.drop_in("more.toml", &site.schedule("weekly", "Test Suites/Smoke", "true", ""));
    let log = || std::fs::read_to_string(site.path("agent.log")).unwrap();
    let refused = "failed to take up the configuration: failed to record the configuration: the disk is full";
    wait_for("the configuration to be refused", || log().contains(refused).then_some(()));
    let schedules = || site.json(&["schedule", "list"]).as_array().unwrap().len();
    assert_eq!((schedules(), &site.json(&["status"])["config"]["generation"]), (1, &json!(1)));
    assert_eq!(site.run(&["config", "reload"]).status.code(), Some(1));
    site.make_room(&agent);
    wait_for("the configuration to be taken up", || (schedules() == 2).then_some(()));
    let id = site.start("weekly")[0];
    site.wait_for_run(id, "passed");
    assert_eq!(site.events("config.reloaded").len(), 1);
}
