//! What a test of API access finds where nothing is refused, and what it makes of an answer that is good in form only.

use suitesync_contract::FailureClass;

use crate::answers;
use crate::support::{CLONE, IDENTITY, LIST, REPOSITORY, TOKEN, World};

#[tokio::test]
async fn a_good_token_is_reported_with_its_owner_and_the_repository() {
    let world = World::healthy();
    let report = world.probe().await.unwrap();
    assert_eq!(report.identity.as_deref(), Some("Ada Example"));
    assert_eq!(report.detail, "signed in as Ada Example, may read checkout in payments");
    assert_eq!(report.address.url(), world.server.url("/contoso"));
    assert_eq!(report.repository.project.name, "payments");
    assert_eq!(report.repository.default_branch.as_deref(), Some("refs/heads/main"));
    assert_eq!(report.retry_after, None);
    assert_eq!(world.server.request_count(), 2);
}

#[tokio::test]
async fn a_user_without_a_display_name_is_known_by_the_account() {
    let world = World::healthy();
    world.says(IDENTITY, answers::identity(" "));
    assert_eq!(world.probe().await.unwrap().identity.as_deref(), Some("ada@example.org"));
}

#[tokio::test]
async fn an_anonymous_identity_is_a_rejected_token() {
    for id in ["aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "00000000-0000-0000-0000-000000000000"] {
        let world = World::healthy();
        world.says(IDENTITY, answers::identity_with_id(id, "Anonymous"));
        let failure = world.probe().await.unwrap_err();
        assert_eq!(failure.class, FailureClass::AuthRejected, "{failure}");
        assert_eq!(world.requests_for(REPOSITORY).len(), 0);
    }
}

#[tokio::test]
async fn a_disabled_repository_is_told_apart_by_the_list_of_its_project() {
    let world = World::healthy();
    let check = async |listed: &[(&str, bool)], message: &str, hint: &str| {
        world.says(LIST, answers::repositories(listed));
        world.says(REPOSITORY, answers::error(404, "GitRepositoryNotFoundException", "TF401019: not there"));
        let failure = world.probe().await.unwrap_err();
        assert_eq!(failure.class, FailureClass::RepositoryNotFound, "{failure}");
        assert!(failure.message.contains(message), "{failure}");
        assert!(failure.hint.contains(hint), "{}", failure.hint);
    };
    check(&[("other", false), ("Checkout", true)], "it is disabled", "enable it under Repositories").await;
    check(&[("checkout", false)], "missing, disabled, or not to be seen", "not disabled").await;
    check(
        &[("other", false)],
        "not there; others in the project that the token sees: 1",
        "check the repository's name",
    )
    .await;
}

#[tokio::test]
async fn a_repository_that_is_shown_as_disabled_is_disabled() {
    let world = World::healthy();
    world.says(REPOSITORY, answers::repository("payments", "checkout", true));
    let failure = world.probe().await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RepositoryNotFound);
    assert!(failure.message.ends_with("it is disabled"), "{failure}");
}

#[tokio::test]
async fn json_without_what_is_promised_is_a_breach_of_protocol() {
    let world = World::healthy();
    for body in ["{}", "[]", "", "{\"authenticatedUser\":", "null"] {
        world.says(IDENTITY, answers::json(200, body));
        let failure = world.probe().await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Protocol, "{body:?} {failure}");
    }
}

#[tokio::test]
async fn failures_name_host_and_delegate_and_never_the_token() {
    let world = World::healthy();
    world.says(IDENTITY, answers::error(401, "UnauthorizedRequestException", "TF400813: not authorized"));
    let failure = world.probe().await.unwrap_err();
    let expect = format!("failed to read {} from delegate local: ", world.server.url(CLONE));
    assert!(failure.message.starts_with(&expect), "{failure}");
    assert!(!format!("{failure:?} {:?}", world.api()).contains(TOKEN));
}
