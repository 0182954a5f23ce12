//! Finds the reports of a run below its root, and reads them.
//!
//! A report is what a glob names and the run made or changed: [`list`] before, [`read_results`] after. Globs are
//! relative to the root; `*` stays within a folder, `**` crosses. Symbolic links are not followed.

mod glob;
mod merge;
mod reports;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use suitesync_contract::ResultFile;

pub use self::glob::{Globs, InvalidGlob};
use crate::redactor::Redactor;

/// Most reports of one root; collections of hundreds of suites write two a suite.
const MAX_FILES: usize = 20_000;
/// Most entries looked at to find them.
const MAX_ENTRIES: usize = 2_000_000;

/// The reports that lie below a root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// By path below the root.
    files: BTreeMap<PathBuf, Stamp>,
    /// Whether there are more than are listed.
    cut: bool,
}

/// What changes when a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    modified_ns: i128,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Self { size: metadata.size(), modified_ns, inode: metadata.ino() }
    }
}

/// What the reports of a run say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    /// Those with results, and those with something to be told of; by path.
    pub files: Vec<ResultFile>,
    /// What concerns no single file.
    pub notices: Vec<String>,
}

/// Lists what the globs name now.
pub fn list(root: &Path, globs: &Globs) -> Listing {
    let mut listing = Listing::default();
    let mut entries = 0;
    let mut folders: Vec<PathBuf> = globs.folders().to_vec();
    while let Some(folder) = folders.pop() {
        let Ok(inside) = std::fs::read_dir(root.join(&folder)) else { continue };
        for entry in inside.flatten() {
            entries += 1;
            if entries > MAX_ENTRIES || listing.files.len() == MAX_FILES {
                listing.cut = true;
                return listing;
            }
            let path = folder.join(entry.file_name());
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() && entry.file_name() != OsStr::new(".git") {
                folders.push(path);
            } else if metadata.is_file() && globs.name(&path) {
                listing.files.insert(path, Stamp::of(&metadata));
            }
        }
    }
    listing
}

/// Reads what the run made or changed since `before`. Nothing of the run may be alive any more.
///
/// What several reports of Katalon say of the same is merged: copies of one execution count once, and of a suite that
/// was tried again each case counts as it ended last, with the number of its attempts.
pub fn read_results(root: &Path, globs: &Globs, before: &Listing, redactor: &Redactor) -> Results {
    let after = list(root, globs);
    let mut results = Results::default();
    if before.cut || after.cut {
        let notice = format!("more than {MAX_FILES} reports or {MAX_ENTRIES} entries; name fewer in `results`");
        results.notices.push(notice);
    }
    let changed = after.files.iter().filter(|(path, stamp)| before.files.get(*path) != Some(stamp));
    let paths: Vec<&PathBuf> = changed.map(|(path, _)| path).collect();
    let read = reports::read(root, &paths, redactor);
    let merged = merge::merge(read);
    results.notices.extend(merged.notices);
    results.files = merged.files;
    results.files.retain(|file| !file.cases.is_empty() || !file.notices.is_empty());
    results
}

#[cfg(test)]
mod tests;
