//! What one delegate cannot do another one tries.

use super::*;
use crate::engine::delegate::DelegateStatus;

/// Hosts that each delegate leaves alone.
fn backs_off(floor: &Floor) -> Vec<usize> {
    floor.dispatcher.views().iter().map(|view| view.backs_off.len()).collect()
}

#[tokio::test]
async fn one_that_cannot_connect_hands_over_and_leaves_the_host_to_others_for_a_while() {
    let mut floor = Floor::new(&["a", "b"]);
    let first = floor.submit(sync(), &[]);
    floor.answer("a", Answer::Unconnected).await;
    let [reassigned] = floor.reassigned.as_slice() else { panic!("{:?}", floor.reassigned) };
    assert_eq!((reassigned.from.as_str(), reassigned.to.as_ref().unwrap().as_str()), ("a", "b"));
    floor.answer("b", Answer::Done).await;
    assert_eq!(floor.end_of(first), (Some("b"), "done"));
    assert_eq!(backs_off(&floor), [1, 0]);
    let second = floor.submit(probe(), &[]);
    floor.answer("b", Answer::Done).await;
    assert_eq!(floor.end_of(second), (Some("b"), "done"));
}

#[tokio::test]
async fn a_failure_that_everybody_shares_is_the_outcome() {
    let mut floor = Floor::new(&["a", "b"]);
    let task = floor.submit(probe(), &[]);
    floor.answer("a", Answer::Unconnected).await;
    floor.answer("b", Answer::Unconnected).await;
    assert_eq!(floor.end_of(task), (Some("b"), "connect"));
    let refused = floor.submit(sync(), &["a"]);
    floor.answer("a", Answer::Rejected).await;
    assert_eq!(floor.end_of(refused), (Some("a"), "auth_rejected"));
}

#[tokio::test]
async fn the_only_one_that_can_be_asked_never_backs_off() {
    let mut floor = Floor::new(&["a", "b"]);
    let task = floor.submit(sync(), &["a"]);
    floor.answer("a", Answer::Unconnected).await;
    assert_eq!(floor.end_of(task), (Some("a"), "connect"));
    assert_eq!(backs_off(&floor), [0, 0]);
}

#[tokio::test]
async fn an_attempt_that_failed_counts_when_the_last_one_to_try_is_gone() {
    let mut floor = Floor::new(&["a", "b"]);
    let task = floor.submit(sync(), &[]);
    floor.answer("a", Answer::Unconnected).await;
    floor.delegate("b").set(DelegateStatus::Lost);
    floor.answer("b", Answer::Lost).await;
    assert_eq!(floor.end_of(task), (Some("a"), "connect"));
}

#[tokio::test]
async fn a_task_is_tried_so_often_and_a_run_that_was_begun_once() {
    let mut floor = Floor::new(&["a"]);
    let (task, unbegun, begun) = (floor.submit(sync(), &[]), floor.submit(run(), &[]), floor.submit(run(), &[]));
    for answer in [Answer::Lost, Answer::Lost, Answer::LostOnceBegun] {
        floor.answer("a", answer).await;
    }
    assert_eq!(floor.end_of(begun), (Some("a"), "delegate_lost"));
    for answer in [Answer::Panic, Answer::Done, Answer::Lost] {
        floor.answer("a", answer).await;
    }
    assert_eq!(floor.end_of(task), (Some("a"), "delegate_lost"));
    assert_eq!(floor.end_of(unbegun), (Some("a"), "done"));
    assert_eq!(floor.reassigned.len(), 3);
}

#[tokio::test]
async fn what_a_delegate_cancels_as_it_ends_another_one_does_unless_it_was_to_be_canceled() {
    let mut floor = Floor::new(&["a", "b"]);
    let task = floor.submit(run(), &[]);
    floor.answer("a", Answer::Stopped).await;
    floor.answer("b", Answer::Done).await;
    assert_eq!((floor.end_of(task), floor.reassigned.len()), ((Some("b"), "done"), 1));
    let unwanted = floor.submit(run(), &[]);
    floor.settle().await;
    floor.cancel.cancel();
    floor.settle().await;
    assert_eq!((floor.end_of(unwanted), floor.reassigned.len()), ((Some("b"), "canceled"), 1));
}

#[tokio::test]
async fn a_delegate_that_is_taken_out_and_comes_back_still_has_what_it_had() {
    let mut floor = Floor::new(&["a"]);
    let task = floor.submit(sync(), &[]);
    floor.settle().await;
    floor.hire(|_| false);
    floor.hire(|_| true);
    assert_eq!(floor.in_hand(), [1]);
    floor.answer("a", Answer::Done).await;
    assert_eq!((floor.end_of(task), floor.in_hand()), ((Some("a"), "done"), vec![0]));
}

#[tokio::test]
async fn what_a_drained_delegate_has_it_ends_and_the_rest_waits() {
    let mut floor = Floor::new(&["a"]);
    let first = floor.submit(sync(), &[]);
    floor.drain(&["a"]);
    let second = floor.submit(sync(), &[]);
    floor.answer("a", Answer::Done).await;
    assert_eq!((floor.end_of(first), floor.in_hand()), ((Some("a"), "done"), vec![0]));
    floor.drain(&[]);
    floor.answer("a", Answer::Done).await;
    assert_eq!(floor.end_of(second), (Some("a"), "done"));
}

#[tokio::test]
async fn whoever_waits_no_longer_hears_what_was_waited_for() {
    let mut floor = Floor::new(&["a"]);
    floor.delegate("a").set(DelegateStatus::Lost);
    let task = floor.submit(probe(), &[]);
    let ended = floor.dispatcher.give_up(task).unwrap();
    let failure = ended.outcome.result.unwrap_err();
    assert_eq!(failure.message, "no delegate could take it in time (a: lost)");
    assert!(floor.dispatcher.give_up(task).is_none());
}
