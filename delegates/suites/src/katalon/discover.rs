//! Puts names and parses together: roots, the files they own, and whether what suites name is there.

use std::collections::{HashMap, HashSet};

use suitesync_contract::{
    Case, Discovery, Entry, FileState, Notice, ObjectId, Suite, SuiteKind, TreeEntryKind, readable,
};

use super::LEFT_OUT;
use super::inventory::{Owned, take};
use super::layout::{SCRIPTS, TEST_CASES};
use super::names::Names;
use super::passed_over::Reason;
use super::roots::{Roots, root_path};
use crate::file::{CaseFile, FileKind, Parse, SuiteFile, SuiteLine};
use crate::format::ParseOf;
use crate::tree::Tree;

/// What a file is made into a case or suite with.
struct Surroundings<'t, 'f, 'a> {
    parse_of: ParseOf<'f, 'a>,
    /// The ids that a root holds, by its folder and their kind.
    names: HashMap<(&'t [u8], FileKind), Names<'t>>,
    /// The tree of each folder, by path.
    folders: HashMap<&'t [u8], ObjectId>,
}

pub(super) fn discover(tree: &Tree<'_>, parse_of: ParseOf<'_, '_>) -> Discovery {
    let (roots, mut notices) = Roots::find(tree, parse_of);
    let (owned, mut passed_over) = take(tree, &roots);
    let shown = shown(tree, &owned, &mut notices);
    let surroundings = Surroundings::new(tree, &owned, parse_of);
    let files = |kind| shown.iter().filter(move |file| file.kind == kind);
    let cases: Vec<_> = files(FileKind::Case).map(|file| surroundings.case(file)).collect();
    let suites: Vec<_> = files(FileKind::Suite).map(|file| surroundings.suite(file)).collect();
    let states = cases.iter().map(|case| (&case.state, &case.path));
    let states = states.chain(suites.iter().map(|suite| (&suite.state, &suite.path)));
    for (_, path) in states.filter(|(state, _)| state.reason() == Some(LEFT_OUT)) {
        passed_over.add(Reason::LeftOut, path.as_bytes());
    }
    notices.extend(passed_over.notices());
    Discovery { roots: roots.report(tree), cases, suites, notices }
}

/// The files that the directory shows. Of several that read alike only the first is kept, since an id tells no more than
/// one: a name with bytes that are no UTF-8 and one that spells the escapes out, or a tree that holds a name twice, which
/// Git takes unless it is asked to check.
fn shown<'o, 't>(tree: &Tree<'_>, owned: &'o [Owned<'t>], notices: &mut Vec<Notice>) -> Vec<&'o Owned<'t>> {
    let mut note = |path: &[u8], message: &str| {
        notices.push(Notice { path: readable(path).into_owned(), message: message.to_owned() });
    };
    let mut shown: Vec<_> = owned.iter().filter(|file| tree.shows(&file.entry.path)).collect();
    let odd: Vec<_> = shown.iter().map(|file| &file.entry.path).filter(|path| str::from_utf8(path).is_err()).collect();
    odd.iter().for_each(|path| note(path, "the name is not valid UTF-8; its other bytes are shown as \\xNN"));
    let mut seen = HashSet::new();
    shown.retain(|file| {
        let first = seen.insert(readable(&file.entry.path));
        if !first {
            note(&file.entry.path, "another file's name reads the same, so only one of them is listed");
        }
        first
    });
    shown
}

impl<'t, 'f, 'a> Surroundings<'t, 'f, 'a> {
    fn new(tree: &Tree<'t>, owned: &[Owned<'t>], parse_of: ParseOf<'f, 'a>) -> Self {
        let mut names: HashMap<_, Names<'t>> = HashMap::new();
        for file in owned {
            names.entry((file.root, file.kind)).or_default().insert(readable(file.id));
        }
        let folders = tree.entries.iter().filter(|entry| entry.kind == TreeEntryKind::Directory);
        let folders = folders.map(|entry| (entry.path.as_slice(), entry.id)).collect();
        Self { parse_of, names, folders }
    }

    fn case(&self, file: &Owned<'t>) -> Case {
        let silent = CaseFile::default();
        let (said, state) = match (self.parse_of)(FileKind::Case, file.entry.id) {
            Some(Parse::Case(said)) => (said, FileState::Ok),
            other => (&silent, malformed(other)),
        };
        Case {
            root: root_path(file.root),
            id: readable(file.id).into_owned(),
            path: readable(&file.entry.path).into_owned(),
            state,
            name: said.name.clone(),
            guid: said.guid.clone(),
            tags: said.tags.clone(),
            description: said.description.clone(),
            blob: file.entry.id,
            scripts: self.scripts(file),
        }
    }

    /// The tree of a case's scripts, which lies under `Scripts` as the case lies under `Test Cases`.
    fn scripts(&self, file: &Owned<'t>) -> Option<ObjectId> {
        let place = file.id.strip_prefix(TEST_CASES)?;
        self.folders.get([file.root, SCRIPTS, place].concat().as_slice()).copied()
    }

    fn suite(&self, file: &Owned<'t>) -> Suite {
        let silent = SuiteFile::silent(SuiteKind::Static);
        let (said, state) = match (self.parse_of)(FileKind::Suite, file.entry.id) {
            Some(Parse::Suite(said)) => (said, FileState::Ok),
            other => (&silent, malformed(other)),
        };
        Suite {
            root: root_path(file.root),
            id: readable(file.id).into_owned(),
            path: readable(&file.entry.path).into_owned(),
            kind: said.kind,
            state,
            name: said.name.clone(),
            guid: said.guid.clone(),
            tags: said.tags.clone(),
            description: said.description.clone(),
            query: said.query.clone(),
            entries: self.entries(file.root, said),
            blob: file.entry.id,
        }
    }

    fn entries(&self, root: &'t [u8], suite: &SuiteFile) -> Vec<Entry> {
        let named = match suite.kind {
            SuiteKind::Static | SuiteKind::Dynamic => FileKind::Case,
            SuiteKind::Collection => FileKind::Suite,
        };
        let none = Names::default();
        let names = self.names.get(&(root, named)).unwrap_or(&none);
        let entry =
            |line: &SuiteLine| Entry { id: line.id.clone(), enabled: line.enabled, state: names.state_of(&line.id) };
        suite.lines.iter().map(entry).collect()
    }
}

fn malformed(parse: Option<&Parse>) -> FileState {
    let reason = match parse {
        Some(Parse::Malformed { reason }) => reason,
        Some(Parse::Project(_) | Parse::Case(_) | Parse::Suite(_)) | None => LEFT_OUT,
    };
    FileState::Malformed { reason: reason.to_owned() }
}
