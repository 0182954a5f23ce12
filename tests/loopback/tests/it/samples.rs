//! Sample repositories: what commits hold, and that they are the same every time.

use suitesync_loopback::{Change, SampleRepository, clean_git};
use tempfile::TempDir;

#[test]
fn the_same_changes_make_the_same_commits() {
    let make = || {
        let folder = TempDir::new().unwrap();
        let repository = SampleRepository::create(folder.path().join("sample")).unwrap();
        repository.commit("main", "First", &[Change::write("a", "1")]).unwrap();
        repository.commit("main", "Second", &[Change::write("a", "2")]).unwrap()
    };

    assert_eq!(make(), make());
}

#[test]
fn a_commit_adds_removes_renames_and_links() {
    let (folder, repository) = sample();
    let first = [Change::write("kept", "1"), Change::write("moved/from", "2"), Change::write("gone", "3")];
    repository.commit("main", "First", &first).unwrap();
    let second = [
        Change::rename("moved/from", "moved/to"),
        Change::remove("gone"),
        Change::link("link", "kept"),
        Change::submodule("module", "0123456789012345678901234567890123456789"),
    ];
    repository.commit("main", "Second", &second).unwrap();

    let entries = tree(&folder);

    assert_eq!(entries, ["100644 kept", "120000 link", "160000 module", "100644 moved/to"]);
}

#[test]
fn paths_may_hold_any_byte() {
    let (folder, repository) = sample();
    let odd = b"quote\" back\\slash\ttab\nline \xff\xfe";

    repository.commit("main", "First", &[Change::write(odd, "")]).unwrap();

    assert_eq!(tree(&folder), [format!("100644 {}", String::from_utf8_lossy(odd))]);
}

#[test]
fn branches_and_tags_point_where_they_are_put() {
    let (_folder, repository) = sample();
    let first = repository.commit("main", "First", &[Change::write("a", "1")]).unwrap();
    let second = repository.commit("main", "Second", &[Change::write("a", "2")]).unwrap();
    repository.branch("release/1", &first).unwrap();
    repository.tag("light", &first).unwrap();
    repository.annotated_tag("heavy", "main").unwrap();
    repository.branch("main", &first).unwrap();
    repository.set_head("release/1").unwrap();

    let check = |revision: &str, expect: &str| assert_eq!(repository.resolve(revision).unwrap(), expect, "{revision}");
    check("refs/heads/main", &first);
    check("HEAD", &first);
    check("refs/tags/light", &first);
    check("heavy^{commit}", &second);
    assert_ne!(repository.resolve("refs/tags/heavy").unwrap(), second, "an annotated tag is an object of its own");
    repository.delete_ref("refs/tags/light").unwrap();
    assert!(repository.resolve("refs/tags/light").is_err());
}

#[test]
fn a_failure_repeats_what_git_says() {
    let (_folder, repository) = sample();

    let failure = repository.branch("main", "no-such-revision").unwrap_err().to_string();

    assert_eq!(failure, "failed to run git rev-parse: fatal: Needed a single revision");
}

fn sample() -> (TempDir, SampleRepository) {
    let folder = TempDir::new().unwrap();
    let repository = SampleRepository::create(folder.path().join("sample")).unwrap();
    (folder, repository)
}

/// Mode and path of every entry of the tip of `main`.
fn tree(folder: &TempDir) -> Vec<String> {
    let listed =
        clean_git().arg("-C").arg(folder.path().join("sample")).args(["ls-tree", "-r", "-z", "main"]).output().unwrap();
    String::from_utf8_lossy(&listed.stdout).split_terminator('\0').map(mode_and_path).collect()
}

fn mode_and_path(entry: &str) -> String {
    let (mode, rest) = entry.split_once(' ').unwrap();
    let (_, path) = rest.split_once('\t').unwrap();
    format!("{mode} {path}")
}
