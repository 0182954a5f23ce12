//! Answers that are cut at every byte, claim what cannot be, or never end: bounded, with a class, and the mirror is
//! what it was before.

use std::io::Write;
use std::process::Stdio;

use suitesync_contract::{FailureClass, ObjectId};
use suitesync_git::{Mirror, Tip};
use suitesync_loopback::{Fault, Protocol, clean_git};

use crate::support::{PATH, Setup, V0_FILTER, V2_FILTER, V2_PLAIN, World, fsck};

fn line(text: &[u8]) -> Vec<u8> {
    [format!("{:04x}", text.len() + 4).as_bytes(), text].concat()
}

fn text(text: &str) -> Vec<u8> {
    line(text.as_bytes())
}

/// What Git answers to a request over a connection without state.
fn answer_of_git(world: &World, setup: Setup, arguments: &[&str], request: &[u8]) -> Vec<u8> {
    let version = if setup.protocol == Protocol::V2 { "version=2" } else { "" };
    let mut git = clean_git()
        .args(["-c", "uploadpack.allowFilter", "-c", "uploadpack.allowAnySHA1InWant", "upload-pack"])
        .args(arguments)
        .arg(world.repository.folder())
        .env("GIT_PROTOCOL", version)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(request).unwrap();
    git.wait_with_output().unwrap().stdout
}

fn advertisement(world: &World, setup: Setup) -> Vec<u8> {
    let advertised = answer_of_git(world, setup, &["--http-backend-info-refs"], b"");
    [b"001e# service=git-upload-pack\n0000", &advertised[..]].concat()
}

/// The answer to a first fetch of a commit.
fn pack(world: &World, setup: Setup, commit: ObjectId) -> Vec<u8> {
    let want = format!("want {commit}");
    let request = if setup.protocol == Protocol::V2 {
        let capabilities =
            [text("command=fetch\n"), b"0001".to_vec(), text("thin-pack\n"), text("ofs-delta\n")].concat();
        [&capabilities[..], &text(&want), &text("deepen 1\n"), &text("filter blob:none\n"), &text("done\n"), b"0000"]
            .concat()
    } else {
        let want = text(&format!("{want} multi_ack_detailed side-band-64k thin-pack ofs-delta no-progress filter\n"));
        [&want[..], &text("deepen 1\n"), &text("filter blob:none\n"), b"0000", &text("done\n")].concat()
    };
    answer_of_git(world, setup, &["--stateless-rpc"], &request)
}

fn answers_refs(world: &World, body: &[u8]) {
    answers(world, "info/refs", "application/x-git-upload-pack-advertisement", body);
}

fn answers_packs(world: &World, body: &[u8]) {
    answers(world, "git-upload-pack", "application/x-git-upload-pack-result", body);
}

fn answers(world: &World, call: &str, content_type: &str, body: &[u8]) {
    let headers = vec![("content-type".to_owned(), content_type.to_owned())];
    world.server.set_fault(&format!("{PATH}/{call}"), Fault::Status { code: 200, headers, body: body.to_vec() });
}

/// A repository of which one commit is mirrored and a later one is not.
async fn one_behind(setup: Setup) -> (World, Mirror, ObjectId, ObjectId) {
    let world = World::served(setup);
    let first = world.commit("main", "a.tc", b"<a/>");
    let remote = world.remote();
    let mut mirror = world.mirror(&remote).await;
    world.fetch(&mut mirror, &remote, first).await.unwrap();
    let second = world.commit("main", "b.tc", b"<b/>");
    (world, mirror, first, second)
}

fn packs(mirror: &Mirror) -> usize {
    let folder = std::fs::read_dir(mirror.path().join("objects/pack")).unwrap();
    folder.filter(|entry| entry.as_ref().unwrap().path().extension().is_none_or(|end| end != "promisor")).count()
}

#[tokio::test]
async fn an_advertisement_may_be_cut_anywhere() {
    for setup in [V2_FILTER, V0_FILTER] {
        let world = World::with_commit();
        let whole = advertisement(&world, setup);
        for end in 0..whole.len() {
            answers_refs(&world, &whole[..end]);
            let failure = world.main(&world.remote()).await.unwrap_err();
            assert_eq!(failure.class, FailureClass::Protocol, "{setup:?} {end}: {failure}");
        }
    }
}

#[tokio::test]
async fn a_repository_without_refs_is_empty_however_that_is_said() {
    let world = World::with_commit();
    for said in [&b"001e# service=git-upload-pack\n00000000"[..], b"0000", b"000eversion 1\n0000"] {
        answers_refs(&world, said);
        assert_eq!(world.main(&world.remote()).await, Ok(Tip::Empty), "{}", said.escape_ascii());
    }
}

#[tokio::test]
async fn a_repository_with_ids_of_another_kind_is_told_apart() {
    let world = World::with_commit();
    let first = format!("{} HEAD\0multi_ack object-format=sha256", "a".repeat(64));
    let v2 = ["version 2", "ls-refs", "fetch", "object-format=sha256"].map(text).concat();
    for said in [text(&first), v2] {
        answers_refs(&world, &[&said[..], b"0000"].concat());
        let failure = world.main(&world.remote()).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Protocol, "{failure}");
        assert!(failure.hint.contains("SHA-1"), "{failure} {}", failure.hint);
    }
}

