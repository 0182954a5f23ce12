//! What a connection test does not look at: the ref, the directory and the objects of a link, and room for them.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;
use suitesync_contract::FailureClass;
use suitesync_loopback::{Change, SampleRepository, clean_git};

use crate::support::Site;
use crate::support::katalon::small_project;
use crate::support::room::may_have_room;

/// What is told of one link that fails.
pub(super) struct Row {
    /// The link's name, and its repository's.
    name: &'static str,
    pub(super) class: FailureClass,
    /// What the link's table has besides.
    keys: &'static str,
    says: &'static [&'static str],
    hint: &'static str,
}

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "no-branch",
        class: FailureClass::RefNotFound,
        keys: "branch = \"release\"",
        says: &["/no-branch.git from delegate local: ", "`release`"],
        hint: "check the branch or tag of the link",
    },
    Row {
        name: "no-directory",
        class: FailureClass::PathNotFound,
        keys: "directory = \"Test Cases/Carts\"",
        says: &["there is no directory `Test Cases/Carts` at commit "],
        hint: "check the directory of the link",
    },
    Row { name: "way-out", class: FailureClass::RepositoryCorrupt, keys: "", says: &["way-out"], hint: "`git fsck`" },
    Row {
        name: "too-large",
        class: FailureClass::DiskFull,
        keys: "",
        says: &["too-large"],
        hint: "make room where the state folder lies",
    },
];

/// Room enough for a catalog, and not for the repository `too-large`.
const ROOM: &str = "6m";
const TOO_LARGE: usize = 12 << 20;

fn check(site: &Site, row: &Row) {
    let synced = site.json(&["link", "sync", row.name, "--wait"]);
    let failure = &synced["failure"];
    assert_eq!(failure["class"], row.class.code(), "{}: {synced:#}", row.name);
    assert_eq!(synced["outcome"], "failed", "{synced:#}");
    let text = |key: &str| failure[key].as_str().unwrap().to_owned();
    for part in row.says {
        assert!(text("message").contains(part), "{}: {part:?} lacks in {failure:#}", row.name);
    }
    assert!(text("hint").contains(row.hint), "{}: {:?} lacks in {failure:#}", row.name, row.hint);
}

/// A repository for each of the rows, and the configuration.
fn site_of(rows: &[Row]) -> (Site, Vec<SampleRepository>) {
    let site = Site::new();
    let repositories: Vec<_> = rows.iter().map(|row| site.repository(&format!("{}.git", row.name))).collect();
    for repository in &repositories {
        repository.commit("main", "first", &small_project()).unwrap();
    }
    let link = |row: &Row| site.link(row.name, "server", &format!("{}.git", row.name), row.keys);
    let links: String = rows.iter().map(link).collect();
    site.configure(&(site.connection("server", &format!("{}.git", rows[0].name)) + &links));
    (site, repositories)
}

#[test]
fn what_is_wrong_with_a_link_is_told_apart() {
    let (site, repositories) = site_of(&ROWS[..3]);
    lead_out(&repositories[2]);
    let _agent = site.agent();
    for row in &ROWS[..3] {
        check(&site, row);
    }
}

/// Gives the branch a tree whose only entry is a directory called `..`.
fn lead_out(repository: &SampleRepository) {
    let inner = repository.resolve("main^{tree}").unwrap();
    let bytes = (0..inner.len()).step_by(2).map(|at| u8::from_str_radix(&inner[at..at + 2], 16).unwrap());
    let tree: Vec<u8> = b"40000 ..\0".iter().copied().chain(bytes).collect();
    let tree = git(repository, &["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], &tree);
    repository.branch("main", &git(repository, &["commit-tree", &tree, "-m", "a way out"], b"")).unwrap();
}

fn git(repository: &SampleRepository, arguments: &[&str], input: &[u8]) -> String {
    let mut command = clean_git();
    command.arg("-C").arg(repository.folder()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The agent gets a small file system of its own, where the system lets it.
#[test]
fn a_full_disk_is_told_and_the_agent_stays() {
    if !may_have_room() {
        return;
    }
    let row = &ROWS[3];
    let (site, repositories) = site_of(&ROWS[3..]);
    let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(TOO_LARGE).collect();
    repositories[0].commit("main", "large", &[Change::write("Test Suites/Noise.ts", noise)]).unwrap();
    let _agent = site.agent_with_room(ROOM);
    check(&site, row);
    assert_eq!(site.link_view(row.name)["failure"]["class"], Value::from("disk_full"));
    assert_eq!(site.run(&["status"]).status.code(), Some(0));
}
