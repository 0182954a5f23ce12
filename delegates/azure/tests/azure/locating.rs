//! A Server whose collection was looked for in the wrong place tells where it is.

use suitesync_azure::Api;
use suitesync_contract::FailureClass;

use crate::answers;
use crate::support::{TOKEN, World};

const CLONE: &str = "/tfs/Main/payments/_git/checkout";
const INFO: &str = "/tfs/Main/payments/_git/checkout/vsts/info";

/// A Server with the collection `Main` below the folder `tfs`.
fn world_with_folder() -> World {
    let world = World::empty(suitesync_reach::TimeLimits::default());
    world.says("/tfs/Main/_apis/connectionData", answers::identity("Ada Example"));
    world
        .says("/tfs/Main/payments/_apis/git/repositories/checkout", answers::repository("payments", "checkout", false));
    world.says(INFO, answers::info("Main", &world.server.url("/tfs/Main")));
    world
}

/// The API, looked for at a wrong place.
fn guessed(world: &World, url: &str) -> Api {
    world.api_at(&world.server.url(url), &world.server.url(CLONE), TOKEN).unwrap()
}

#[tokio::test]
async fn a_wrong_guess_is_put_right_by_what_the_clone_url_tells() {
    for wrong in ["/tfs", "/tfs/Main/payments", "/Main", ""] {
        let world = world_with_folder();
        let report = guessed(&world, wrong).probe(&world.cancel).await.unwrap();
        assert_eq!(report.address.url(), world.server.url("/tfs/Main"));
        assert_eq!((report.address.project(), report.address.repository()), ("payments", "checkout"));
        assert_eq!(world.requests_for(INFO).len(), 1);
        assert_eq!(world.queries(INFO), [""]);
    }
}

#[tokio::test]
async fn a_folder_that_answers_as_a_collection_is_found_out_by_the_repository() {
    let world = world_with_folder();
    world.says("/tfs/_apis/connectionData", answers::identity("Ada Example"));
    let nameless = answers::error(400, "ArgumentException", "A project is needed to name a repository.");
    world.says("/tfs/payments/_apis/git/repositories", nameless);
    let report = guessed(&world, "/tfs").probe(&world.cancel).await.unwrap();
    assert_eq!(report.address.url(), world.server.url("/tfs/Main"));
}

#[tokio::test]
async fn a_server_that_does_not_tell_leaves_the_first_reason_standing() {
    let world = world_with_folder();
    world.says(INFO, answers::not_found());
    let failure = guessed(&world, "/tfs").probe(&world.cancel).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::ProjectNotFound, "{failure}");
    assert!(failure.message.contains("no organization or collection answers at"), "{failure}");
}

#[tokio::test]
async fn no_server_leads_us_to_another_host() {
    let world = world_with_folder();
    world.says(INFO, answers::info("Main", "https://elsewhere.example.org/tfs/Main"));
    let address = guessed(&world, "/tfs").resolve(&world.cancel).await.unwrap();
    assert_eq!(address.url(), world.server.url("/tfs/Main"));
}

#[tokio::test]
async fn a_collection_that_the_clone_url_does_not_lie_in_is_refused() {
    let world = world_with_folder();
    for other in ["/tfs/Other", "/tfs/Main/payments/_git/checkout", "/elsewhere/tfs/Main"] {
        world.says(INFO, answers::info("Other", &world.server.url(other)));
        let failure = guessed(&world, "/tfs").resolve(&world.cancel).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Protocol, "{other} {failure}");
    }
}
