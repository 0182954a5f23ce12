//! A commit that cannot be had keeps no other from coming.

use std::io::Write;
use std::process::Stdio;

use suitesync_contract::{FailureClass, ObjectId};
use suitesync_git::FetchProgress;
use suitesync_loopback::{Fault, clean_git};

use crate::support::{PATH, SETUPS, Setup, V2_FILTER, World, read_files};

fn git(world: &World, arguments: &[&str], input: &str) -> String {
    let mut command = clean_git();
    command.arg("-C").arg(world.repository.folder()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A commit that a branch points to and whose tree is nowhere, so that the server cannot pack it.
fn hollow(world: &World) -> ObjectId {
    let tree = "1".repeat(40);
    let text = format!("tree {tree}\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nhollow\n");
    let commit = git(world, &["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], &text);
    git(world, &["update-ref", "refs/heads/hollow", &commit], "");
    commit.parse().unwrap()
}

/// A blob that a tag points to.
fn tagged_blob(world: &World) -> ObjectId {
    git(world, &["tag", "blob", "main:Test Cases/login.tc"], "");
    world.repository.resolve("blob").unwrap().parse().unwrap()
}

async fn check(setup: Setup) {
    let world = World::served(setup);
    let first = world.commit("main", "Test Cases/login.tc", b"<login/>");
    let second = world.commit("other", "Test Cases/pay.tc", b"<pay/>");
    let missing = "1234567890123456789012345678901234567890".parse().unwrap();
    let bad = [missing, tagged_blob(&world), hollow(&world)];
    let remote = world.remote();
    let mut mirror = world.mirror(&remote).await;
    mirror.keep([]);
    let wants = [&bad[..], &[first, second, missing]].concat();
    let mut failed = mirror.fetch_each(&remote, &wants, &mut |_: FetchProgress| {}, &world.cancel).await;
    for commit in &bad[..2] {
        assert_eq!(failed.remove(commit).unwrap().class, FailureClass::RefNotFound, "{setup:?}");
    }
    assert!(failed.remove(&bad[2]).unwrap().class.may_spare_others());
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(read_files(&mut mirror, first, "").await.unwrap()["Test Cases/login.tc"], "<login/>");
    assert_eq!(read_files(&mut mirror, second, "").await.unwrap()["Test Cases/pay.tc"], "<pay/>");
}

#[tokio::test]
async fn what_cannot_be_had_keeps_nothing_else_from_coming() {
    for setup in SETUPS {
        check(setup).await;
    }
}

/// A server that answers every fetch with this status; how many requests forty commits cost.
async fn check_sick(status: u16, class: FailureClass, requests: u64) {
    let world = World::served(V2_FILTER);
    let wants: Vec<_> = (0..40).map(|number| world.commit("main", &format!("{number}"), b"x")).collect();
    let remote = world.remote();
    world.main(&remote).await.unwrap();
    let mut mirror = world.mirror(&remote).await;
    world.server.set_fault(PATH, Fault::status(status));
    world.server.reset_counters();
    let failed = mirror.fetch_each(&remote, &wants, &mut |_: FetchProgress| {}, &world.cancel).await;
    assert!(wants.iter().all(|commit| failed[commit].class == class), "{failed:?}");
    assert_eq!(world.server.request_count(), requests);
}

#[tokio::test]
async fn a_server_that_fails_whatever_is_asked_for_is_not_asked_for_everything() {
    check_sick(429, FailureClass::RateLimited, 1).await;
    check_sick(500, FailureClass::ServerError, 20).await;
}
