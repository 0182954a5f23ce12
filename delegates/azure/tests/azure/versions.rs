//! Servers of all ages are asked in a version that they know, and what was learnt is kept.

use suitesync_contract::FailureClass;

use crate::answers::{self, Answer};
use crate::support::{IDENTITY, REPOSITORY, World};

fn out_of_range() -> Answer {
    answers::error(400, "VssVersionOutOfRangeException", "The requested version is out of range for this server.")
}

fn preview_required() -> Answer {
    answers::error(400, "VssInvalidPreviewVersionException", "The -preview flag must be supplied.")
}

#[tokio::test]
async fn an_older_server_is_asked_for_older_versions_and_the_one_it_takes_is_remembered() {
    let world = World::healthy();
    world.says_first(IDENTITY, out_of_range(), 2);
    world.probe().await.unwrap();
    world.probe().await.unwrap();
    let asked = |version: &str| format!("connectOptions=1&api-version={version}");
    let versions = ["7.1-preview.1", "7.0-preview.1", "6.0-preview.1", "6.0-preview.1"].map(asked);
    assert_eq!(world.queries(IDENTITY), versions);
    assert_eq!(world.queries(REPOSITORY), ["api-version=6.0"; 2]);
}

#[tokio::test]
async fn a_resource_that_is_a_preview_on_this_server_is_asked_for_as_one_from_then_on() {
    let world = World::healthy();
    world.says_first(REPOSITORY, preview_required(), 1);
    world.probe().await.unwrap();
    world.probe().await.unwrap();
    let versions = ["7.1", "7.1-preview.1", "7.1-preview.1"].map(|version| format!("api-version={version}"));
    assert_eq!(world.queries(REPOSITORY), versions);
}

#[tokio::test]
async fn a_server_that_takes_no_known_version_is_said_to_be_too_old() {
    let world = World::healthy();
    world.says(IDENTITY, out_of_range());
    let failure = world.probe().await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Protocol, "{failure}");
    assert!(failure.hint.contains("Server 2019 or newer"), "{}", failure.hint);
    assert_eq!(world.requests_for(IDENTITY).len(), 5);
}

#[tokio::test]
async fn a_preview_that_is_not_enough_ends_the_search() {
    let world = World::healthy();
    world.says(REPOSITORY, preview_required());
    let failure = world.probe().await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Protocol, "{failure}");
    assert_eq!(world.queries(REPOSITORY), ["api-version=7.1", "api-version=7.1-preview.1"]);
}
