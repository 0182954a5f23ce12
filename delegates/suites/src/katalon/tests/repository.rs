//! A repository made of names and contents, for tests of discovery.

use std::collections::{BTreeSet, HashMap};

use suitesync_contract::{Case, Discovery, ObjectId, Suite, TreeEntry, TreeEntryKind};

use crate::{Allowance, Content, FileToParse, discover_within, files_to_parse, parse};

/// Files in the order they were added, which need not be Git's.
#[derive(Default)]
pub(super) struct Repository {
    entries: Vec<TreeEntry>,
    folders: BTreeSet<Vec<u8>>,
    contents: HashMap<ObjectId, Vec<u8>>,
}

impl Repository {
    pub(super) fn file(self, path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        let mut with = self.entry(path, TreeEntryKind::File);
        let id = with.entries.last().unwrap().id;
        with.contents.insert(id, content.as_ref().to_vec());
        with
    }

    pub(super) fn entry(mut self, path: impl AsRef<[u8]>, kind: TreeEntryKind) -> Self {
        let path = path.as_ref();
        for (slash, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            if self.folders.insert(path[..slash].to_vec()) {
                let id = self.next_id();
                self.entries.push(TreeEntry { path: path[..slash].to_vec(), id, kind: TreeEntryKind::Directory });
            }
        }
        let id = self.next_id();
        self.entries.push(TreeEntry { path: path.to_vec(), id, kind });
        self
    }

    fn next_id(&self) -> ObjectId {
        format!("{:040x}", self.entries.len() + 1).parse().unwrap()
    }

    pub(super) fn id_of(&self, path: &str) -> ObjectId {
        self.entries.iter().find(|entry| entry.path == path.as_bytes()).unwrap().id
    }

    /// The paths whose content is asked for.
    pub(super) fn asked(&self, directory: &str) -> Vec<String> {
        let wanted = files_to_parse(&self.entries, directory);
        let path = |blob| self.entries.iter().find(|entry| entry.id == blob).unwrap().path.clone();
        wanted.iter().map(|file| String::from_utf8(path(file.blob)).unwrap()).collect()
    }

    pub(super) fn discover(&self, directory: &str) -> Discovery {
        self.discover_but(directory, None, &Allowance::default())
    }

    /// Discovers the whole repository, and keeps no more than that.
    pub(super) fn discover_within(&self, allowance: &Allowance) -> Discovery {
        self.discover_but("", None, allowance)
    }

    /// Discovers the whole repository, but hands over no parse of one file.
    pub(super) fn discover_without(&self, path: &str) -> Discovery {
        self.discover_but("", Some(self.id_of(path)), &Allowance::default())
    }

    fn discover_but(&self, directory: &str, withheld: Option<ObjectId>, allowance: &Allowance) -> Discovery {
        let wanted = files_to_parse(&self.entries, directory);
        let handed = wanted.iter().filter(|file| Some(file.blob) != withheld);
        let parsed = handed.map(|file| (*file, parse(file.kind, Content::Bytes(&self.contents[&file.blob]))));
        let parses: HashMap<_, _> = parsed.collect();
        let parse_of = |kind, blob| parses.get(&FileToParse { kind, blob });
        discover_within(allowance, &self.entries, directory, parse_of)
    }

    /// The tree with one more path for the blob of another.
    pub(super) fn entries_with_copy(mut self, path: &str, copy: &str) -> Vec<TreeEntry> {
        let id = self.id_of(path);
        self.entries.push(TreeEntry { path: copy.into(), id, kind: TreeEntryKind::File });
        self.entries
    }

    pub(super) fn suite(&self, id: &str) -> Suite {
        self.discover("").suites.into_iter().find(|suite| suite.id == id).unwrap()
    }

    pub(super) fn case(&self, id: &str) -> Case {
        self.discover("").cases.into_iter().find(|case| case.id == id).unwrap()
    }
}

pub(super) const PROJECT: &str = "<Project><name>Shop</name></Project>";
pub(super) const CASE: &str = "<TestCaseEntity/>";
pub(super) const SUITE: &str = "<TestSuiteEntity/>";

/// A repository with a root at its top.
pub(super) fn project() -> Repository {
    Repository::default().file("shop.prj", PROJECT)
}

/// Cases and suites of a discovery, each as `root|id`.
pub(super) fn ids(found: &Discovery) -> (Vec<String>, Vec<String>) {
    let cases = found.cases.iter().map(|case| format!("{}|{}", case.root, case.id));
    let suites = found.suites.iter().map(|suite| format!("{}|{}", suite.root, suite.id));
    (cases.collect(), suites.collect())
}