#[tokio::test]
async fn a_list_of_refs_may_be_cut_anywhere() {
    let world = World::with_commit();
    let request = [&text("command=ls-refs\n")[..], b"0001", &text("peel\n"), &text("symrefs\n"), b"0000"].concat();
    let whole = answer_of_git(&world, V2_FILTER, &["--stateless-rpc"], &request);
    answers_refs(&world, &advertisement(&world, V2_FILTER));
    for end in 0..=whole.len() {
        answers_packs(&world, &whole[..end]);
        let tip = world.main(&world.remote()).await;
        assert_eq!(tip.is_ok(), end == whole.len(), "{end}");
        assert!(tip.map_or_else(|failure| failure.class == FailureClass::Protocol, |_| true), "{end}");
    }
}

#[tokio::test]
async fn a_pack_may_be_cut_anywhere() {
    for setup in [V2_FILTER, V0_FILTER] {
        let (world, mut mirror, first, second) = one_behind(setup).await;
        let whole = pack(&world, setup, second);
        answers_refs(&world, &advertisement(&world, setup));
        for end in 0..whole.len() {
            answers_packs(&world, &whole[..end]);
            let failure = world.fetch(&mut mirror, &world.remote(), second).await.unwrap_err();
            assert_eq!(failure.class, FailureClass::Protocol, "{setup:?} {end}: {failure}");
        }
        assert_eq!((packs(&mirror), fsck(&mirror, &[first])), (2, String::new()), "{setup:?}");
        answers_packs(&world, &whole);
        world.fetch(&mut mirror, &world.remote(), second).await.unwrap();
        assert_eq!((mirror.rebuilt(), fsck(&mirror, &[first, second])), (None, String::new()), "{setup:?}");
    }
}

/// A fetch that is answered like this fails with this class, and the mirror stays as it was.
async fn check_refused(body: &[u8], expect: FailureClass, says: &str) {
    let (world, mut mirror, first, second) = one_behind(V2_PLAIN).await;
    answers_packs(&world, &[&text("packfile\n")[..], body].concat());
    let failure = world.fetch(&mut mirror, &world.remote(), second).await.unwrap_err();
    assert_eq!(failure.class, expect, "{failure}");
    assert!(failure.message.contains(says), "{failure}");
    assert_eq!((packs(&mirror), fsck(&mirror, &[first])), (2, String::new()));
    world.server.clear_faults();
    world.fetch(&mut mirror, &world.remote(), second).await.unwrap();
    assert_eq!(mirror.rebuilt(), None);
}

fn banded(content: &[u8]) -> Vec<u8> {
    [line(&[b"\x01", content].concat()), b"0000".to_vec()].concat()
}

#[tokio::test]
async fn a_pack_that_claims_too_much_is_refused() {
    let header = |objects: u32| [&b"PACK\0\0\0\x02"[..], &objects.to_be_bytes()].concat();
    check_refused(&banded(&header(u32::MAX)), FailureClass::RepositoryCorrupt, "4294967295 objects").await;
    check_refused(&banded(&header(1_000_000)), FailureClass::Protocol, "cannot be stored").await;
    // One blob of 2^60 bytes, of which there are none.
    let huge =
        [&header(1)[..], b"\xb0\x80\x80\x80\x80\x80\x80\x80\x20", b"\x78\x9c\x03\0\0\0\0\x01", &[0; 20]].concat();
    check_refused(&banded(&huge), FailureClass::Protocol, "cannot be stored").await;
    // A delta of seven bytes that would become 2^40.
    let bomb = [&header(1)[..], b"\x67\x01", b"\x78\x9c\x63\x6c\x00\x01\x05\x00\x0a\x2e\x02\xa2", &[0; 20]].concat();
    check_refused(&banded(&bomb), FailureClass::RepositoryCorrupt, "a delta of 1099511627776 bytes").await;
}

#[tokio::test]
async fn what_is_no_pack_is_refused() {
    check_refused(b"0000", FailureClass::Protocol, "").await;
    check_refused(&banded(b"<html>it works</html>"), FailureClass::Protocol, "no header").await;
    check_refused(&line(b"\x03out of memory"), FailureClass::ServerError, "out of memory").await;
    check_refused(b"zzzz", FailureClass::Protocol, "not framed").await;
}

#[tokio::test]
async fn progress_without_end_is_bounded() {
    let progress = line(&[b"\x02", &b"Counting objects\n".repeat(1000)[..]].concat()).repeat(100);
    check_refused(&progress, FailureClass::Protocol, "progress without end").await;
}

#[tokio::test]
async fn refs_without_end_are_bounded() {
    let world = World::with_commit();
    let head = world.repository.resolve("main").unwrap();
    let first = text(&format!("{head} HEAD\0multi_ack shallow\n"));
    let refs = text(&format!("{head} refs/heads/{}\n", "x".repeat(4000))).repeat(17_000);
    answers_refs(&world, &[first, refs].concat());
    let failure = world.main(&world.remote()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Protocol);
    assert!(failure.message.contains("longer than it may be"), "{failure}");
}
