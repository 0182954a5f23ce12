//! Trees as Git stores them (`<mode> <name>\0<20 bytes>` an entry) and the walk over all of them, bounded.
//!
//! Names that could lead out of a folder or into Git's own are refused here, once for everybody who reads trees.

use std::collections::HashSet;

use suitesync_contract::{ObjectId, TreeEntry, TreeEntryKind};

use super::fault::Fault;
use super::store::Store;
use crate::limits::Limits;

const ID_BYTES: usize = 20;
/// The bits of a mode that say what an entry is.
const KIND_BITS: u32 = 0o170_000;
/// The bit of a file's mode that says that its owner may execute it.
const EXECUTABLE_BIT: u32 = 0o100;
/// Bytes of all trees that are open within each other while one is walked: as many as one tree alone may have. Ordinary
/// ones have some hundred kilobytes.
const MAX_OPEN: usize = 64 << 20;

/// One tree, every name of it checked.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    entries: Vec<Entry<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry<'a> {
    name: &'a [u8],
    id: ObjectId,
    kind: TreeEntryKind,
    is_executable: bool,
}

/// What lies below a directory.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// In Git's order, a directory before what it holds.
    pub(crate) entries: Vec<TreeEntry>,
    /// The places of those that may be executed.
    pub(crate) executables: HashSet<usize>,
}

impl<'a> Tree<'a> {
    pub(crate) fn parse(tree: ObjectId, bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut entries = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (entry, after) =
                split_entry(rest).ok_or_else(|| Fault::Refused(format!("tree {tree} is malformed")))?;
            if let Some(reason) = refusal(entry.name) {
                let name = entry.name.escape_ascii();
                return Err(Fault::Refused(format!("tree {tree} holds the entry `{name}`, {reason}")));
            }
            entries.push(entry);
            rest = after;
        }
        Ok(Self { entries })
    }
}

/// Everything below a tree in Git's order, a directory before what it holds.
pub(crate) fn list(store: &Store, top: ObjectId, limits: &Limits) -> Result<Vec<TreeEntry>, Fault> {
    walk(store, top, "", limits).map(|listing| listing.entries)
}

/// Everything below a directory, with whole paths; nothing where there is no such directory.
pub(crate) fn list_below(
    store: &Store,
    top: ObjectId,
    directory: &str,
    limits: &Limits,
) -> Result<Option<Listing>, Fault> {
    let mut tree = top;
    for name in directory.split('/').filter(|name| !name.is_empty()) {
        let bytes = store.read_tree(tree)?;
        let is_it = |entry: &Entry<'_>| entry.name == name.as_bytes() && entry.kind == TreeEntryKind::Directory;
        match Tree::parse(tree, &bytes)?.entries.into_iter().find(is_it) {
            Some(entry) => tree = entry.id,
            None => return Ok(None),
        }
    }
    walk(store, tree, directory, limits).map(Some)
}

fn walk(store: &Store, tree: ObjectId, directory: &str, limits: &Limits) -> Result<Listing, Fault> {
    let budget = Budget { limits, entries: 0, bytes: 0 };
    let depth = directory.split('/').filter(|name| !name.is_empty()).count();
    let mut walk = Walk { store, budget, open: 0, path: directory.as_bytes().to_vec(), found: Listing::default() };
    walk.enter(tree, depth + 1)?;
    Ok(walk.found)
}

/// A walk under way.
struct Walk<'a> {
    store: &'a Store,
    budget: Budget<'a>,
    /// Bytes of the trees that it is in.
    open: usize,
    /// Of the directory that it is in, then of the entry that it is at.
    path: Vec<u8>,
    found: Listing,
}

impl Walk<'_> {
    /// Lists a tree that is the last of so many within each other, which its limit bounds.
    fn enter(&mut self, tree: ObjectId, depth: usize) -> Result<(), Fault> {
        let bytes = self.store.read_tree(tree)?;
        self.open += bytes.len();
        if self.open > MAX_OPEN {
            return Err(Fault::TooLarge(format!("directories within each other take more than {MAX_OPEN} bytes")));
        }
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        let folder = self.path.len();
        for entry in Tree::parse(tree, &bytes)?.entries {
            self.path.truncate(folder);
            self.path.extend_from_slice(entry.name);
            self.budget.spend(&self.path)?;
            if entry.is_executable {
                self.found.executables.insert(self.found.entries.len());
            }
            self.found.entries.push(TreeEntry { path: self.path.clone(), id: entry.id, kind: entry.kind });
            if entry.kind == TreeEntryKind::Directory {
                let most = self.budget.limits.tree_depth;
                if depth >= most {
                    return Err(Fault::TooLarge(format!("directories are nested more than {most} deep")));
                }
                self.enter(entry.id, depth + 1)?;
            }
        }
        self.open -= bytes.len();
        Ok(())
    }
}

