//! Which root owns which file, for the whole tree: entries may name files that the linked directory does not show.

use suitesync_contract::{TreeEntry, TreeEntryKind};

use super::layout::{id_below, is_build_copy, looks_like_a_test, named_files};
use super::passed_over::{PassedOver, Reason};
use super::roots::Roots;
use crate::file::FileKind;
use crate::tree::Tree;

/// A case or a suite of a root.
#[derive(Debug)]
pub(super) struct Owned<'t> {
    pub(super) kind: FileKind,
    pub(super) entry: &'t TreeEntry,
    /// The root's folder, with its slash.
    pub(super) root: &'t [u8],
    /// Path below the root without the extension.
    pub(super) id: &'t [u8],
}

/// Tells the roots' files from those in the directory that only look like a test.
pub(super) fn take<'t>(tree: &Tree<'t>, roots: &Roots<'t>) -> (Vec<Owned<'t>>, PassedOver<'t>) {
    let mut owned = Vec::new();
    let mut passed_over = PassedOver::default();
    for (kind, entry) in named_files(tree) {
        match owner(kind, entry, roots) {
            Ok(file) => owned.push(file),
            Err(Some(reason)) if tree.shows(&entry.path) => passed_over.add(reason, &entry.path),
            Err(_) => {}
        }
    }
    (owned, passed_over)
}

/// The file with its owner; without one, why it is passed over, where that is worth telling.
fn owner<'t>(kind: FileKind, entry: &'t TreeEntry, roots: &Roots<'t>) -> Result<Owned<'t>, Option<Reason>> {
    let path = entry.path.as_slice();
    match entry.kind {
        TreeEntryKind::Symlink => return Err(Some(Reason::SymbolicLink)),
        TreeEntryKind::Submodule => return Err(Some(Reason::Submodule)),
        TreeEntryKind::Directory => return Err(None),
        TreeEntryKind::File => {}
    }
    if kind == FileKind::Project {
        return Err(is_build_copy(path).then_some(Reason::BuildCopy));
    }
    let looks_like_a_test = || looks_like_a_test(kind, path);
    let Some(root) = roots.home(path) else {
        let reason = if roots.is_empty() { Reason::NoRoot } else { Reason::OutsideRoots };
        return Err(looks_like_a_test().then_some(reason));
    };
    match id_below(root, kind, path) {
        Some(id) => Ok(Owned { kind, entry, root, id }),
        None => Err((kind == FileKind::Case).then_some(Reason::OutsideTestCases)),
    }
}
