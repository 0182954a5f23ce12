//! How long sessions are kept, and what happens when one is lost.

use std::time::Duration;

use suitesync_contract::FailureClass;
use suitesync_git::{Remotes, Tip};
use suitesync_loopback::SshKeyKind;
use suitesync_reach::TimeLimits;

use super::world::{SshWorld, as_key, key, main_of};

#[tokio::test]
async fn a_session_that_was_cut_between_polls_is_made_anew() {
    let world = SshWorld::new();
    let remote = world.remote();
    for connections in 1..=3 {
        assert!(world.main(&remote).await.is_ok());
        assert_eq!(world.server.connections(), connections);
        world.server.close_connections();
    }
}

#[tokio::test]
async fn other_keys_and_policies_have_sessions_of_their_own() {
    let world = SshWorld::new();
    let other = key(SshKeyKind::Ecdsa);
    world.server.authorize(&other).unwrap();
    let mut pinned = world.known_hosts();
    pinned.fingerprints.push("SHA256:another".to_owned());
    for remote in [world.remote(), world.remote_as(as_key(&other, None)), world.remote_trusting(pinned)] {
        assert!(world.main(&remote).await.is_ok());
    }
    assert_eq!(world.server.connections(), 3);
    assert!(world.main(&world.remote()).await.is_ok());
    assert_eq!(world.server.connections(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_opens_one_channel_at_a_time_serves_many_polls() {
    let world = SshWorld::with(|options| options.max_sessions(1), TimeLimits::default());
    let polls = (0..12).map(|_| {
        let (remote, cancel) = (world.remote(), world.cancel.clone());
        tokio::spawn(async move { main_of(&remote, &cancel).await })
    });
    for poll in polls.collect::<Vec<_>>() {
        assert!(matches!(poll.await.unwrap(), Ok(Tip::Commit(_))));
    }
    assert_eq!(world.server.connections(), 1);
}

#[tokio::test]
async fn a_server_that_opens_no_channel_at_all_says_so() {
    let limits = TimeLimits { connect: Duration::from_secs(1), ..TimeLimits::default() };
    let world = SshWorld::with(|options| options.max_sessions(0), limits);
    let failure = world.main(&world.remote()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::ServerError, "{failure}");
}

#[tokio::test]
async fn sessions_end_with_the_remotes() {
    let mut world = SshWorld::new();
    world.main(&world.remote()).await.unwrap();
    assert_eq!(threads(), 1);
    world.remotes = Remotes::default();
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while threads() > 0 && std::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    assert_eq!(threads(), 0);
}

/// Threads of this process that drive a session; the test runner gives every test a process of its own.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter(|task| {
            std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "suitesync-ssh")
        })
        .count()
}

#[tokio::test]
async fn a_failed_login_is_shared_by_those_who_wait_for_it() {
    let world = SshWorld::new();
    let stranger = key(SshKeyKind::Ed25519);
    let polls = (0..8).map(|_| {
        let (remote, cancel) = (world.remote_as(as_key(&stranger, None)), world.cancel.clone());
        tokio::spawn(async move { main_of(&remote, &cancel).await })
    });
    for failed in polls.collect::<Vec<_>>() {
        assert_eq!(failed.await.unwrap().unwrap_err().class, FailureClass::AuthRejected);
    }
    assert_eq!(world.server.connections(), 1);
}