/// What a walk has used of its limits.
struct Budget<'a> {
    limits: &'a Limits,
    entries: usize,
    bytes: usize,
}

impl Budget<'_> {
    fn spend(&mut self, path: &[u8]) -> Result<(), Fault> {
        self.entries += 1;
        self.bytes += path.len();
        if self.entries > self.limits.tree_entries {
            return Err(Fault::TooLarge(format!(
                "it holds more than {} files and directories",
                self.limits.tree_entries
            )));
        }
        if path.len() > self.limits.path_bytes {
            return Err(Fault::TooLarge(format!("a path has more than {} bytes", self.limits.path_bytes)));
        }
        if self.bytes > self.limits.paths_bytes {
            return Err(Fault::TooLarge(format!("its paths have more than {} bytes", self.limits.paths_bytes)));
        }
        Ok(())
    }
}

/// The first entry and what comes after it.
fn split_entry(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let (mode, rest) = (bytes.get(..space)?, bytes.get(space + 1..)?);
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (name, rest) = (rest.get(..end)?, rest.get(end + 1..)?);
    let (id, after) = rest.split_first_chunk::<ID_BYTES>()?;
    let mode = u32::from_str_radix(std::str::from_utf8(mode).ok()?, 8).ok()?;
    let kind = kind(mode)?;
    let is_executable = kind == TreeEntryKind::File && mode & EXECUTABLE_BIT != 0;
    Some((Entry { name, id: ObjectId::from_bytes(*id), kind, is_executable }, after))
}

fn kind(mode: u32) -> Option<TreeEntryKind> {
    match mode & KIND_BITS {
        0o100_000 => Some(TreeEntryKind::File),
        0o040_000 => Some(TreeEntryKind::Directory),
        0o120_000 => Some(TreeEntryKind::Symlink),
        0o160_000 => Some(TreeEntryKind::Submodule),
        _ => None,
    }
}

/// Why a name may not be in a tree, if it may not.
fn refusal(name: &[u8]) -> Option<&'static str> {
    match name {
        b"" => Some("which is empty"),
        b"." | b".." => Some("which leads out of the folder"),
        name if name.eq_ignore_ascii_case(b".git") => Some("which is Git's own"),
        name if name.contains(&b'/') => Some("which is a path and no name"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(mode: &str, name: &[u8]) -> Vec<u8> {
        [mode.as_bytes(), b" ", name, b"\0", &[7; ID_BYTES]].concat()
    }

    fn parse(bytes: &[u8]) -> Result<Vec<Entry<'_>>, String> {
        let tree = Tree::parse(ObjectId::from_bytes([1; 20]), bytes);
        tree.map(|tree| tree.entries).map_err(|fault| fault.to_string())
    }

    #[test]
    fn the_mode_says_what_an_entry_is() {
        let check =
            |mode, expect| assert_eq!(parse(&raw(mode, b"x")).unwrap().pop().map(|entry| entry.kind), Some(expect));
        check("100644", TreeEntryKind::File);
        check("100755", TreeEntryKind::File);
        check("100664", TreeEntryKind::File);
        check("40000", TreeEntryKind::Directory);
        check("120000", TreeEntryKind::Symlink);
        check("160000", TreeEntryKind::Submodule);
    }

    #[test]
    fn files_alone_may_be_executed() {
        let check = |mode, expect| {
            assert_eq!(parse(&raw(mode, b"x")).unwrap().pop().map(|entry| entry.is_executable), Some(expect));
        };
        check("100755", true);
        check("100644", false);
        check("40755", false);
    }

    #[test]
    fn dangerous_names_are_refused_and_shown_escaped() {
        for name in [&b""[..], b".", b"..", b".git", b".GIT", b".gIt", b"a/b", b"/etc"] {
            assert!(parse(&raw("100644", name)).is_err(), "{name:?}");
        }
        let message = parse(&raw("100644", b"a/\x1b[31m")).unwrap_err();
        assert!(message.contains(r"`a/\x1b[31m`"), "{message}");
    }

    #[test]
    fn unusual_but_harmless_names_are_kept() {
        for name in [&b"..."[..], b".gitignore", b" ", b"\xff\xfe", b"a\\b", b"con"] {
            let tree = raw("100644", name);
            assert_eq!(parse(&tree).unwrap().pop().map(|entry| entry.name), Some(name));
        }
    }

    #[test]
    fn cut_and_malformed_trees_are_refused() {
        let whole = raw("100644", b"name");
        for end in 1..whole.len() {
            assert!(parse(whole.get(..end).unwrap()).is_err(), "{end}");
        }
        for mode in ["", "9", "10064x", "20000", "77777777777777777777"] {
            assert!(parse(&raw(mode, b"x")).is_err(), "{mode:?}");
        }
    }
}
