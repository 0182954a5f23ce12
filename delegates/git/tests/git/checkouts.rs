//! Files of a commit as they lie in a folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use suitesync_contract::{Failure, FailureClass, ObjectId};
use suitesync_git::{Limits, Mirror};
use suitesync_loopback::Change;
use tempfile::TempDir;

use crate::hostile_trees::{commit_tree, entry, write_object};
use crate::support::{SETUPS, V2_FILTER, World, connection};

/// A commit checked out as one who executes it does: fetched, completed and written.
async fn check_out(world: &World, mut mirror: Mirror, commit: ObjectId, directory: &str) -> Result<TempDir, Failure> {
    world.fetch(&mut mirror, &world.remote(), commit).await?;
    mirror.ensure_directory(commit, directory).await?;
    assert!(mirror.can_check_out(commit, directory).await?);
    let folder = tempfile::tempdir().unwrap();
    mirror.check_out(commit, directory, folder.path(), &world.cancel).await?;
    Ok(folder)
}

async fn checked_out(world: &World, commit: ObjectId, directory: &str) -> Result<TempDir, Failure> {
    check_out(world, world.mirror(&world.remote()).await, commit, directory).await
}

fn text(folder: &TempDir, path: &str) -> Option<String> {
    fs::read_to_string(folder.path().join(path)).ok()
}

#[tokio::test]
async fn what_lies_below_a_directory_is_written_with_whole_paths_whatever_the_server_sends() {
    for setup in SETUPS {
        let world = World::served(setup);
        let changes = [("top", "t"), ("tests/a", "a"), ("tests/deep/er/b", "b"), ("tests-not/c", "c")];
        let commit = world.commit_all("main", &changes.map(|(path, content)| Change::write(path, content)));
        let folder = checked_out(&world, commit, "tests").await.unwrap();
        assert_eq!(text(&folder, "tests/a").as_deref(), Some("a"), "{setup:?}");
        assert_eq!(text(&folder, "tests/deep/er/b").as_deref(), Some("b"), "{setup:?}");
        assert!(!folder.path().join("top").exists() && !folder.path().join("tests-not").exists());
        let whole = checked_out(&world, commit, "").await.unwrap();
        assert_eq!(text(&whole, "top").as_deref(), Some("t"), "{setup:?}");
    }
}

#[tokio::test]
async fn a_commit_whose_files_are_here_needs_no_server() {
    let world = World::with_commit();
    let commit = world.commit("main", "tests/a", b"a");
    checked_out(&world, commit, "tests").await.unwrap();
    world.server.reset_counters();
    let mirror = world.mirror(&world.remote()).await;
    assert!(mirror.can_check_out(commit, "tests").await.unwrap());
    assert!(!mirror.can_check_out(ObjectId::from_bytes([7; 20]), "tests").await.unwrap());
    assert_eq!(world.server.request_count(), 0);
}

#[tokio::test]
async fn files_keep_the_right_to_be_executed() {
    let world = World::with_commit();
    let blob = write_object(&world, "blob", b"#!/bin/sh\n");
    let tree = [entry("100755", b"run.sh", blob), entry("100644", b"text", blob)].concat();
    let commit = commit_tree(&world, write_object(&world, "tree", &tree));
    let folder = checked_out(&world, commit, "").await.unwrap();
    let mode = |name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    assert_eq!((mode("run.sh") & 0o100, mode("text") & 0o111), (0o100, 0));
}

#[tokio::test]
async fn links_keep_their_targets_unless_these_go_up_after_a_name() {
    let world = World::served(V2_FILTER);
    world.commit("main", "plain", b"x");
    let changes = [Change::link("tests/link", "deep/../run.sh"), Change::link("tests/up/link", "../run.sh")];
    let refused = world.commit_all("refused", &changes[..1]);
    let commit = world.commit_all("main", &[changes[1].clone(), Change::write("tests/run.sh", "#!/bin/sh\n")]);
    let folder = checked_out(&world, commit, "tests").await.unwrap();
    assert_eq!(fs::read_link(folder.path().join("tests/up/link")).unwrap(), Path::new("../run.sh"));
    assert_eq!(text(&folder, "tests/up/link").as_deref(), Some("#!/bin/sh\n"));
    let failure = checked_out(&world, refused, "").await.unwrap_err();
    assert!(failure.message.contains("`tests/link` points to `deep/../run.sh`"), "{failure}");
}

async fn check_refused_link(target: &str) {
    let world = World::served(V2_FILTER);
    let commit = world.commit_all("main", &[Change::link("tests/link", target)]);
    let failure = checked_out(&world, commit, "tests").await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RepositoryCorrupt);
    assert!(failure.message.contains("out of the repository"), "{failure}");
}

#[tokio::test]
async fn links_that_lead_out_are_refused() {
    check_refused_link("/etc/passwd").await;
    check_refused_link("../../outside").await;
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_told() {
    let world = World::with_commit();
    let commit = world.commit("main", "tests/file", b"x");
    for directory in ["nowhere", "tests/file", "../tests"] {
        let failure = checked_out(&world, commit, directory).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::PathNotFound, "{failure}");
    }
}

#[tokio::test]
async fn a_checkout_beyond_its_limit_is_refused() {
    let world = World::with_commit();
    let commit = world.commit_all("main", &[Change::write("a", [7; 600]), Change::write("b", [7; 600])]);
    for limits in
        [Limits { file_bytes: 500, ..Limits::default() }, Limits { checkout_bytes: 1_000, ..Limits::default() }]
    {
        let mirrors = world.mirrors().with_limits(limits);
        let mirror = mirrors.open(&connection(), world.remote().url(), &world.cancel).await.unwrap();
        let failure = check_out(&world, mirror, commit, "").await.unwrap_err();
        assert_eq!(failure.class, FailureClass::RepositoryCorrupt, "{failure}");
    }
}
