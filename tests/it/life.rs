//! The agent's own life: start, stop, kill, and what a second one is told.

use suitesync_loopback::{Change, Fault};

use crate::support::katalon::case;
use crate::support::{Site, wait_for};

#[test]
fn it_ends_with_0_on_sigterm_and_says_so() {
    let (site, _repository, commit) = Site::with_shop();
    let agent = site.agent();
    site.wait_for_commit("shop", &commit);
    assert_eq!(agent.stop(), Some(0));
    assert!(std::fs::read_to_string(site.path("agent.log")).unwrap().contains("agent.stopped"));
    assert!(!site.path("agent.sock").exists());
    assert_eq!(site.run(&["status"]).status.code(), Some(3));
}

#[test]
fn a_second_agent_on_the_same_folder_ends_with_2_and_says_who_holds_it() {
    let (site, _repository, _) = Site::with_shop();
    let agent = site.agent();
    let second = site.run(&["agent"]);
    assert_eq!(second.status.code(), Some(2));
    let told = String::from_utf8_lossy(&second.stderr);
    assert!(told.contains(&format!("is in use by process {}", agent.id())), "{told}");
    assert_eq!(site.run(&["status"]).status.code(), Some(0));
}

#[test]
fn a_restart_goes_on_where_it_was_without_a_new_clone() {
    let (site, repository, first) = Site::with_shop();
    let agent = site.agent();
    site.wait_for_commit("shop", &first);
    agent.kill();
    let second = repository.commit("main", "second", &[case("Test Cases/New", "9")]).unwrap();
    site.server.reset_counters();
    let _agent = site.agent();
    assert_eq!(site.link_view("shop")["status"], "active");
    site.wait_for_commit("shop", &second);
    assert_eq!(site.events("link.synced").len(), 2);
    assert!(site.events("mirror.rebuilt").is_empty());
    assert_eq!(site.events("connection.tested").len(), 1, "an unchanged connection is not tested again at a start");
}

#[test]
fn a_kill_in_the_middle_of_a_fetch_leaves_nothing_that_blocks_the_next() {
    let (site, repository, first) = Site::with_shop();
    let agent = site.agent();
    site.wait_for_commit("shop", &first);
    let noise: String = std::iter::repeat_with(fastrand::alphanumeric).take(400_000).collect();
    let second = repository.commit("main", "second", &[Change::write("Test Suites/Noise.ts", noise)]).unwrap();
    site.server.set_fault("/shop.git/git-upload-pack", Fault::Drip { bytes_per_second: 2_000 });
    site.server.reset_counters();
    let fetching = || (site.server.bytes_sent() > 4_000).then_some(());
    wait_for("the pack to be on its way", fetching);
    agent.kill();
    site.server.clear_faults();
    let _agent = site.agent();
    site.wait_for_commit("shop", &second);
    assert!(site.events("mirror.rebuilt").is_empty());
    assert_eq!(site.json(&["case", "list", "--link", "shop"]).as_array().unwrap().len(), 3);
}

#[test]
fn a_file_in_the_socket_s_place_is_left_alone() {
    let (site, _repository, _) = Site::with_shop();
    std::fs::write(site.path("agent.sock"), "precious").unwrap();
    assert_eq!(site.run(&["agent"]).status.code(), Some(2));
    assert_eq!(std::fs::read(site.path("agent.sock")).unwrap(), b"precious");
}

#[test]
fn an_agent_with_nothing_to_do_starts_and_says_what_to_write() {
    let site = Site::new();
    site.configure("");
    let _agent = site.agent();
    assert!(std::fs::read_to_string(site.path("agent.log")).unwrap().contains("[[connection]]"));
    let status = String::from_utf8(site.run(&["status"]).stdout).unwrap();
    assert!(status.contains("[[connection]]"), "{status}");
}

#[test]
fn what_it_keeps_is_for_its_own_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let (site, _repository, commit) = Site::with_shop();
    let _agent = site.agent();
    site.wait_for_commit("shop", &commit);
    for (path, mode) in [("state", 0o700), ("agent.sock", 0o666)] {
        let found = std::fs::metadata(site.path(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}");
    }
}
