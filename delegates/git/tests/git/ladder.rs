//! What is asked of which server, and how a server that cannot, or will not, is met.

use std::time::Duration;

use suitesync_contract::{FailureClass, RefSpec};
use suitesync_git::Tip;
use suitesync_loopback::{Change, Fault, IssueOptions, Protocol, RequestRecord, clean_git};
use suitesync_reach::TimeLimits;

use crate::support::{
    Files, PATH, Setup, V0_BARE, V0_FILTER, V0_NO_SINGLE_OBJECTS, V0_REACHABLE, V2_FILTER, V2_PLAIN, World, fsck,
    is_partial, read_files,
};

fn main() -> RefSpec {
    RefSpec::Branch("main".to_owned())
}

/// A repository with one small test and much else.
fn with_ballast(setup: Setup) -> World {
    let world = World::served(setup);
    let ballast = (0..20_u8).map(|number| Change::write(format!("other/{number}.bin"), vec![number; 20_000]));
    let changes: Vec<_> = ballast.chain([Change::write("tests/login.tc", "<login/>")]).collect();
    world.commit_all("main", &changes);
    world
}

fn login() -> Files {
    Files::from([("tests/login.tc".to_owned(), "<login/>".to_owned())])
}

/// A first sync takes this many requests beyond the first look, and makes a mirror of this kind that Git accepts.
async fn check_first_sync(setup: Setup, requests: u64, partial: bool) {
    let world = with_ballast(setup);
    let remote = world.remote();
    let Tip::Commit(commit) = world.main(&remote).await.unwrap() else { panic!("it has a commit") };
    world.server.reset_counters();
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    assert_eq!(read_files(&mut mirror, commit, "tests/").await.as_ref(), Ok(&login()), "{setup:?}");
    assert_eq!((world.server.request_count(), is_partial(&mirror)), (requests, partial), "{setup:?}");
    assert_eq!(fsck(&mirror, &[commit]), "", "{setup:?}");
}

#[tokio::test]
async fn only_needed_blobs_are_fetched_from_servers_that_send_them_singly() {
    check_first_sync(V2_FILTER, 2, true).await;
    check_first_sync(V0_FILTER, 2, true).await;
    check_first_sync(V0_REACHABLE, 2, true).await;
}

#[tokio::test]
async fn commits_come_whole_from_servers_that_do_not() {
    check_first_sync(V2_PLAIN, 1, false).await;
    check_first_sync(V0_NO_SINGLE_OBJECTS, 1, false).await;
    check_first_sync(V0_BARE, 1, false).await;
}

#[tokio::test]
async fn a_partial_mirror_is_accepted_by_git_after_it_was_opened_again() {
    let world = with_ballast(V2_FILTER);
    world.sync(main(), "tests/").await.unwrap();
    let mirror = world.mirror(&world.remote()).await;
    let commit = world.repository.resolve("main").unwrap().parse().unwrap();
    assert_eq!(fsck(&mirror, &[commit]), "");
    let described = std::fs::read_to_string(mirror.path().join("description")).unwrap();
    assert!(described.contains("filter blob:none"), "{described}");
}

#[tokio::test]
async fn a_blob_that_was_not_fetched_is_no_damage() {
    let world = with_ballast(V2_FILTER);
    world.sync(main(), "tests/").await.unwrap();
    let mirror = world.mirror(&world.remote()).await;
    let other = world.repository.resolve("main:other/3.bin").unwrap().parse().unwrap();
    let failure = mirror.read_blob(other, 1 << 20).unwrap_err();
    assert_eq!(failure.class, FailureClass::Internal, "{failure}");
    drop(mirror);
    assert_eq!(world.mirror(&world.remote()).await.rebuilt(), None);
}

#[tokio::test]
async fn blobs_come_in_one_request_however_many_there_are() {
    let world = World::served(V2_FILTER);
    let changes: Vec<_> = (0..3000).map(|n| Change::write(format!("tests/{n}.tc"), format!("<case {n}/>"))).collect();
    world.commit_all("main", &changes);
    world.main(&world.remote()).await.unwrap();
    world.server.reset_counters();
    assert_eq!(world.sync(main(), "tests/").await.unwrap().len(), 3000);
    assert_eq!(world.server.request_count(), 3);
}

