//! How much disk a folder takes, found out within bounds.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Most entries looked at: some ten large checkouts, and a few seconds.
const MAX_ENTRIES: u64 = 2_000_000;
/// The unit in which the kernel counts blocks, whatever the file system's own is.
const BLOCK: u64 = 512;

/// What lies in a folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// Bytes taken on disk: a sparse file takes what is written of it.
    pub bytes: u64,
    pub entries: u64,
    /// Whether all of it was looked at; else it is at least this much.
    pub whole: bool,
}

/// Looks at a folder and all below it on the same file system. Symbolic links are not followed; what goes away
/// meanwhile does not count. Files that are deleted and still open are not seen.
pub fn measure(folder: &Path) -> Measured {
    measure_up_to(MAX_ENTRIES, folder)
}

impl Measured {
    /// Whether there is more than so many bytes, or so much else that nobody knows.
    pub(crate) fn exceeds(self, bytes: u64) -> bool {
        self.bytes > bytes || !self.whole
    }
}

fn measure_up_to(most: u64, folder: &Path) -> Measured {
    let mut measured = Measured { whole: true, ..Measured::default() };
    let Ok(top) = fs::symlink_metadata(folder) else { return measured };
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            if measured.entries == most {
                measured.whole = false;
                return measured;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            measured.entries += 1;
            measured.bytes = measured.bytes.saturating_add(metadata.blocks().saturating_mul(BLOCK));
            if metadata.is_dir() && metadata.dev() == top.dev() {
                folders.push(entry.path());
            }
        }
    }
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_below_count_and_what_links_point_to_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        fs::write(below.join("file"), vec![1; 100_000]).unwrap();
        std::os::unix::fs::symlink("/usr", folder.path().join("link")).unwrap();
        fs::File::create(folder.path().join("sparse")).unwrap().set_len(1 << 40).unwrap();
        let measured = measure(folder.path());
        assert_eq!((measured.entries, measured.whole), (5, true));
        assert!((100_000..1_000_000).contains(&measured.bytes), "{}", measured.bytes);
    }

    #[test]
    fn what_cannot_be_looked_at_to_its_end_counts_as_too_much() {
        let folder = tempfile::tempdir().unwrap();
        ["a", "b", "c"].iter().for_each(|name| fs::write(folder.path().join(name), "x").unwrap());
        for (most, limit, expect) in [(3, 1 << 20, false), (2, 1 << 20, true), (3, 0, true)] {
            assert_eq!(measure_up_to(most, folder.path()).exceeds(limit), expect, "{most} {limit}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_takes_nothing() {
        assert_eq!(measure(Path::new("/nowhere/at/all")).entries, 0);
    }
}
