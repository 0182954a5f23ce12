//! Finds tests in a tree: bytes in, tests out.
//!
//! A crate of its own so that nothing in it can do I/O, wait or read a clock: its manifest knows no runtime. A sync
//! asks in three steps, so that only blobs never parsed before are read:
//!
//! 1. [`files_to_parse`] names the files whose content matters, from the names in the tree alone;
//! 2. [`parse`] says what one file says; the answer depends on the bytes alone and may be remembered under
//!    ([`PARSER_VERSION`], kind, blob);
//! 3. [`discover`] puts names and answers together.
//!
//! A format of test projects is one module and one line in `format::FORMATS`.

mod allowance;
mod file;
mod fold;
mod format;
mod katalon;
mod path;
mod tree;
mod xml;

use std::collections::HashSet;

use suitesync_contract::{Discovery, ObjectId, TreeEntry};

pub use crate::allowance::Allowance;
pub use crate::file::{CaseFile, Content, FileKind, FileToParse, MAX_FILE, Parse, ProjectFile, SuiteFile, SuiteLine};
use crate::format::FORMATS;
use crate::tree::Tree;

/// Raise when a parse of the same bytes would come out differently; remembered parses of another version are not used.
pub const PARSER_VERSION: u32 = 2;

/// The blobs that [`discover`] will ask for, each once.
///
/// `entries` is the whole tree of a commit, recursively, directories included; `directory` is the linked one, without
/// slashes at its ends, empty for the whole repository.
pub fn files_to_parse(entries: &[TreeEntry], directory: &str) -> Vec<FileToParse> {
    let tree = Tree::new(entries, directory);
    let mut seen = HashSet::new();
    let files = FORMATS.iter().flat_map(|format| format.files_to_parse(&tree));
    files.filter(|file| seen.insert(*file)).collect()
}

/// What one file says.
pub fn parse(kind: FileKind, content: Content<'_>) -> Parse {
    match FORMATS.iter().find(|format| format.reads(kind)) {
        Some(format) => format.parse(kind, content),
        None => Parse::malformed("no format reads files of this kind"),
    }
}

/// The tests under `directory`. Needs the parses that [`files_to_parse`] named, as far as an [`Allowance`] admits them: a
/// file without one is malformed. What is found has an allowance of its own, as many paths may have one blob.
pub fn discover<'a>(
    entries: &[TreeEntry],
    directory: &str,
    parse_of: impl Fn(FileKind, ObjectId) -> Option<&'a Parse>,
) -> Discovery {
    discover_within(&Allowance::default(), entries, directory, parse_of)
}

fn discover_within<'a>(
    allowance: &Allowance,
    entries: &[TreeEntry],
    directory: &str,
    parse_of: impl Fn(FileKind, ObjectId) -> Option<&'a Parse>,
) -> Discovery {
    let tree = Tree::new(entries, directory);
    let parse_of = |kind, blob| parse_of(kind, blob).filter(|parse| allowance.admits(parse));
    let mut all = Discovery::default();
    for format in FORMATS {
        let found = format.discover(&tree, &parse_of);
        all.roots.extend(found.roots);
        all.cases.extend(found.cases);
        all.suites.extend(found.suites);
        all.notices.extend(found.notices);
    }
    all.roots.sort_by(|a, b| a.path.cmp(&b.path));
    all.cases.sort_by(|a, b| (&a.root, &a.id).cmp(&(&b.root, &b.id)));
    all.suites.sort_by(|a, b| (&a.root, &a.id).cmp(&(&b.root, &b.id)));
    all.notices.sort();
    all
}
