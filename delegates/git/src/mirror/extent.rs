//! How much of its commits a mirror holds, and how it says so, to us and to Git's own tools.
//!
//! A whole mirror needs no word. One that lacks blobs is a partial clone as Git knows it (gitpartial-clone, gitformat
//! of `extensions.partialClone`): its configuration names a promisor and the filter, a `.promisor` file stands beside
//! every pack, and `description` tells people. So `git fsck` accepts it, the missing blobs included. The promisor has no
//! URL: only the delegate, which has the credentials, fetches here.

use std::fs::{self, File};
use std::path::Path;

use git2::Config;

use super::fault::Fault;
use super::store::open_repository;

const PROMISOR: &str = "origin";
/// Its presence is what makes a mirror a partial one; written last. Git heeds it in repositories of any version.
const EXTENSION: &str = "extensions.partialClone";
const DESCRIPTION: &str = "Mirror made by suitesync: single commits without their parents, with all of their trees \
                           and only those blobs that were needed (filter blob:none).\n";

/// What of a held commit is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Its trees and blobs.
    Whole,
    /// Its trees, and the blobs that were needed so far.
    Blobless,
}

impl Extent {
    /// What the mirror says of itself; packs that a killed process left unmarked are marked.
    pub(crate) fn declared(folder: &Path) -> Result<Self, Fault> {
        let declared = Config::open(&folder.join("config")).is_ok_and(|config| config.get_string(EXTENSION).is_ok());
        if !declared {
            return Ok(Self::Whole);
        }
        promise_packs(folder)?;
        Ok(Self::Blobless)
    }
}

/// Makes a mirror one that may lack blobs.
pub(crate) fn declare_blobless(folder: &Path) -> Result<(), Fault> {
    let described = folder.join("description");
    fs::write(&described, DESCRIPTION).map_err(|error| Fault::io("write", &described, &error))?;
    let configure = || {
        let mut config = open_repository(folder)?.config()?;
        config.set_bool(&format!("remote.{PROMISOR}.promisor"), true)?;
        config.set_str(&format!("remote.{PROMISOR}.partialCloneFilter"), "blob:none")?;
        config.set_str(EXTENSION, PROMISOR)
    };
    configure().map_err(|error| Fault::writing(folder, &error))?;
    promise_packs(folder)
}

/// Marks every pack as one whose objects may name others that are not here.
pub(crate) fn promise_packs(folder: &Path) -> Result<(), Fault> {
    let packs = folder.join("objects").join("pack");
    let listed = fs::read_dir(&packs).map_err(|error| Fault::io("read the folder", &packs, &error))?;
    for entry in listed.filter_map(Result::ok) {
        let mark = entry.path().with_extension("promisor");
        if entry.path().extension().is_some_and(|extension| extension == "pack") && !mark.exists() {
            File::create(&mark).map_err(|error| Fault::io("write", &mark, &error))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::store::Store;

    #[test]
    fn a_mirror_is_whole_until_it_says_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        Store::create(folder.path()).unwrap();
        assert_eq!(Extent::declared(folder.path()).unwrap(), Extent::Whole);
        declare_blobless(folder.path()).unwrap();
        assert_eq!(Extent::declared(folder.path()).unwrap(), Extent::Blobless);
    }

    #[test]
    fn packs_are_marked_when_the_mirror_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        Store::create(folder.path()).unwrap();
        declare_blobless(folder.path()).unwrap();
        fs::write(folder.path().join("objects/pack/pack-1.pack"), "").unwrap();
        Extent::declared(folder.path()).unwrap();
        assert!(folder.path().join("objects/pack/pack-1.promisor").exists());
    }
}
