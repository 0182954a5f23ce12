//! What refs point to, and what asking costs.

use suitesync_contract::{FailureClass, RefSpec};
use suitesync_git::Tip;
use suitesync_loopback::Fault;

use crate::support::{PATH, V0_FILTER, V2_FILTER, World, token};

#[tokio::test]
async fn a_poll_of_a_known_remote_is_one_request() {
    let world = World::with_commit();
    let first = world.main(&world.remote()).await;
    world.server.reset_counters();
    let remote = world.remote();
    let wanted = [RefSpec::Default, RefSpec::Branch("main".to_owned())];
    let resolved = remote.resolve(&wanted, &world.cancel).await.unwrap();
    assert!(resolved.tips.iter().all(|(_, tip)| *tip == first));
    assert_eq!(world.server.request_count(), 1);
    assert_eq!(world.server.count("POST", &format!("{PATH}/git-upload-pack")), 1);
    assert_eq!(remote.transfer().requests, 1);
    assert_eq!(remote.transfer().received_bytes, world.server.bytes_sent());
    assert!(world.server.bytes_sent() < 300, "{}", world.server.bytes_sent());
}

#[tokio::test]
async fn the_cost_of_a_poll_does_not_grow_with_the_number_of_branches() {
    let world = World::with_commit();
    (0..300).for_each(|number| world.repository.branch(&format!("topic/{number}"), "main").unwrap());
    world.main(&world.remote()).await.unwrap();
    world.server.reset_counters();
    world.main(&world.remote()).await.unwrap();
    assert!(world.server.bytes_sent() < 300, "{}", world.server.bytes_sent());
}

#[tokio::test]
async fn connections_are_kept_between_polls() {
    let world = World::with_commit();
    for _ in 0..5 {
        world.main(&world.remote()).await.unwrap();
    }
    assert_eq!(world.server.connections(), 1);
}

#[tokio::test]
async fn a_missing_branch_is_not_found_and_the_nearest_ones_are_named() {
    let world = World::with_commit();
    world.repository.branch("release", "main").unwrap();
    let failure = world.tip(&world.remote(), RefSpec::Branch("mian".to_owned())).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RefNotFound);
    assert!(failure.message.contains("`mian`"), "{failure}");
    assert!(failure.hint.contains("`main`, `release`"), "{}", failure.hint);
}

#[tokio::test]
async fn one_missing_ref_does_not_hide_the_others() {
    let world = World::with_commit();
    let wanted = [RefSpec::Tag("v9".to_owned()), RefSpec::Default];
    let resolved = world.remote().resolve(&wanted, &world.cancel).await.unwrap();
    assert_eq!(resolved.tips[0].1.as_ref().unwrap_err().class, FailureClass::RefNotFound);
    assert!(resolved.tips[1].1.is_ok());
}

#[tokio::test]
async fn a_ref_that_stays_missing_costs_no_look_at_all_refs_until_it_is_there() {
    let world = World::with_commit();
    (0..300).for_each(|number| world.repository.branch(&format!("topic/{number}"), "main").unwrap());
    let wanted = ["main", "topic/3O0"].map(|name| RefSpec::Branch(name.to_owned()));
    let first = world.remote().resolve(&wanted, &world.cancel).await.unwrap();
    world.commit("main", "second", b"2");
    world.server.reset_counters();
    let second = world.remote().resolve(&wanted, &world.cancel).await.unwrap();
    assert_eq!(second.tips[1], first.tips[1]);
    assert_ne!(second.tips[0], first.tips[0]);
    assert_eq!(world.server.request_count(), 1);
    assert!(world.server.bytes_sent() < 300, "{}", world.server.bytes_sent());
    world.repository.branch("topic/3O0", "main").unwrap();
    let third = world.remote().resolve(&wanted, &world.cancel).await.unwrap();
    assert_eq!(third.tips[1].1, second.tips[0].1);
}

#[tokio::test]
async fn an_empty_repository_costs_one_request_and_what_comes_is_seen() {
    for setup in [V2_FILTER, V0_FILTER] {
        let world = World::served(setup);
        for _ in 0..2 {
            world.server.reset_counters();
            assert_eq!(world.main(&world.remote()).await, Ok(Tip::Empty));
        }
        assert_eq!(world.server.request_count(), 1);
        world.commit("other", "x", b"x");
        let failure = world.main(&world.remote()).await.unwrap_err();
        assert!(failure.hint.contains("`other`"), "{}", failure.hint);
        let commit = world.commit("main", "x", b"x");
        assert_eq!(world.main(&world.remote()).await, Ok(Tip::Commit(commit)));
    }
}

#[tokio::test]
async fn a_branch_is_not_taken_for_another_that_begins_like_it() {
    let world = World::with_commit();
    let longer = world.commit("main-2", "other", b"other");
    let main = world.main(&world.remote()).await.unwrap();
    assert_ne!(main, Tip::Commit(longer));
}

#[tokio::test]
async fn an_empty_repository_is_empty_and_no_failure() {
    let world = World::empty();
    assert_eq!(world.tip(&world.remote(), RefSpec::Default).await, Ok(Tip::Empty));
    assert_eq!(world.main(&world.remote()).await, Ok(Tip::Empty));
    let failure = world.tip(&world.remote(), RefSpec::Tag("v1".to_owned())).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RefNotFound);
}

#[tokio::test]
async fn a_head_without_its_branch_is_not_found_while_others_exist() {
    let world = World::with_commit();
    world.repository.set_head("gone").unwrap();
    let failure = world.tip(&world.remote(), RefSpec::Default).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RefNotFound);
    assert!(failure.hint.contains("`main`"), "{}", failure.hint);
}

#[tokio::test]
async fn a_known_remote_that_surprises_is_learnt_anew() {
    let world = World::with_commit();
    world.main(&world.remote()).await.unwrap();
    world.server.set_fault_times(&format!("{PATH}/git-upload-pack"), Fault::status(404), 1);
    assert!(world.main(&world.remote()).await.is_ok());
}

#[tokio::test]
async fn a_redirect_on_the_own_origin_is_followed_and_remembered() {
    let world = World::with_commit();
    let moved = world.server.url(&format!("{PATH}/info/refs"));
    world.server.set_fault("/old/name/info/refs", Fault::Redirect(format!("{moved}?service=git-upload-pack")));
    let old = world.server.url("/old/name");
    let remote = || world.remote_at(&old, suitesync_contract::Provider::Git, Some(token(crate::support::TOKEN)));
    assert!(world.main(&remote()).await.is_ok());
    world.server.reset_counters();
    assert!(world.main(&remote()).await.is_ok());
    assert_eq!(world.server.request_count(), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_in_between_is_no_failure() {
    let world = World::with_commit();
    world.main(&world.remote()).await.unwrap();
    world.server.set_fault_times("", Fault::Reset, 1);
    assert!(world.main(&world.remote()).await.is_ok());
}

#[tokio::test]
async fn a_poll_of_a_server_of_protocol_v0_is_one_look_at_its_advertisement() {
    let world = World::served(V0_FILTER);
    let commit = world.commit("main", "x", b"x");
    for _ in 0..2 {
        world.server.reset_counters();
        assert_eq!(world.main(&world.remote()).await, Ok(Tip::Commit(commit)));
        assert_eq!((world.server.request_count(), world.server.count("GET", &format!("{PATH}/info/refs"))), (1, 1));
    }
}
