//! Repositories in folders of this host: opened, resolved and read where they lie.

use std::fs;
use std::path::{Path, PathBuf};

use suitesync_contract::{Failure, FailureClass, ObjectId, Provider, RefSpec, RepoUrl};
use suitesync_git::{BlobContent, LocalRepository, Tip};
use suitesync_loopback::{Change, SampleRepository, clean_git};

use crate::support::delegate;

const CASE: &str = "Test Cases/login.tc";

/// A bare repository with one commit on `main`, and clones of it beside.
struct Desk {
    folder: tempfile::TempDir,
    commit: ObjectId,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = SampleRepository::create(folder.path().join("bare")).unwrap();
        let commit = repository.commit("main", "add", &[Change::write(CASE, b"<login/>")]).unwrap().parse().unwrap();
        repository.annotated_tag("v1", "main").unwrap();
        Self { folder, commit }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, arguments: &[&str]) {
        let status = clean_git().arg("-C").arg(self.folder.path()).args(arguments).status().unwrap();
        assert!(status.success(), "git {arguments:?}");
    }

    fn open(&self, name: &str) -> Result<LocalRepository, Failure> {
        open(&self.path(name))
    }
}

fn open(path: &Path) -> Result<LocalRepository, Failure> {
    let url = RepoUrl::parse(path.to_str().unwrap(), Provider::Git).unwrap().repository;
    LocalRepository::open(&url, &delegate())
}

fn tip(repository: &LocalRepository, wanted: RefSpec) -> Result<Tip, Failure> {
    repository.resolve(&[wanted]).unwrap().tips.remove(0).1
}

fn branch(name: &str) -> RefSpec {
    RefSpec::Branch(name.to_owned())
}

#[test]
fn bare_repositories_clones_and_further_working_trees_are_read_alike() {
    let desk = Desk::new();
    desk.git(&["clone", "--quiet", "bare", "clone"]);
    desk.git(&["-C", "clone", "worktree", "add", "--quiet", "--detach", "../tree"]);
    let check = |name: &str| {
        let repository = desk.open(name).unwrap();
        assert_eq!(tip(&repository, RefSpec::Default), Ok(Tip::Commit(desk.commit)), "{name}");
        let entries = repository.snapshot(desk.commit).unwrap();
        let case = entries.iter().find(|entry| entry.path == CASE.as_bytes()).unwrap();
        assert_eq!(repository.read_blob(case.id, 100), Ok(BlobContent::Bytes(b"<login/>".to_vec())), "{name}");
        assert_eq!(repository.read_blob(case.id, 7), Ok(BlobContent::TooLarge(8)), "{name}");
    };
    ["bare", "clone", "clone/.git", "tree"].into_iter().for_each(check);
}

#[test]
fn branches_tags_and_commits_are_resolved() {
    let desk = Desk::new();
    let repository = desk.open("bare").unwrap();
    for wanted in [branch("main"), RefSpec::Tag("v1".to_owned()), RefSpec::Commit(desk.commit)] {
        assert_eq!(tip(&repository, wanted), Ok(Tip::Commit(desk.commit)));
    }
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let desk = Desk::new();
    let repository = desk.open("bare").unwrap();
    let failure = tip(&repository, branch("man")).unwrap_err();
    assert_eq!(failure.class, FailureClass::RefNotFound);
    assert!(failure.hint.contains("`main`"), "{}", failure.hint);
    let absent = RefSpec::Commit(ObjectId::from_bytes([7; 20]));
    assert_eq!(tip(&repository, absent).unwrap_err().class, FailureClass::RefNotFound);
}

#[test]
fn a_repository_without_commits_is_empty_and_no_failure() {
    let desk = Desk::new();
    desk.git(&["init", "--quiet", "new"]);
    assert_eq!(tip(&desk.open("new").unwrap(), RefSpec::Default), Ok(Tip::Empty));
}

#[test]
fn a_folder_that_is_no_repository_is_no_part_of_the_one_around_it() {
    let desk = Desk::new();
    desk.git(&["clone", "--quiet", "bare", "clone"]);
    let check = |name: &str, class| assert_eq!(desk.open(name).unwrap_err().class, class, "{name}");
    check("clone/Test Cases", FailureClass::NotGit);
    check("absent", FailureClass::RepositoryNotFound);
}

#[test]
fn what_a_partial_clone_lacks_is_told_and_not_fetched() {
    let desk = Desk::new();
    let id = desk.open("bare").unwrap().snapshot(desk.commit).unwrap().last().unwrap().id;
    let bare = format!("file://{}", desk.path("bare").display());
    desk.git(&["-C", "bare", "config", "uploadpack.allowFilter", "true"]);
    desk.git(&["clone", "--quiet", "--bare", "--filter=blob:none", &bare, "partial"]);
    let failure = desk.open("partial").unwrap().read_blob(id, 100).unwrap_err();
    assert_eq!(failure.class, FailureClass::RepositoryCorrupt);
    assert!(failure.hint.contains("partial clone"), "{}", failure.hint);
}

#[test]
fn nothing_is_written_to_what_is_read() {
    let desk = Desk::new();
    let listing = || {
        let mut names: Vec<_> = fs::read_dir(desk.path("bare")).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    };
    let before = listing();
    desk.open("bare").unwrap().snapshot(desk.commit).unwrap();
    assert_eq!(listing(), before);
}
