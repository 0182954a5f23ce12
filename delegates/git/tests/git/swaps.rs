//! Mirrors that have outgrown themselves are fetched anew, beside, and swapped.

use std::fs;
use std::path::{Path, PathBuf};

use suitesync_contract::{FailureClass, ObjectId};
use suitesync_git::{Limits, Mirror};
use suitesync_loopback::{Fault, clean_git};

use crate::support::{PATH, World, connection, paths};

/// More updates than packs may be added to a small mirror.
const MANY: usize = 60;

fn packs(mirror: &Path) -> usize {
    let entries = fs::read_dir(mirror.join("objects/pack")).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "pack")).count()
}

fn leftovers(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.mirrors_folder()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| !path.extension().is_some_and(|end| end == "git" || end == "lock")).collect()
}

/// Whether Git finds nothing wrong with what the mirror holds of a commit.
fn is_sound(mirror: &Mirror, commit: ObjectId) -> bool {
    let mut fsck = clean_git();
    fsck.arg("-C").arg(mirror.path()).args(["fsck", "--full", "--strict", &commit.to_string()]);
    fsck.output().unwrap().status.success()
}

/// Asks for the mirror to be fetched anew, as the care for the disk does.
fn mark(mirror: &Mirror) {
    fs::write(mirror.path().join("superseded"), "").unwrap();
}

/// A mirror after its first update, so that it is known what a fresh one weighs.
async fn updated(world: &World) -> (Mirror, ObjectId) {
    let remote = world.remote();
    let mut mirror = world.mirror(&remote).await;
    mirror.keep([]);
    let first = world.commit("main", "first", b"1");
    world.fetch(&mut mirror, &remote, first).await.unwrap();
    let second = world.commit("main", "second", b"2");
    world.fetch(&mut mirror, &remote, second).await.unwrap();
    (mirror, second)
}

#[tokio::test]
async fn many_updates_do_not_make_many_packs() {
    let world = World::with_commit();
    let remote = world.remote();
    let mut most = 0;
    for number in 0..MANY {
        let commit = world.commit("main", "Test Cases/login.tc", number.to_string().as_bytes());
        let mut mirror = world.mirror(&remote).await;
        mirror.keep([]);
        world.fetch(&mut mirror, &remote, commit).await.unwrap();
        most = most.max(packs(mirror.path()));
        assert_eq!((mirror.rebuilt(), paths(&mirror, commit).len()), (None, 2));
    }
    let mirror = world.mirror(&remote).await;
    assert!(most <= 52 && packs(mirror.path()) < 10, "{most}, then {}", packs(mirror.path()));
    let last = world.repository.resolve("main").unwrap().parse().unwrap();
    assert!(is_sound(&mirror, last));
    assert!(leftovers(&world).is_empty());
}

#[tokio::test]
async fn without_a_word_on_what_to_keep_a_marked_mirror_is_only_added_to() {
    let world = World::with_commit();
    let remote = world.remote();
    let (mirror, old) = updated(&world).await;
    mark(&mirror);
    drop(mirror);
    let new = world.commit("main", "new", b"3");
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, new).await.unwrap();
    assert!(mirror.snapshot(old).is_ok() && mirror.snapshot(new).is_ok());
}

#[tokio::test]
async fn a_kept_commit_that_the_server_has_lost_does_not_stand_in_the_way() {
    let world = World::with_commit();
    let remote = world.remote();
    let (mut mirror, old) = updated(&world).await;
    mark(&mirror);
    let new = world.commit("main", "new", b"3");
    mirror.keep([ObjectId::from_bytes([7; 20])]);
    world.fetch(&mut mirror, &remote, new).await.unwrap();
    assert!(mirror.snapshot(old).is_ok() && mirror.snapshot(new).is_ok());
    assert!(leftovers(&world).is_empty());
}

#[tokio::test]
async fn a_marked_mirror_is_fetched_anew_with_what_links_want_today() {
    let world = World::with_commit();
    let (mut mirror, old) = updated(&world).await;
    let kept = world.commit("other", "kept", b"k");
    mark(&mirror);
    let new = world.commit("main", "new", b"3");
    let remote = world.remote();
    mirror.keep([kept]);
    world.fetch(&mut mirror, &remote, new).await.unwrap();
    assert_eq!(packs(mirror.path()), 1);
    assert_eq!((paths(&mirror, new).len(), paths(&mirror, kept).len()), (5, 1));
    assert!(mirror.snapshot(old).is_err());
    let blob = mirror.snapshot(new).unwrap().last().unwrap().id;
    assert_eq!(mirror.ensure_blobs(&[blob]).await, Ok(()));
    assert_eq!(mirror.rebuilt(), None);
}

#[tokio::test]
async fn nothing_is_fetched_anew_while_there_is_nothing_to_bring() {
    let world = World::with_commit();
    let (mut mirror, commit) = updated(&world).await;
    mark(&mirror);
    world.server.reset_counters();
    let remote = world.remote();
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    assert_eq!((world.server.request_count(), packs(mirror.path())), (0, 2));
}

#[tokio::test]
async fn a_fetch_anew_that_is_cut_off_leaves_the_mirror_as_it_was() {
    let world = World::with_commit();
    let (mut mirror, old) = updated(&world).await;
    mark(&mirror);
    let new = world.commit("main", "new", b"3");
    world.server.set_fault(&format!("{PATH}/git-upload-pack"), Fault::CutAfter(100));
    let remote = world.remote();
    let failure = world.fetch(&mut mirror, &remote, new).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Protocol, "{failure}");
    assert_eq!((packs(mirror.path()), leftovers(&world)), (2, vec![]));
    assert!(is_sound(&mirror, old) && paths(&mirror, old).len() == 4);
    world.server.clear_faults();
    world.fetch(&mut mirror, &remote, new).await.unwrap();
    assert_eq!(packs(mirror.path()), 1);
}

#[tokio::test]
async fn a_mirror_that_cannot_be_fetched_anew_is_updated_and_not_tried_again_at_once() {
    let world = World::empty();
    let remote = world.remote();
    let limits = Limits { pack_objects: 5, ..Limits::default() };
    let mirrors = world.mirrors().with_limits(limits);
    let mut mirror = mirrors.open(&connection(), remote.url(), &world.cancel).await.unwrap();
    mirror.keep([]);
    for folder in ["a", "b", "c", "d", "e"] {
        let commit = world.commit("main", &format!("{folder}/file"), folder.as_bytes());
        world.fetch(&mut mirror, &remote, commit).await.unwrap();
    }
    mark(&mirror);
    for (file, requests) in [("f/file", 2), ("g/file", 1)] {
        let commit = world.commit("main", file, file.as_bytes());
        world.server.reset_counters();
        world.fetch(&mut mirror, &remote, commit).await.unwrap();
        assert_eq!(world.server.request_count(), requests, "{file}");
    }
    assert_eq!((packs(mirror.path()), leftovers(&world)), (7, vec![]));
}
