//! What a format of test projects answers, and the registry of the formats there are.

use suitesync_contract::{Discovery, ObjectId};

use crate::file::{Content, FileKind, FileToParse, Parse};
use crate::katalon::Katalon;
use crate::tree::Tree;

/// Every format; a further one is a module and a line here.
pub(crate) const FORMATS: &[&dyn Format] = &[&Katalon];

/// Looks up what a file says, by its kind and blob.
pub(crate) type ParseOf<'f, 'a> = &'f dyn Fn(FileKind, ObjectId) -> Option<&'a Parse>;

/// A way to lay out test projects in a repository.
pub(crate) trait Format: Sync {
    /// Whether files of this kind are this format's.
    fn reads(&self, kind: FileKind) -> bool;

    /// The files whose content matters, judged by names alone; repeats are harmless.
    fn files_to_parse(&self, tree: &Tree<'_>) -> Vec<FileToParse>;

    /// What one file says. Asked only for kinds that it reads.
    fn parse(&self, kind: FileKind, content: Content<'_>) -> Parse;

    /// The tests within the tree's directory, in any order.
    fn discover(&self, tree: &Tree<'_>, parse_of: ParseOf<'_, '_>) -> Discovery;
}
