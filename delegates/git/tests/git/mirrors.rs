//! Mirrors stay whole whatever happens to a fetch, to the process and to the disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use suitesync_contract::{FailureClass, ObjectId};
use suitesync_git::{BlobContent, FetchProgress, Mirror};
use suitesync_loopback::{Change, Fault, clean_git};

use crate::support::{PATH, V2_PLAIN, World, connection, fsck, paths};

fn packs(mirror: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(mirror.join("objects/pack")).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "pack"))
        .collect()
}

/// Content that does not compress, the same for the same seed.
fn noise(bytes: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes()[0]
    };
    (0..bytes).map(|_| next()).collect()
}

/// A mirror that holds the tip of `main`.
async fn filled(world: &World) -> (Mirror, ObjectId) {
    let commit = world.repository.resolve("main").unwrap().parse().unwrap();
    let remote = world.remote();
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    (mirror, commit)
}

#[tokio::test]
async fn git_finds_a_mirror_whole_after_several_updates() {
    let world = World::without_filter();
    world.commit("main", "second", b"2");
    let (mut mirror, first) = filled(&world).await;
    let second = world.commit("main", "Test Cases/login.tc", b"<login second/>");
    let remote = world.remote();
    world.fetch(&mut mirror, &remote, second).await.unwrap();
    let other = world.commit("other", "x", b"x");
    world.fetch(&mut mirror, &remote, other).await.unwrap();
    assert_eq!(fsck(&mirror, &[first, second, other]), "");
    assert_eq!(paths(&mirror, second), ["Test Cases", "Test Cases/login.tc", "second"]);
}

#[tokio::test]
async fn an_update_sends_what_differs_and_no_more() {
    let world = World::served(V2_PLAIN);
    let files: Vec<_> = (0..50).map(|n| Change::write(format!("dir/{n}.bin"), noise(20_000, n + 1))).collect();
    world.commit_all("main", &files);
    let (mut mirror, _) = filled(&world).await;
    let changed = world.commit("main", "dir/7.bin", &[noise(20_000, 8), b"changed".to_vec()].concat());
    world.server.reset_counters();
    let remote = world.remote();
    world.fetch(&mut mirror, &remote, changed).await.unwrap();
    assert!(world.server.bytes_sent() < 5_000, "{}", world.server.bytes_sent());
    assert_eq!(world.server.request_count(), 1);
    assert_eq!(paths(&mirror, changed).len(), 51);
}

#[tokio::test]
async fn a_commit_that_is_held_is_not_asked_for_again() {
    let world = World::with_commit();
    let (mirror, commit) = filled(&world).await;
    drop(mirror);
    world.server.reset_counters();
    let (mirror, _) = filled(&world).await;
    assert_eq!(world.server.request_count(), 0);
    assert_eq!(paths(&mirror, commit).len(), 2);
}

