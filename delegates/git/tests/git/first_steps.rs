//! From nothing to the content of a file, as a worker goes.

use suitesync_contract::{FailureClass, RefSpec, TreeEntryKind};
use suitesync_git::{BlobContent, Tip};
use suitesync_loopback::{Change, clean_git};

use crate::support::{World, paths};

#[tokio::test]
async fn a_first_fetch_brings_the_tree_and_the_content_of_a_commit() {
    let world = World::with_commit();
    let remote = world.remote();
    let Tip::Commit(commit) = world.main(&remote).await.unwrap() else { panic!("the repository has a commit") };
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    let entries = mirror.snapshot(commit).unwrap();
    let login = entries.iter().find(|entry| entry.path == b"Test Cases/login.tc").unwrap();
    mirror.ensure_blobs(&[login.id]).await.unwrap();
    assert_eq!(mirror.read_blob(login.id, 100).unwrap(), BlobContent::Bytes(b"<login/>".to_vec()));
    assert_eq!(mirror.rebuilt(), None);
}

#[tokio::test]
async fn a_snapshot_lists_what_git_lists_in_its_order() {
    let world = World::empty();
    let remote = world.remote();
    let written =
        ["a/b.txt", "a.txt", "a-b/c", "ü/ä.tc", "z/deep/er/file"].map(|path| Change::write(path, path.as_bytes()));
    let commit = world.commit_all("main", &[&written[..], &[Change::link("link", "a.txt")]].concat());
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    let listed = clean_git()
        .args(["-C", world.repository.folder().to_str().unwrap(), "ls-tree", "-r", "-t", "-z", "--name-only", "main"])
        .output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert_eq!(paths(&mirror, commit), listed.split_terminator('\0').collect::<Vec<_>>());
}

#[tokio::test]
async fn submodules_and_symbolic_links_are_told_apart() {
    let world = World::empty();
    let remote = world.remote();
    let other = world.commit("other", "x", b"x");
    let changes = [Change::link("link", "../../etc/passwd"), Change::submodule("sub", other.to_string())];
    let commit = world.commit_all("main", &changes);
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    let kinds: Vec<_> = mirror.snapshot(commit).unwrap().iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [TreeEntryKind::Symlink, TreeEntryKind::Submodule]);
}

#[tokio::test]
async fn an_annotated_tag_is_its_commit() {
    let world = World::with_commit();
    world.repository.annotated_tag("v1", "main").unwrap();
    let commit = world.repository.resolve("main").unwrap().parse().unwrap();
    let tip = world.tip(&world.remote(), RefSpec::Tag("v1".to_owned())).await;
    assert_eq!(tip, Ok(Tip::Commit(commit)));
}

#[tokio::test]
async fn an_older_commit_is_fetched_by_its_id_without_asking_for_refs() {
    let world = World::with_commit();
    let old = world.repository.resolve("main").unwrap().parse().unwrap();
    world.commit("main", "second", b"2");
    let remote = world.remote();
    assert_eq!(world.tip(&remote, RefSpec::Commit(old)).await, Ok(Tip::Commit(old)));
    assert_eq!(world.server.request_count(), 0);
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, old).await.unwrap();
    assert_eq!(paths(&mirror, old), ["Test Cases", "Test Cases/login.tc"]);
}

#[tokio::test]
async fn a_commit_that_the_server_does_not_have_is_not_found() {
    let world = World::with_commit();
    let remote = world.remote();
    let mut mirror = world.mirror(&remote).await;
    let missing = "1234567890123456789012345678901234567890".parse().unwrap();
    let failure = world.fetch(&mut mirror, &remote, missing).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RefNotFound, "{failure}");
    assert!(failure.message.contains("1234567890123456789012345678901234567890"), "{failure}");
}

#[tokio::test]
async fn a_tag_of_something_else_than_a_commit_is_not_found() {
    let world = World::with_commit();
    let folder = world.repository.folder().to_str().unwrap();
    let tag = ["-C", folder, "tag", "blob", "main:Test Cases/login.tc"];
    assert!(clean_git().args(tag).status().unwrap().success());
    let remote = world.remote();
    let Ok(Tip::Commit(blob)) = world.tip(&remote, RefSpec::Tag("blob".to_owned())).await else {
        panic!("it is listed")
    };
    let mut mirror = world.mirror(&remote).await;
    let failure = world.fetch(&mut mirror, &remote, blob).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RefNotFound, "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_go_from_thread_to_thread() {
    let world = World::with_commit();
    let commit = world.repository.resolve("main").unwrap().parse().unwrap();
    let remote = world.remote();
    let work = async move {
        let mut mirror = world.mirror(&remote).await;
        world.fetch(&mut mirror, &remote, commit).await.unwrap();
        tokio::task::spawn_blocking(move || paths(&mirror, commit)).await.unwrap()
    };
    assert_eq!(tokio::spawn(work).await.unwrap().len(), 2);
}
