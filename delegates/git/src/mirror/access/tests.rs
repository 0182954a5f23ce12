//! A mirror that its user may not use, opened by a process without privileges: a root without them, as in a user
//! namespace of its own, owns what root owns and may do no more with it than any other owner.

use std::env;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::Command;

use suitesync_contract::{Provider, RepoUrl};

use super::*;
use crate::mirror::folder::Folder;
use crate::mirror::lock::Lock;
use crate::mirror::store::SharedStore;

/// Names the folder of the mirrors to the process without privileges.
const MIRRORS: &str = "MIRRORS_TO_OPEN";
const OPENING: &str = "mirror::access::tests::a_mirror_is_opened_without_privileges";
/// Somebody else.
const STRANGER: u32 = 1;

fn folder(mirrors: &Path) -> Folder {
    let url = RepoUrl::parse("https://git.example.org/checkout", Provider::Git).unwrap().repository;
    Folder::new(mirrors, &"contoso".parse().unwrap(), &url)
}

/// Whether this process may do anything, and the system lets it make one that may not.
fn may_lose_privileges() -> bool {
    let tried = || Command::new("unshare").args(["--user", "true"]).status();
    rustix::process::geteuid().is_root() && tried().is_ok_and(|status| status.success())
}

/// Does nothing unless it is told of a folder.
#[test]
fn a_mirror_is_opened_without_privileges() {
    let Some(mirrors) = env::var_os(MIRRORS).map(PathBuf::from) else { return };
    let folder = folder(&mirrors);
    let opened = Lock::try_acquire(&folder.paths().lock())
        .and_then(|lock| folder.prepare(&SharedStore::default()).map(|_| lock.is_some()));
    match opened {
        Ok(locked) => assert!(locked),
        Err(Fault::Denied { folder, .. }) => assert_eq!(folder, mirrors),
        Err(other) => panic!("{other}"),
    }
}

/// What is left of a mirror that was spoilt: whether it is the same, and what else lies beside it.
#[track_caller]
fn check(spoil: impl Fn(&Folder), expect_same: bool, expect_left: &[&str]) {
    if !may_lose_privileges() {
        return;
    }
    let mirrors = tempfile::tempdir().unwrap();
    let folder = folder(mirrors.path());
    folder.prepare(&SharedStore::default()).unwrap();
    fs::write(folder.path().join("letter"), "a").unwrap();
    spoil(&folder);
    let mut command = Command::new("unshare");
    command.arg("--user").arg(env::current_exe().unwrap()).args(["--exact", OPENING]).env(MIRRORS, mirrors.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(folder.path().join("letter").exists(), expect_same);
    let ending = |path: PathBuf| path.extension().unwrap().to_str().unwrap().to_owned();
    let mut left: Vec<_> = fs::read_dir(mirrors.path()).unwrap().map(|entry| ending(entry.unwrap().path())).collect();
    left.sort();
    assert_eq!(left, expect_left);
}

fn forbid(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_our_own_is_opened_again() {
    check(|folder| forbid(folder.path(), 0), true, &["git", "lock"]);
    check(|folder| forbid(&folder.path().join("objects/pack"), 0o555), true, &["git", "lock"]);
    check(|folder| forbid(&folder.path().join("objects"), 0), true, &["git", "lock"]);
}

#[test]
fn what_was_set_aside_and_could_not_be_removed_goes() {
    let set_aside = |folder: &Folder| {
        fs::rename(folder.path(), folder.paths().aside()).unwrap();
        fs::remove_file(folder.paths().aside().join("suitesync.json")).unwrap();
        forbid(&folder.paths().aside().join("objects"), 0);
        forbid(&folder.paths().aside(), 0);
    };
    check(set_aside, false, &["git", "lock"]);
}

#[test]
fn what_is_anothers_is_moved_out_of_the_way() {
    let give_away = |folder: &Folder, inside: &str| {
        let given = folder.path().join(inside);
        chown(&given, Some(STRANGER), Some(STRANGER)).unwrap();
        forbid(&given, 0o700);
    };
    check(|folder| give_away(folder, ""), false, &["git", "left-1", "lock"]);
    check(|folder| give_away(folder, "objects/pack"), false, &["git", "left-1", "lock"]);
}

#[test]
fn a_lock_that_cannot_be_opened_is_replaced() {
    let lock = |folder: &Folder, mode: u32, owner: u32| {
        let path = folder.paths().lock();
        fs::write(&path, "").unwrap();
        chown(&path, Some(owner), Some(owner)).unwrap();
        forbid(&path, mode);
    };
    check(|folder| lock(folder, 0, 0), true, &["git", "lock"]);
    check(|folder| lock(folder, 0o600, STRANGER), true, &["git", "lock"]);
    check(|folder| fs::create_dir_all(folder.paths().lock().join("inside")).unwrap(), true, &["git", "lock"]);
}

#[test]
fn where_nothing_can_be_done_the_owner_is_asked_for() {
    let give_away = |folder: &Folder| {
        let mirrors = folder.path().parent().unwrap();
        forbid(folder.path(), 0);
        chown(mirrors, Some(STRANGER), Some(STRANGER)).unwrap();
        forbid(mirrors, 0o755);
    };
    check(give_away, true, &["git"]);
}