#[tokio::test]
async fn large_requests_are_compressed() {
    let world = World::served(V0_FILTER);
    let changes: Vec<_> = (0..300).map(|n| Change::write(format!("tests/{n}.tc"), format!("<case {n}/>"))).collect();
    world.commit_all("main", &changes);
    assert_eq!(world.sync(main(), "tests/").await.unwrap().len(), 300);
    let encodings: Vec<_> = world.server.requests().iter().map(encoding).collect();
    assert_eq!(encodings, [None, None, Some("gzip".to_owned())]);
}

fn encoding(request: &RequestRecord) -> Option<String> {
    request.header("content-encoding").map(str::to_owned)
}

#[tokio::test]
async fn a_refused_filter_is_remembered_and_not_asked_for_again() {
    for protocol in [Protocol::V2, Protocol::V0] {
        let world = with_ballast(Setup { protocol, config: &[("uploadpackfilter.allow", "false")] });
        world.main(&world.remote()).await.unwrap();
        world.server.reset_counters();
        assert_eq!(world.sync(main(), "tests/").await.as_ref(), Ok(&login()), "{protocol:?}");
        assert_eq!(world.server.request_count(), 4, "a poll, a refusal, the same once more and a fetch");
        world.commit("main", "other/new", b"new");
        world.server.reset_counters();
        world.sync(main(), "tests/").await.unwrap();
        assert_eq!(world.server.request_count(), 2, "a poll and a fetch");
        let mirror = world.mirror(&world.remote()).await;
        assert_eq!((is_partial(&mirror), mirror.rebuilt()), (false, None));
    }
}

/// Puts an advertisement in force that lacks some of what the server is able to do.
fn forget_abilities(world: &World, forgotten: &[&str]) {
    let advertised = clean_git()
        .args(["-c", "uploadpack.allowAnySHA1InWant", "upload-pack", "--http-backend-info-refs"])
        .arg(world.repository.folder())
        .output()
        .unwrap();
    let mut text = String::from_utf8(advertised.stdout).unwrap();
    for ability in forgotten {
        // As long as the word was, so that the packets' lengths stay right.
        text = text.replace(&format!(" {ability} "), &format!(" {} ", "x".repeat(ability.len())));
    }
    let body = format!("001e# service=git-upload-pack\n0000{text}").into_bytes();
    let headers = vec![("content-type".to_owned(), "application/x-git-upload-pack-advertisement".to_owned())];
    world.server.set_fault(&format!("{PATH}/info/refs"), Fault::Status { code: 200, headers, body });
}

async fn check_without(forgotten: &[&str]) {
    let world = with_ballast(V0_BARE);
    world.commit("main", "other/second", b"2");
    forget_abilities(&world, forgotten);
    assert_eq!(world.sync(main(), "tests/").await.as_ref(), Ok(&login()), "{forgotten:?}");
    world.commit("main", "tests/second.tc", b"<second/>");
    forget_abilities(&world, forgotten);
    assert_eq!(world.sync(main(), "tests/").await.unwrap().len(), 2, "{forgotten:?}");
    let mirror = world.mirror(&world.remote()).await;
    let commit = world.repository.resolve("main").unwrap().parse().unwrap();
    assert_eq!((mirror.rebuilt(), fsck(&mirror, &[commit])), (None, String::new()), "{forgotten:?}");
}

#[tokio::test]
async fn servers_of_long_ago_are_spoken_with_as_they_can() {
    check_without(&[]).await;
    check_without(&["shallow"]).await;
    check_without(&["side-band-64k"]).await;
    check_without(&["side-band", "side-band-64k"]).await;
    check_without(&["multi_ack_detailed"]).await;
    check_without(&["multi_ack", "multi_ack_detailed", "thin-pack", "ofs-delta", "no-progress"]).await;
    check_without(&["shallow", "side-band", "side-band-64k", "multi_ack", "multi_ack_detailed"]).await;
}

#[tokio::test]
async fn a_server_that_sends_parts_no_longer_gets_a_whole_mirror() {
    let world = with_ballast(V0_FILTER);
    world.sync(main(), "tests/").await.unwrap();
    forget_abilities(&world, &["filter"]);
    world.commit("main", "other/second", b"2");
    forget_abilities(&world, &["filter"]);
    assert_eq!(world.sync(main(), "tests/").await.as_ref(), Ok(&login()));
    assert!(!is_partial(&world.mirror(&world.remote()).await));
}