#[tokio::test]
async fn only_the_owner_may_look_into_a_mirror() {
    let world = World::with_commit();
    let (mirror, _) = filled(&world).await;
    for folder in [world.mirrors_folder(), mirror.path().to_owned()] {
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[tokio::test]
async fn a_second_one_waits_until_the_mirror_is_free() {
    let world = World::with_commit();
    let remote = world.remote();
    let (mirrors, connection) = (world.mirrors(), connection());
    let first = world.mirror(&remote).await;
    let second = mirrors.open(&connection, remote.url(), &world.cancel);
    tokio::pin!(second);
    assert!(tokio::time::timeout(Duration::from_millis(150), &mut second).await.is_err());
    drop(first);
    assert!(second.await.is_ok());
}

#[tokio::test]
async fn waiting_for_a_mirror_can_be_canceled() {
    let world = World::with_commit();
    let remote = world.remote();
    let _first = world.mirror(&remote).await;
    let canceler = world.cancel.clone();
    tokio::spawn(async move { canceler.cancel() });
    let failure = world.mirrors().open(&connection(), remote.url(), &world.cancel).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Canceled);
}

#[tokio::test]
async fn what_a_killed_process_left_is_healed_without_a_new_clone() {
    let world = World::with_commit();
    let (mirror, commit) = filled(&world).await;
    let path = mirror.path().to_owned();
    drop(mirror);
    for leftover in
        ["shallow.lock", "suitesync.json.lock", "objects/pack/pack_git2_abc123", "objects/pack/pack-77.pack"]
    {
        fs::write(path.join(leftover), b"half").unwrap();
    }
    fs::create_dir(path.with_added_extension("new")).unwrap();
    world.server.reset_counters();
    let (mirror, _) = filled(&world).await;
    assert_eq!((mirror.rebuilt(), world.server.request_count()), (None, 0));
    assert_eq!(packs(&path).len(), 1);
    assert_eq!(fsck(&mirror, &[commit]), "");
    assert!(!path.join("shallow.lock").exists() && !path.with_added_extension("new").exists());
}

/// Damages a filled mirror while it is closed; it must be made anew with a reason, and work.
async fn check_rebuilt(damage: impl FnOnce(&Path)) {
    let world = World::with_commit();
    let (mirror, commit) = filled(&world).await;
    let path = mirror.path().to_owned();
    drop(mirror);
    damage(&path);
    let (mirror, _) = filled(&world).await;
    assert!(mirror.rebuilt().is_some_and(|reason| !reason.is_empty()));
    assert_eq!(paths(&mirror, commit).len(), 2);
    assert!(!path.with_added_extension("old").exists());
}

#[tokio::test]
async fn a_damaged_mirror_is_made_anew() {
    check_rebuilt(|path| fs::remove_file(path.join("HEAD")).unwrap()).await;
    check_rebuilt(|path| fs::write(path.join("suitesync.json"), "{").unwrap()).await;
    check_rebuilt(|path| fs::remove_dir_all(path.join("objects")).unwrap()).await;
    check_rebuilt(|path| packs(path).iter().for_each(|pack| fs::remove_file(pack).unwrap())).await;
    check_rebuilt(|path| packs(path).iter().for_each(|pack| fs::write(pack, b"PACK").unwrap())).await;
}

#[tokio::test]
async fn a_foreign_folder_in_the_place_of_a_mirror_is_replaced() {
    check_rebuilt(|path| {
        fs::remove_dir_all(path).unwrap();
        assert!(clean_git().args(["init", "--bare", "-q"]).arg(path).status().unwrap().success());
    })
    .await;
    check_rebuilt(|path| {
        fs::remove_dir_all(path).unwrap();
        fs::write(path, "a file").unwrap();
    })
    .await;
}

/// Overwrites a piece of a pack, as a bad disk does.
fn damage_middle(pack: &Path) {
    let mut bytes = fs::read(pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 100].fill(0);
    fs::set_permissions(pack, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(pack, bytes).unwrap();
}

#[tokio::test]
async fn an_update_that_rests_on_damage_is_fetched_whole() {
    let world = World::served(V2_PLAIN);
    let big = noise(100_000, 5);
    world.commit("main", "big.bin", &big);
    let (mirror, _) = filled(&world).await;
    let path = mirror.path().to_owned();
    drop(mirror);
    damage_middle(&packs(&path).remove(0));
    let changed = [big, b"changed".to_vec()].concat();
    world.commit("main", "big.bin", &changed);
    let (mirror, commit) = filled(&world).await;
    let blob = mirror.snapshot(commit).unwrap()[0].id;
    assert_eq!(mirror.read_blob(blob, 1 << 20).unwrap(), BlobContent::Bytes(changed));
}

#[tokio::test]
async fn a_pack_damaged_in_its_middle_is_found_and_fetched_anew() {
    let world = World::served(V2_PLAIN);
    let big = noise(100_000, 5);
    world.commit("main", "big.bin", &big);
    let (mirror, commit) = filled(&world).await;
    let blob = mirror.snapshot(commit).unwrap()[0].id;
    let path = mirror.path().to_owned();
    drop(mirror);
    damage_middle(&packs(&path).remove(0));
    let (mirror, _) = filled(&world).await;
    let failure = mirror.read_blob(blob, 1 << 20).unwrap_err();
    assert_eq!(failure.class, FailureClass::RepositoryCorrupt, "{failure}");
    drop(mirror);
    let (mirror, _) = filled(&world).await;
    assert!(mirror.rebuilt().is_some());
    assert_eq!(mirror.read_blob(blob, 1 << 20).unwrap(), BlobContent::Bytes(big));
}

#[tokio::test]
async fn a_pack_that_is_cut_off_leaves_the_mirror_as_it_was() {
    let world = World::without_filter();
    let (mut mirror, first) = filled(&world).await;
    let second = world.commit("main", "big.bin", &noise(300_000, 3));
    world.server.set_fault(&format!("{PATH}/git-upload-pack"), Fault::CutAfter(100_000));
    let remote = world.remote();
    let failure = world.fetch(&mut mirror, &remote, second).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Protocol, "{failure}");
    assert_eq!(packs(mirror.path()).len(), 1);
    assert_eq!(fsck(&mirror, &[first]), "");
    world.server.clear_faults();
    world.fetch(&mut mirror, &remote, second).await.unwrap();
    assert_eq!(mirror.rebuilt(), None);
}

#[tokio::test]
async fn a_canceled_fetch_ends_at_once_and_leaves_nothing() {
    let world = World::without_filter();
    let (mut mirror, _) = filled(&world).await;
    let second = world.commit("main", "big.bin", &noise(10_000_000, 3));
    let remote = world.remote();
    let mut canceled_at = None;
    let mut progress = |progress: FetchProgress| {
        if progress.received_bytes > 1_000_000 && canceled_at.is_none() {
            canceled_at = Some(Instant::now());
            world.cancel.cancel();
        }
    };
    let failure = mirror.fetch(&remote, &[second], &mut progress, &world.cancel).await.unwrap_err();
    let took = canceled_at.unwrap().elapsed();
    assert_eq!(failure.class, FailureClass::Canceled);
    assert!(took < Duration::from_millis(200), "{took:?}");
    assert_eq!(fs::read_dir(mirror.path().join("objects/pack")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_fetch_from_a_silent_server_is_canceled_at_once() {
    let world = World::with_commit();
    let (mut mirror, _) = filled(&world).await;
    let second = world.commit("main", "second", b"2");
    world.server.set_fault("", Fault::SilentAfterRequest);
    let remote = world.remote();
    let canceler = world.cancel.clone();
    let fetch = world.fetch(&mut mirror, &remote, second);
    let cancel = async {
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        canceler.cancel();
        Instant::now()
    };
    let (fetched, canceled_at) = tokio::join!(fetch, cancel);
    assert_eq!(fetched.unwrap_err().class, FailureClass::Canceled);
    assert!(canceled_at.elapsed() < Duration::from_millis(200));
}

#[tokio::test]
async fn blobs_of_a_fetched_commit_are_there_and_others_are_damage() {
    let world = World::without_filter();
    let (mut mirror, commit) = filled(&world).await;
    let blob = mirror.snapshot(commit).unwrap().last().unwrap().id;
    assert_eq!(mirror.ensure_blobs(&[blob]).await, Ok(()));
    let failure = mirror.ensure_blobs(&[ObjectId::from_bytes([3; 20])]).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RepositoryCorrupt);
}
