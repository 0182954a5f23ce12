//! A repository that lives on, seen through every kind of server: whatever its refs do, the files can be read.

use suitesync_contract::{FailureClass, ObjectId, RefSpec};
use suitesync_loopback::Change;

use crate::support::{
    Files, SETUPS, Setup, V0_BARE, V0_FILTER, V0_NO_SINGLE_OBJECTS, V0_REACHABLE, V2_FILTER, V2_PLAIN, World, fsck,
};

fn main() -> RefSpec {
    RefSpec::Branch("main".to_owned())
}

/// A repository with tests in one folder and more in another.
fn started(setup: Setup) -> (World, Files) {
    let world = World::served(setup);
    let file = |folder: &str, number| (format!("{folder}/{number}.tc"), format!("<{folder} {number}/>"));
    let files: Files = (0..30).map(|number| file("tests", number)).collect();
    let others = (0..30).map(|number| file("other", number));
    let changes: Vec<_> =
        files.clone().into_iter().chain(others).map(|(path, text)| Change::write(path, text)).collect();
    world.commit_all("main", &changes);
    (world, files)
}

async fn check_twenty_updates(setup: Setup) {
    let (world, mut files) = started(setup);
    for round in 0..20 {
        let (path, text) = (format!("tests/{}.tc", round % 7), format!("<round {round}/>"));
        world.commit_all("main", &[Change::write(&path, &text), Change::write(format!("other/{round}.tc"), &text)]);
        files.insert(path, text);
        assert_eq!(world.sync(main(), "tests/").await.as_ref(), Ok(&files), "{setup:?}: round {round}");
    }
    let mirror = world.mirror(&world.remote()).await;
    let commit: ObjectId = world.repository.resolve("main").unwrap().parse().unwrap();
    assert_eq!((mirror.rebuilt(), fsck(&mirror, &[commit])), (None, String::new()), "{setup:?}");
}

#[tokio::test]
async fn twenty_updates_in_a_row_are_read_with_v2() {
    check_twenty_updates(V2_FILTER).await;
    check_twenty_updates(V2_PLAIN).await;
}

#[tokio::test]
async fn twenty_updates_in_a_row_are_read_with_v0_and_filter() {
    check_twenty_updates(V0_FILTER).await;
    check_twenty_updates(V0_REACHABLE).await;
}

#[tokio::test]
async fn twenty_updates_in_a_row_are_read_with_v0_and_no_single_objects() {
    check_twenty_updates(V0_NO_SINGLE_OBJECTS).await;
    check_twenty_updates(V0_BARE).await;
}

#[tokio::test]
async fn a_branch_may_move_back_and_be_pushed_by_force() {
    for setup in SETUPS {
        let (world, files) = started(setup);
        let first = world.repository.resolve("main").unwrap();
        world.commit("main", "tests/new.tc", b"<new/>");
        assert_eq!(world.sync(main(), "tests/").await.unwrap().len(), 31, "{setup:?}");
        world.repository.branch("main", &first).unwrap();
        assert_eq!(world.sync(main(), "tests/").await.as_ref(), Ok(&files), "{setup:?}");
        let unrelated = world.commit("unrelated", "tests/only.tc", b"<only/>");
        world.repository.branch("main", &unrelated.to_string()).unwrap();
        let only = Files::from([("tests/only.tc".to_owned(), "<only/>".to_owned())]);
        assert_eq!(world.sync(main(), "tests/").await, Ok(only), "{setup:?}");
    }
}

#[tokio::test]
async fn a_branch_may_be_deleted_and_come_back() {
    for setup in SETUPS {
        let (world, files) = started(setup);
        let first = world.repository.resolve("main").unwrap();
        world.repository.branch("keep", &first).unwrap();
        world.sync(main(), "tests/").await.unwrap();
        world.repository.delete_ref("refs/heads/main").unwrap();
        let failure = world.sync(main(), "tests/").await.unwrap_err();
        assert_eq!(failure.class, FailureClass::RefNotFound, "{setup:?}: {failure}");
        world.repository.branch("main", &first).unwrap();
        assert_eq!(world.sync(main(), "tests/").await.as_ref(), Ok(&files), "{setup:?}");
    }
}

#[tokio::test]
async fn tags_and_commit_ids_are_read() {
    for setup in SETUPS {
        let (world, files) = started(setup);
        let old = world.repository.resolve("main").unwrap();
        world.repository.tag("light", &old).unwrap();
        world.repository.annotated_tag("annotated", &old).unwrap();
        world.commit("main", "tests/new.tc", b"<new/>");
        for reference in [
            RefSpec::Tag("light".to_owned()),
            RefSpec::Tag("annotated".to_owned()),
            RefSpec::Commit(old.parse().unwrap()),
        ] {
            let read = world.sync(reference.clone(), "tests/").await;
            assert_eq!(read.as_ref(), Ok(&files), "{setup:?}: {reference}");
        }
    }
}

#[tokio::test]
async fn an_unchanged_repository_costs_one_request() {
    for setup in SETUPS {
        let (world, _) = started(setup);
        world.sync(main(), "tests/").await.unwrap();
        world.server.reset_counters();
        world.sync(main(), "tests/").await.unwrap();
        assert_eq!(world.server.request_count(), 1, "{setup:?}");
    }
}

#[tokio::test]
async fn an_empty_repository_is_empty_on_every_server() {
    for setup in SETUPS {
        let world = World::served(setup);
        assert_eq!(world.sync(main(), "").await, Ok(Files::new()), "{setup:?}");
        assert_eq!(world.sync(RefSpec::Default, "").await, Ok(Files::new()), "{setup:?}");
    }
}
