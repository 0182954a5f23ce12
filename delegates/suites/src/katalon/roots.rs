//! The roots of a tree: folders whose `.prj` says that it is a project.

use std::collections::BTreeMap;

use suitesync_contract::{Notice, Root, TreeEntryKind, readable};

use super::layout::{is_build_copy, named_files};
use super::{LEFT_OUT, NAME};
use crate::file::{FileKind, Parse};
use crate::format::ParseOf;
use crate::path::{folder, folders};
use crate::tree::Tree;

/// Every root of the tree: its folder, with the slash, and its project's name.
#[derive(Debug, Default)]
pub(super) struct Roots<'t>(BTreeMap<&'t [u8], String>);

impl<'t> Roots<'t> {
    /// Finds the roots; a `.prj` that makes none is a notice where it bears on the directory.
    pub(super) fn find(tree: &Tree<'t>, parse_of: ParseOf<'_, '_>) -> (Self, Vec<Notice>) {
        let files = named_files(tree).filter(|(kind, entry)| {
            *kind == FileKind::Project && entry.kind == TreeEntryKind::File && !is_build_copy(&entry.path)
        });
        let mut files: Vec<_> = files.map(|(_, entry)| entry).collect();
        // Of several project files in one folder the first names it.
        files.sort_by_key(|entry| &entry.path);
        let mut roots = BTreeMap::new();
        let mut notices = Vec::new();
        for entry in files {
            let reason = match parse_of(FileKind::Project, entry.id) {
                Some(Parse::Project(project)) => {
                    roots.entry(folder(&entry.path)).or_insert_with(|| project.name.clone());
                    continue;
                }
                Some(Parse::Malformed { reason }) => reason.as_str(),
                Some(Parse::Case(_) | Parse::Suite(_)) | None => LEFT_OUT,
            };
            if tree.bears_on(&entry.path) {
                let message = format!("this .prj makes no root: {reason}");
                notices.push(Notice { path: readable(&entry.path).into_owned(), message });
            }
        }
        (Self(roots), notices)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The innermost root that a path lies in.
    pub(super) fn home(&self, path: &'t [u8]) -> Option<&'t [u8]> {
        if self.is_empty() {
            return None;
        }
        folders(path).find(|folder| self.0.contains_key(folder))
    }

    /// The roots that the directory lies in or holds.
    pub(super) fn report(&self, tree: &Tree<'_>) -> Vec<Root> {
        let touched = self.0.iter().filter(|(folder, _)| tree.touches(folder));
        let root = |(folder, name): (&&[u8], &String)| Root {
            path: root_path(folder),
            name: name.clone(),
            format: NAME.to_owned(),
        };
        touched.map(root).collect()
    }
}

/// A root's folder as reports have it: without the slash.
pub(super) fn root_path(folder: &[u8]) -> String {
    readable(folder.strip_suffix(b"/").unwrap_or(folder)).into_owned()
}
