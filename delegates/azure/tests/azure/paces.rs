//! A server that asks for time gets it.

use std::time::{Duration, Instant};

use suitesync_contract::FailureClass;

use crate::answers;
use crate::support::{IDENTITY, REPOSITORY, World};

#[tokio::test]
async fn a_wait_asked_for_with_a_good_answer_delays_the_next_request_and_repeats_none() {
    let world = World::healthy();
    world.says(IDENTITY, answers::identity("Ada Example").header("Retry-After", "1"));
    let start = Instant::now();
    world.probe().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(990), "{:?}", start.elapsed());
    assert_eq!(world.requests_for(IDENTITY).len(), 1);
}

#[tokio::test]
async fn a_wait_longer_than_a_task_is_told_and_nothing_is_sent() {
    let world = World::healthy();
    world.says(IDENTITY, answers::identity("Ada Example").header("Retry-After", "600"));
    for _ in 0..2 {
        let failure = world.probe().await.unwrap_err();
        assert_eq!(failure.class, FailureClass::RateLimited, "{failure}");
        assert!(failure.retry_after.is_some_and(|seconds| (590..=600).contains(&seconds)), "{failure:?}");
    }
    assert_eq!(world.server.request_count(), 1);
}

#[tokio::test]
async fn a_wait_asked_for_with_the_last_answer_is_reported() {
    let world = World::healthy();
    world.says(REPOSITORY, answers::repository("payments", "checkout", false).header("Retry-After", "20"));
    let report = world.probe().await.unwrap();
    assert!(report.retry_after.is_some_and(|seconds| (15..=20).contains(&seconds)), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_ends_the_wait() {
    let world = World::healthy();
    world.says(IDENTITY, answers::identity("Ada Example").header("Retry-After", "25"));
    let start = Instant::now();
    let (api, cancel) = (world.api(), world.cancel.clone());
    let probe = tokio::spawn(async move { api.probe(&cancel).await });
    let answered = || world.server.wait_for_requests(1, Duration::from_secs(5));
    assert!(tokio::task::block_in_place(answered));
    world.cancel.cancel();
    assert_eq!(probe.await.unwrap().unwrap_err().class, FailureClass::Canceled);
    assert!(start.elapsed() < Duration::from_secs(10));
}
