//! Servers that are silent, slow, cut off or endless cost no more than their time limits.

use std::time::{Duration, Instant};

use suitesync_contract::FailureClass;
use suitesync_loopback::Fault;

use crate::answers;
use crate::support::{IDENTITY, World};

#[tokio::test]
async fn a_silent_server_is_given_up_at_the_limit() {
    let world = World::impatient();
    world.server.set_fault(IDENTITY, Fault::SilentAfterRequest);
    let failure = world.probe().await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Timeout, "{failure}");
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up_at_the_limit() {
    let world = World::impatient();
    world.server.set_fault("", Fault::SilentAfterAccept);
    let failure = world.probe().await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Timeout, "{failure}");
}

#[tokio::test]
async fn a_connection_that_is_reset_is_a_failure_to_connect() {
    let world = World::impatient();
    world.server.set_fault(IDENTITY, Fault::Reset);
    let failure = world.probe().await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Connect, "{failure}");
}

#[tokio::test]
async fn an_endless_answer_is_bounded() {
    let world = World::healthy();
    world.says(IDENTITY, answers::json(200, "x".repeat((16 << 20) + 1)));
    let failure = world.probe().await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Protocol, "{failure}");
    assert!(failure.message.contains("larger than 16 MiB"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_a_request_under_way() {
    let world = World::healthy();
    world.server.set_fault(IDENTITY, Fault::SilentAfterRequest);
    let (api, cancel) = (world.api(), world.cancel.clone());
    let probe = tokio::spawn(async move { api.probe(&cancel).await });
    let asked = || world.server.wait_for_requests(1, Duration::from_secs(5));
    assert!(tokio::task::block_in_place(asked));
    let start = Instant::now();
    world.cancel.cancel();
    assert_eq!(probe.await.unwrap().unwrap_err().class, FailureClass::Canceled);
    assert!(start.elapsed() < Duration::from_secs(2));
}
