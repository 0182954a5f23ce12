//! A commit's tree and the directory in it that a link shows.

use suitesync_contract::TreeEntry;

use crate::path::folder;

/// The whole tree, with the linked directory marked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tree<'a> {
    pub(crate) entries: &'a [TreeEntry],
    directory: &'a [u8],
}

impl<'a> Tree<'a> {
    pub(crate) fn new(entries: &'a [TreeEntry], directory: &'a str) -> Self {
        Self { entries, directory: directory.as_bytes() }
    }

    /// Whether a path lies in the directory.
    pub(crate) fn shows(&self, path: &[u8]) -> bool {
        match path.strip_prefix(self.directory) {
            Some(rest) => self.directory.is_empty() || rest.is_empty() || rest.starts_with(b"/"),
            None => false,
        }
    }

    /// Whether a folder, given with its slash, holds the directory or lies in it.
    pub(crate) fn touches(&self, holder: &[u8]) -> bool {
        let holder = holder.strip_suffix(b"/").unwrap_or(holder);
        let above = self.directory.strip_prefix(holder);
        let holds = above.is_some_and(|rest| holder.is_empty() || rest.is_empty() || rest.starts_with(b"/"));
        holds || self.shows(holder)
    }

    /// Whether a file lies in the directory or beside a folder on the way to it.
    pub(crate) fn bears_on(&self, path: &[u8]) -> bool {
        self.shows(path) || self.touches(folder(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_shows_what_lies_in_it_and_not_its_namesakes() {
        let tree = Tree::new(&[], "tests/qa");
        for (path, shown) in [("tests/qa/a.tc", true), ("tests/qa", true), ("tests/qa2/a.tc", false), ("a.tc", false)] {
            assert_eq!(tree.shows(path.as_bytes()), shown, "{path}");
        }
        assert!(Tree::new(&[], "").shows(b"anything"));
    }

    #[test]
    fn a_folder_above_or_below_the_directory_touches_it() {
        let tree = Tree::new(&[], "tests/qa");
        for (folder, touched) in
            [("", true), ("tests/", true), ("tests/qa/", true), ("tests/qa/x/", true), ("tes/", false), ("x/", false)]
        {
            assert_eq!(tree.touches(folder.as_bytes()), touched, "{folder}");
        }
    }
}