#[tokio::test]
async fn a_commit_that_no_ref_leads_to_is_not_found_and_the_hint_is_to_link_a_ref() {
    let world = with_ballast(V0_BARE);
    let lost = world.commit("lost", "x", b"x");
    world.repository.delete_ref("refs/heads/lost").unwrap();
    let failure = world.sync(RefSpec::Commit(lost), "").await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RefNotFound, "{failure}");
    assert!(failure.message.contains("only what its branches and tags point to"), "{failure}");
    assert!(failure.hint.contains("link the branch or tag"), "{}", failure.hint);
}

#[tokio::test]
async fn a_server_that_learns_or_forgets_v2_is_followed() {
    let world = with_ballast(V2_FILTER);
    world.sync(main(), "tests/").await.unwrap();
    forget_abilities(&world, &[]);
    let refused = Fault::status(400);
    world.server.set_fault_times(&format!("{PATH}/git-upload-pack"), refused, 1);
    let tip = world.main(&world.remote()).await;
    world.server.clear_faults();
    assert_eq!(world.main(&world.remote()).await, tip);
    world.server.reset_counters();
    world.main(&world.remote()).await.unwrap();
    assert_eq!(world.server.count("POST", &format!("{PATH}/git-upload-pack")), 1);
}

/// The next fetches are answered with this refusal.
fn refuse_fetches(world: &World, text: &str, times: usize) {
    let headers = vec![("content-type".to_owned(), "application/x-git-upload-pack-result".to_owned())];
    let body = format!("{:04x}ERR {text}", text.len() + 8).into_bytes();
    let fault = Fault::Status { code: 200, headers, body };
    world.server.set_fault_times(&format!("{PATH}/git-upload-pack"), fault, times);
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_asked_twice_in_each_of_three_ways_and_the_mirror_stays() {
    let world = with_ballast(V0_FILTER);
    world.sync(main(), "tests/").await.unwrap();
    world.commit("main", "tests/second.tc", b"<second/>");
    refuse_fetches(&world, "not today", 10);
    world.server.reset_counters();
    let failure = world.sync(main(), "tests/").await.unwrap_err();
    assert_eq!((failure.class, world.server.request_count()), (FailureClass::ServerError, 7), "{failure}");
    world.server.clear_faults();
    assert_eq!(world.sync(main(), "tests/").await.unwrap().len(), 2);
    let mirror = world.mirror(&world.remote()).await;
    assert_eq!((mirror.rebuilt(), is_partial(&mirror)), (None, true));
}

#[tokio::test]
async fn a_refusal_of_the_moment_changes_nothing() {
    let world = with_ballast(V0_FILTER);
    world.sync(main(), "tests/").await.unwrap();
    world.commit("main", "tests/second.tc", b"<second/>");
    refuse_fetches(&world, "too many processes", 1);
    assert_eq!(world.sync(main(), "tests/").await.unwrap().len(), 2);
    let mirror = world.mirror(&world.remote()).await;
    assert_eq!((mirror.rebuilt(), is_partial(&mirror)), (None, true));
}

#[tokio::test]
async fn a_server_that_takes_its_time_to_pack_is_waited_for_while_it_says_so() {
    const SLOW: (&str, &str) = ("uploadpack.packObjectsHook", "sleep 3 && exec");
    let config = &[("uploadpack.allowFilter", "false"), ("uploadpack.keepAlive", "1"), SLOW];
    let limits = TimeLimits { rate_window: Duration::from_secs(2), ..TimeLimits::default() };
    let world = World::set_up(Setup { protocol: Protocol::V2, config }, &IssueOptions::default(), limits);
    world.commit("main", "tests/login.tc", b"<login/>");
    assert_eq!(world.sync(main(), "tests/").await, Ok(login()));
}

#[tokio::test]
async fn a_refusal_with_a_code_is_no_reason_to_ask_otherwise() {
    let world = with_ballast(V0_FILTER);
    refuse_fetches(&world, "TF400733: the request was canceled, slow down", 1);
    let failure = world.sync(main(), "tests/").await.unwrap_err();
    assert_eq!((failure.class, world.server.request_count()), (FailureClass::RateLimited, 2), "{failure}");
}

#[tokio::test]
async fn a_server_that_sends_parts_but_not_the_rest_gets_a_whole_mirror() {
    let world = with_ballast(V0_FILTER);
    let remote = world.remote();
    let Tip::Commit(commit) = world.main(&remote).await.unwrap() else { panic!("it has a commit") };
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    refuse_fetches(&world, "no", 2);
    assert_eq!(read_files(&mut mirror, commit, "tests/").await, Ok(login()));
    assert_eq!((is_partial(&mirror), fsck(&mirror, &[commit])), (false, String::new()));
}
