//! Where things lie in a Katalon project, judged by names alone.

use std::collections::HashSet;

use suitesync_contract::{TreeEntry, TreeEntryKind};

use crate::file::{FileKind, FileToParse};
use crate::path::{folder, folders, has_folder};
use crate::tree::Tree;

/// Folders below a root, each with its slash.
pub(super) const SCRIPTS: &[u8] = b"Scripts/";
pub(super) const TEST_CASES: &[u8] = b"Test Cases/";
const TEST_SUITES: &[u8] = b"Test Suites/";

/// Eclipse's build output: what lies in it is a copy.
const BUILD_FOLDER: &[u8] = b"bin";

/// Length of `.tc` and of `.ts`.
const EXTENSION: usize = 3;

/// What a path's extension says, letter case included.
pub(super) fn kind_of(path: &[u8]) -> Option<FileKind> {
    if path.ends_with(b".tc") {
        Some(FileKind::Case)
    } else if path.ends_with(b".ts") {
        Some(FileKind::Suite)
    } else if path.ends_with(b".prj") {
        Some(FileKind::Project)
    } else {
        None
    }
}

/// The entries whose extension is Katalon's, folders left out.
pub(super) fn named_files<'a>(tree: &Tree<'a>) -> impl Iterator<Item = (FileKind, &'a TreeEntry)> + use<'a> {
    let entries = tree.entries.iter().filter(|entry| entry.kind != TreeEntryKind::Directory);
    entries.filter_map(|entry| Some((kind_of(&entry.path)?, entry)))
}

/// Whether a `.prj` is a copy in the build output, which makes no root.
pub(super) fn is_build_copy(path: &[u8]) -> bool {
    has_folder(path, BUILD_FOLDER)
}

/// The id, in bytes, of a file of a root: its path below the root without the extension. None where the file is
/// outside the folder for its kind.
pub(super) fn id_below<'a>(root: &[u8], kind: FileKind, path: &'a [u8]) -> Option<&'a [u8]> {
    let below = path.strip_prefix(root)?;
    let home = match kind {
        FileKind::Case => TEST_CASES,
        FileKind::Suite => TEST_SUITES,
        FileKind::Project => return None,
    };
    below.starts_with(home).then(|| below.get(..below.len() - EXTENSION)).flatten()
}

/// Whether a file that no root owns would be a test if one did. Elsewhere `.ts` is TypeScript and the like.
pub(super) fn looks_like_a_test(kind: FileKind, path: &[u8]) -> bool {
    match kind {
        FileKind::Case => true,
        FileKind::Suite => has_folder(path, b"Test Suites"),
        FileKind::Project => false,
    }
}

/// Every project file that could make a root, wherever it lies (a nested root takes files away from the one around
/// it), and the cases and suites in the directory that one of those could own.
pub(super) fn files_to_parse(tree: &Tree<'_>) -> Vec<FileToParse> {
    let is_file = |entry: &TreeEntry| entry.kind == TreeEntryKind::File;
    let projects = || {
        let projects = named_files(tree).filter(|(kind, _)| *kind == FileKind::Project).map(|(_, entry)| entry);
        projects.filter(|entry| is_file(entry) && !is_build_copy(&entry.path))
    };
    let candidates: HashSet<&[u8]> = projects().map(|entry| folder(&entry.path)).collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    let could_be_owned =
        |kind, path| folders(path).any(|root| candidates.contains(root) && id_below(root, kind, path).is_some());
    let tests = named_files(tree)
        .filter(|(kind, entry)| is_file(entry) && tree.shows(&entry.path) && could_be_owned(*kind, &entry.path));
    let projects = projects().map(|entry| FileToParse { kind: FileKind::Project, blob: entry.id });
    projects.chain(tests.map(|(kind, entry)| FileToParse { kind, blob: entry.id })).collect()
}
