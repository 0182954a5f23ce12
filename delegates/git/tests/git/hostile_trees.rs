//! Repositories made to harm: refused with a message, whatever they hold.

use std::io::Write;
use std::process::Stdio;

use suitesync_contract::{FailureClass, ObjectId};
use suitesync_git::{BlobContent, Limits};
use suitesync_loopback::clean_git;

use crate::support::{V2_PLAIN, World, connection};

/// Writes an object as it is, and gives its id.
pub(crate) fn write_object(world: &World, kind: &str, content: &[u8]) -> ObjectId {
    let folder = world.repository.folder().to_str().unwrap();
    let mut git = clean_git()
        .args(["-C", folder, "hash-object", "-w", "-t", kind, "--literally", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(content).unwrap();
    let output = git.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// A commit on `main` whose tree is `tree`.
pub(crate) fn commit_tree(world: &World, tree: ObjectId) -> ObjectId {
    let text = format!("tree {tree}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\nhostile\n");
    let commit = write_object(world, "commit", text.as_bytes());
    world.repository.branch("hostile", &commit.to_string()).unwrap();
    commit
}

pub(crate) fn entry(mode: &str, name: &[u8], id: ObjectId) -> Vec<u8> {
    [mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat()
}

async fn check_refused(name: &[u8], shown: &str) {
    let world = World::with_commit();
    let blob = write_object(&world, "blob", b"x");
    let tree = write_object(&world, "tree", &entry("100644", name, blob));
    let commit = commit_tree(&world, tree);
    let remote = world.remote();
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    let failure = mirror.snapshot(commit).unwrap_err();
    assert_eq!(failure.class, FailureClass::RepositoryCorrupt, "{failure}");
    assert!(failure.message.contains(shown) && failure.message.contains(&tree.to_string()), "{failure}");
    drop(mirror);
    assert_eq!(world.mirror(&remote).await.rebuilt(), None);
}

#[tokio::test]
async fn names_that_lead_out_are_refused_naming_tree_and_entry() {
    check_refused(b"..", "`..`").await;
    check_refused(b".GIT", "`.GIT`").await;
    check_refused(b"a/b\x07", r"`a/b\x07`").await;
}

#[tokio::test]
async fn directories_nested_without_end_are_refused() {
    let world = World::with_commit();
    let blob = write_object(&world, "blob", b"x");
    let mut tree = write_object(&world, "tree", &entry("100644", b"x", blob));
    for _ in 0..Limits::TREE_DEPTH {
        tree = write_object(&world, "tree", &entry("40000", b"d", tree));
    }
    let commit = commit_tree(&world, tree);
    let remote = world.remote();
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    let failure = mirror.snapshot(commit).unwrap_err();
    assert!(failure.message.contains("more than 100 deep"), "{failure}");
}

#[tokio::test]
async fn a_tree_that_repeats_itself_is_refused_before_it_fills_the_memory() {
    let world = World::with_commit();
    let blob = write_object(&world, "blob", b"x");
    let mut tree = write_object(&world, "tree", &entry("100644", b"x", blob));
    for _ in 0..12 {
        let entries: Vec<u8> = (b'0'..=b'9').flat_map(|name| entry("40000", &[name], tree)).collect();
        tree = write_object(&world, "tree", &entries);
    }
    let commit = commit_tree(&world, tree);
    let limits = Limits { tree_entries: 10_000, ..Limits::default() };
    let remote = world.remote();
    let mirrors = world.mirrors().with_limits(limits);
    let mut mirror = mirrors.open(&connection(), remote.url(), &world.cancel).await.unwrap();
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    let failure = mirror.snapshot(commit).unwrap_err();
    assert!(failure.message.contains("more than 10000 files"), "{failure}");
}

#[tokio::test]
async fn large_trees_within_each_other_are_refused_before_they_fill_the_memory() {
    let world = World::with_commit();
    let blob = write_object(&world, "blob", b"x");
    let long = vec![b'x'; 40 << 20];
    let mut tree = write_object(&world, "tree", &entry("100644", &long, blob));
    for _ in 0..2 {
        let entries = [entry("40000", b"d", tree), entry("100644", &long, blob)].concat();
        tree = write_object(&world, "tree", &entries);
    }
    let commit = commit_tree(&world, tree);
    let remote = world.remote();
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    let failure = mirror.snapshot(commit).unwrap_err();
    assert!(failure.message.contains("within each other take more than"), "{failure}");
}

#[tokio::test]
async fn a_huge_blob_is_told_by_its_size_without_being_read() {
    const SIZE: usize = 200 << 20;
    let world = World::served(V2_PLAIN);
    let remote = world.remote();
    let commit = world.commit("main", "huge.bin", &vec![0; SIZE]);
    let mut mirror = world.mirror(&remote).await;
    // Makes what is held now the peak.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak_memory();
    world.fetch(&mut mirror, &remote, commit).await.unwrap();
    let huge = mirror.snapshot(commit).unwrap()[0].id;
    assert_eq!(mirror.read_blob(huge, 1 << 20).unwrap(), BlobContent::TooLarge(SIZE as u64));
    assert!(peak_memory() - before < 40 << 20, "{} {before}", peak_memory());
}

#[tokio::test]
async fn packs_beyond_the_limits_are_refused_and_nothing_of_them_is_kept() {
    let world = World::served(V2_PLAIN);
    let commit = world.commit(
        "main",
        "noise",
        &(0..100_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_be_bytes()).collect::<Vec<_>>(),
    );
    for limits in [Limits { pack_bytes: 10_000, ..Limits::default() }, Limits { pack_objects: 2, ..Limits::default() }]
    {
        let remote = world.remote();
        let mirrors = world.mirrors().with_limits(limits);
        let mut mirror = mirrors.open(&connection(), remote.url(), &world.cancel).await.unwrap();
        let failure = world.fetch(&mut mirror, &remote, commit).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::RepositoryCorrupt, "{failure}");
        assert_eq!(std::fs::read_dir(mirror.path().join("objects/pack")).unwrap().count(), 0);
    }
}

/// The most memory that this process ever held, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
