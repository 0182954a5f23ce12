//! How much room mirrors take, and when one is to be fetched anew.
//!
//! Every update adds packs and nothing ever takes one away: what was superseded stays. Repacking would cost processor
//! time and memory by the size of the repository; fetching the wanted commits anew costs what a fresh mirror weighs. So
//! the heavier a fresh mirror is, the longer that waits, and what it costs is a small part of what the updates did.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// Packs that updates may add. Every look-up asks them one by one; Git, too, tidies up at 50 (`gc.autoPackLimit`).
const ADDED_PACKS: u64 = 50;
/// A fresh mirror of so many bytes is worth one pack more before it is fetched again.
const BYTES_WORTH_A_PACK: u64 = 1 << 20;
/// Each pack in use is an open file, and a process may have 1,024.
const MOST_ADDED_PACKS: u64 = 200;
/// Below this, superseded data is not worth a fetch.
const SUPERSEDED_FLOOR: u64 = 64 << 20;
/// Updates have then brought three times a fresh mirror: fetching one more adds a third to the traffic at most.
const SUPERSEDED_SHARE: u64 = 3;

/// What lies in a mirror's folder of packs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Weight {
    pub(crate) packs: u64,
    /// Of the packs, with their indexes.
    pub(crate) bytes: u64,
}

impl Weight {
    pub(crate) fn of_packs(mirror: &Path) -> Result<Self, Fault> {
        let folder = mirror.join("objects").join("pack");
        let entries = fs::read_dir(&folder).map_err(|error| Fault::io("read the folder", &folder, &error))?;
        let mut weight = Self::default();
        for entry in entries.filter_map(Result::ok) {
            weight.bytes += entry.metadata().map_or(0, |metadata| metadata.len());
            weight.packs += u64::from(entry.path().extension().is_some_and(|extension| extension == "pack"));
        }
        Ok(weight)
    }

    /// Bytes that came since the mirror was fresh.
    pub(crate) fn superseded_since(self, fresh: Self) -> u64 {
        self.bytes.saturating_sub(fresh.bytes)
    }

    /// Whether a mirror that once was as `fresh` is to be fetched anew.
    pub(crate) fn has_outgrown(self, fresh: Self) -> bool {
        let allowed = (ADDED_PACKS + fresh.bytes / BYTES_WORTH_A_PACK).min(MOST_ADDED_PACKS);
        let superseded = self.superseded_since(fresh);
        let too_heavy = superseded > SUPERSEDED_FLOOR && superseded / SUPERSEDED_SHARE > fresh.bytes;
        self.packs.saturating_sub(fresh.packs) > allowed || too_heavy
    }
}

/// The bytes of all files below a path. Symbolic links are not followed, and what cannot be read counts nothing.
pub(crate) fn bytes_below(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    if !found.is_dir() {
        return found.len();
    }
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    entries.filter_map(Result::ok).map(|entry| bytes_below(&entry.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_mirror_is_fetched_anew_by_its_packs_and_by_what_was_superseded() {
        let check = |fresh: (u64, u64), now: (u64, u64), expect: bool| {
            let weight = |(packs, mib): (u64, u64)| Weight { packs, bytes: mib * MIB };
            assert_eq!(weight(now).has_outgrown(weight(fresh)), expect, "{fresh:?} {now:?}");
        };
        check((2, 0), (2, 0), false);
        check((2, 0), (52, 1), false);
        check((2, 0), (53, 1), true);
        check((2, 10), (53, 11), false);
        check((2, 10), (63, 11), true);
        check((2, 4_000), (202, 4_001), false);
        check((2, 4_000), (203, 4_001), true);
        check((2, 1), (3, 60), false);
        check((2, 1), (3, 66), true);
        check((2, 100), (3, 400), false);
        check((2, 100), (3, 404), true);
        // One that got smaller, however that came to be.
        check((9, 100), (1, 1), false);
    }

    #[test]
    fn bytes_are_counted_without_following_links() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        fs::create_dir_all(inside.join("deep")).unwrap();
        fs::write(inside.join("deep/file"), [0; 1000]).unwrap();
        fs::write(folder.path().join("outside"), [0; 100_000]).unwrap();
        std::os::unix::fs::symlink(folder.path(), inside.join("deep/out")).unwrap();
        let counted = bytes_below(&inside);
        assert!((1000..2000).contains(&counted), "{counted}");
        assert_eq!(bytes_below(&folder.path().join("missing")), 0);
    }
}
