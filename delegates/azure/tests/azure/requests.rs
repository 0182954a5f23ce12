//! What is sent.

use suitesync_contract::FailureClass;
use suitesync_loopback::RequestRecord;

use crate::answers;
use crate::support::{CLONE, IDENTITY, REPOSITORY, TOKEN, World};

/// A token of the shape of Entra ID's.
const WEB_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl";

fn header<'a>(request: &'a RequestRecord, name: &str) -> &'a str {
    request.header(name).unwrap_or_default()
}

#[tokio::test]
async fn every_request_asks_for_json_and_for_no_sign_in_page() {
    let world = World::healthy();
    world.probe().await.unwrap();
    for request in world.server.requests() {
        assert_eq!(header(&request, "authorization"), "Basic OmEtdG9rZW4tZm9yLXRlc3Rz");
        assert_eq!(header(&request, "accept"), "application/json");
        assert_eq!(header(&request, "x-tfs-fedauthredirect"), "Suppress");
        assert!(header(&request, "user-agent").starts_with("suitesync/"), "{request:?}");
    }
    assert_eq!(world.queries(IDENTITY), ["connectOptions=1&api-version=7.1-preview.1"]);
    assert_eq!(world.queries(REPOSITORY), ["api-version=7.1"]);
}

#[tokio::test]
async fn a_token_of_the_shape_of_entra_ids_is_a_bearer() {
    let world = World::healthy();
    world.api_with(WEB_TOKEN).probe(&world.cancel).await.unwrap();
    for request in world.server.requests() {
        assert_eq!(header(&request, "authorization"), format!("Bearer {WEB_TOKEN}"));
    }
}

#[tokio::test]
async fn names_with_blanks_and_signs_reach_the_server_whole() {
    let world = World::healthy();
    let path = "/contoso/My Project/_apis/git/repositories/50% é";
    world.says(path, answers::repository("My Project", "50% é", false));
    let clone_url = world.server.url("/contoso/My Project/_git/50% é");
    let api = world.api_at(&world.server.url("/contoso"), &clone_url, TOKEN).unwrap();
    let report = api.probe(&world.cancel).await.unwrap();
    assert_eq!(report.repository.name, "50% é");
    assert_eq!(world.requests_for(path).len(), 1);
}

#[tokio::test]
async fn a_token_does_not_travel_unencrypted() {
    let world = World::healthy();
    let http = |url: String| url.replace("https://", "http://");
    let (url, repository) = (http(world.server.url("/contoso")), http(world.server.url(CLONE)));
    let failure = world.api_at(&url, &repository, TOKEN).unwrap_err();
    assert_eq!(failure.class, FailureClass::AuthMissing);
    assert!(failure.hint.contains("allow_plain_http"), "{}", failure.hint);
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused_before_anything_is_sent() {
    let world = World::healthy();
    let (url, repository) = (world.server.url("/contoso"), world.server.url(CLONE));
    let check = |url: &str, class: FailureClass| {
        let failure = world.api_at(url, &repository, TOKEN).unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    };
    check("contoso", FailureClass::Internal);
    check(&format!("{url}?a=b"), FailureClass::Internal);
    assert_eq!(world.server.request_count(), 0);
}

#[tokio::test]
async fn a_repository_that_is_cloned_over_ssh_is_asked_about_at_the_api() {
    let world = World::healthy();
    let over_ssh = "ssh://git@git.example.org:2222/contoso/payments/_git/checkout";
    let api = world.api_at(&world.server.url("/contoso"), over_ssh, TOKEN).unwrap();
    assert_eq!(api.probe(&world.cancel).await.unwrap().repository.name, "checkout");
    world.says(REPOSITORY, answers::page(403, "Forbidden"));
    let failure = api.probe(&world.cancel).await.unwrap_err();
    assert!(failure.message.contains(&world.server.url(CLONE)), "{failure}");
}
