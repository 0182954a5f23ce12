//! The actor on a catalog of its own, with a delegate that a test answers for.

mod desk;

use desk::{Desk, ONE_LINK};

use super::super::control::{RefusalKind, ReloadOutcome};

/// Another link of the same repository.
const ANOTHER_LINK: &str = r#"
    [[link]]
    name = "shop-tests"
    connection = "server"
    url = "https://git.example/shop.git"
    directory = "tests"
    sync_every = "24h"
"#;

#[tokio::test]
async fn a_configuration_that_cannot_be_recorded_is_taken_up_once_it_can() {
    let desk = Desk::start(ONE_LINK).await;
    desk.forbid("link", "INSERT ON link").await;
    let another = ONE_LINK.to_owned() + ANOTHER_LINK;
    let refused = desk.reload(&another).await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Unrecorded, "{refused:?}");
    let state = desk.control.state().await.unwrap();
    assert_eq!(state.generation, 1);
    desk.allow("link").await;
    assert_eq!(desk.reload(&another).await.unwrap().outcome, ReloadOutcome::Applied);
    let state = desk.control.state().await.unwrap();
    assert_eq!(state.generation, 2);
}

#[tokio::test]
async fn a_link_that_comes_while_its_repository_is_synced_is_synced_at_once_after_that() {
    let mut desk = Desk::start(ONE_LINK).await;
    let first = desk.next_sync().await;
    desk.reload(&(ONE_LINK.to_owned() + ANOTHER_LINK)).await.unwrap();
    desk.settle().await;
    assert_eq!(first.links(), ["shop"]);
    first.answer();
    assert_eq!(desk.next_sync().await.links(), ["shop", "shop-tests"]);
}
