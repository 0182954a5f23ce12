//! Objects over SSH: the same mirrors, whatever version the server speaks.

use std::time::{Duration, Instant};

use suitesync_contract::FailureClass;
use suitesync_git::{FetchProgress, Tip};
use suitesync_loopback::{Change, Protocol, SshFault};
use suitesync_reach::TimeLimits;

use super::world::SshWorld;
use crate::support::{fsck, read_files};

/// Twenty commits, each fetched and read as it comes.
async fn check_updates(protocol: Protocol) {
    let world = SshWorld::with(|options| options.protocol(protocol), TimeLimits::default());
    let remote = world.remote();
    let mut mirror = world.mirror(&remote).await;
    for number in 0..20 {
        let commit = world.commit("Test Cases/login.tc", format!("<login>{number}</login>").as_bytes());
        assert_eq!(world.main(&remote).await.unwrap(), Tip::Commit(commit));
        mirror.fetch(&remote, &[commit], &mut |_: FetchProgress| {}, &world.cancel).await.unwrap();
        let files = read_files(&mut mirror, commit, "Test Cases").await.unwrap();
        assert_eq!(files["Test Cases/login.tc"], format!("<login>{number}</login>"));
    }
    assert_eq!(world.server.connections(), 1);
}

#[tokio::test]
async fn twenty_updates_are_fetched_over_version_2() {
    check_updates(Protocol::V2).await;
}

#[tokio::test]
async fn twenty_updates_are_fetched_over_version_0() {
    check_updates(Protocol::V0).await;
}

#[tokio::test]
async fn whole_commits_are_fetched_where_parts_are_not_given() {
    for protocol in [Protocol::V2, Protocol::V0] {
        let set = |options: suitesync_loopback::SshOptions| {
            options.protocol(protocol).git_config("uploadpack.allowFilter", "false")
        };
        let world = SshWorld::with(set, TimeLimits::default());
        let remote = world.remote();
        let commit = world.commit("Test Cases/logout.tc", b"<logout/>");
        let mut mirror = world.mirror(&remote).await;
        mirror.fetch(&remote, &[commit], &mut |_: FetchProgress| {}, &world.cancel).await.unwrap();
        assert_eq!(fsck(&mirror, &[commit]), "");
    }
}

/// Some megabytes that do not compress, so that a fetch takes its time.
fn large_changes() -> Vec<Change> {
    let mut random = random_bytes(7);
    (0..24)
        .map(|number| {
            let content: Vec<u8> = (0..1 << 19).map(|_| random()).collect();
            Change::write(format!("large/{number}.bin"), &content)
        })
        .collect()
}

/// Bytes of a small generator (xorshift64).
fn random_bytes(mut seed: u64) -> impl FnMut() -> u8 {
    move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as u8
    }
}

#[tokio::test]
async fn a_large_pack_comes_whole() {
    let set = |options: suitesync_loopback::SshOptions| options.git_config("uploadpack.allowFilter", "false");
    let world = SshWorld::with(set, TimeLimits::default());
    let commit = world.repository.commit("main", "large", &large_changes()).unwrap().parse().unwrap();
    let remote = world.remote();
    let mut mirror = world.mirror(&remote).await;
    mirror.fetch(&remote, &[commit], &mut |_: FetchProgress| {}, &world.cancel).await.unwrap();
    assert_eq!(fsck(&mirror, &[commit]), "");
    assert!(remote.transfer().received_bytes > 12 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_fetch_ends_within_200_ms_of_a_cancel_and_leaves_the_session_to_others() {
    let set = |options: suitesync_loopback::SshOptions| options.git_config("uploadpack.allowFilter", "false");
    let world = SshWorld::with(set, TimeLimits::default());
    let commit = world.repository.commit("main", "large", &large_changes()).unwrap().parse().unwrap();
    let (remote, cancel) = (world.remote(), world.cancel.child_token());
    let mut mirror = world.mirror(&remote).await;
    let mut canceled_at = None;
    let mut on_progress = |_: FetchProgress| {
        canceled_at.get_or_insert_with(Instant::now);
        cancel.cancel();
    };
    let failure = mirror.fetch(&remote, &[commit], &mut on_progress, &cancel).await.unwrap_err();
    let took = canceled_at.unwrap().elapsed();
    assert_eq!(failure.class, FailureClass::Canceled);
    assert!(took < Duration::from_millis(200), "{took:?}");
    assert_eq!(world.main(&remote).await.unwrap(), Tip::Commit(commit));
    assert_eq!(world.server.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_says_nothing_is_left_within_200_ms_of_a_cancel() {
    let world = SshWorld::new();
    world.main(&world.remote()).await.unwrap();
    world.server.set_fault(&SshFault::Silent).unwrap();
    let (remote, cancel) = (world.remote(), world.cancel.child_token());
    let canceling = cancel.clone();
    let polling = tokio::spawn(async move { super::world::main_of(&remote, &canceling).await });
    tokio::task::block_in_place(|| assert!(world.server.wait_for_commands(3, Duration::from_secs(10))));
    let canceled_at = Instant::now();
    cancel.cancel();
    assert_eq!(polling.await.unwrap().unwrap_err().class, FailureClass::Canceled);
    assert!(canceled_at.elapsed() < Duration::from_millis(200));
    world.server.clear_fault();
    assert!(world.main(&world.remote()).await.is_ok());
    assert_eq!(world.server.connections(), 1);
}
