//! Files of a commit put into a folder, for those who execute them.
//!
//! What lies below one directory is written, each file with its whole path in the repository. Names that lead out were
//! refused when the trees were read; here a symbolic link is refused that points out of the folder, and a checkout that
//! is larger than its limit. Nothing is converted: files have the bytes of their blobs. A submodule is an empty folder.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use suitesync_contract::{Failure, FailureClass, ObjectId, TreeEntry, TreeEntryKind};
use tokio_util::sync::CancellationToken;

use super::extent::Extent;
use super::fault::{Fault, blocking};
use super::store::Store;
use super::tree::Listing;
use super::{BlobContent, Mirror};
use crate::limits::Limits;

/// `PATH_MAX` of Linux bounds what a link can say.
const MAX_TARGET: u64 = 4096;
const FOLDER: u32 = 0o755;
const PLAIN: u32 = 0o644;
const EXECUTABLE: u32 = 0o755;

impl Mirror {
    /// Whether what lies below a directory can be checked out without asking the server for anything.
    pub async fn can_check_out(&self, commit: ObjectId, directory: &str) -> Result<bool, Failure> {
        if !self.state.holds(commit) {
            return Ok(false);
        }
        let contents = contents(&self.listing(commit, directory).await?);
        Ok(self.missing(&contents).await?.is_empty())
    }

    /// Gets from the server what lacks of a directory, after [`Mirror::fetch`].
    pub async fn ensure_directory(&mut self, commit: ObjectId, directory: &str) -> Result<(), Failure> {
        let contents = contents(&self.listing(commit, directory).await?);
        self.ensure_blobs(&contents).await
    }

    /// Writes what lies below a directory (`/`-separated, empty for all) into `folder`, which is there and empty. What is
    /// half done when it fails or is canceled is the caller's to remove.
    pub async fn check_out(
        &self,
        commit: ObjectId,
        directory: &str,
        folder: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let listing = self.listing(commit, directory).await?;
        // With a slash in front it would be a place of its own.
        let directory = directory.trim_matches('/');
        let (mirror, store, held) = (Arc::clone(&self.folder), self.store.clone(), Arc::clone(&self.lock));
        let (limits, extent, top) = (self.limits, self.extent, folder.join(directory));
        let (folder, cancel) = (folder.to_owned(), cancel.clone());
        let written = blocking(move || {
            DirBuilder::new()
                .recursive(true)
                .mode(FOLDER)
                .create(&top)
                .map_err(|error| Fault::io("make the folder", &top, &error))?;
            let written = store.read(mirror.path(), |store| {
                let mut checkout = Checkout { store, limits: &limits, extent, folder: &folder, written: 0 };
                checkout.write(&listing, &cancel)
            });
            drop(held);
            written
        });
        written.await.map_err(|fault| self.reported(fault))
    }

    async fn listing(&self, commit: ObjectId, directory: &str) -> Result<Listing, Failure> {
        let (mirror, store, limits) = (Arc::clone(&self.folder), self.store.clone(), self.limits);
        let below = directory.trim_matches('/').to_owned();
        let listed = blocking(move || store.read(mirror.path(), |store| store.listing(commit, &below, &limits))).await;
        listed.map_err(|fault| self.reported(fault))?.ok_or_else(|| {
            let cause = format!("there is no directory `{directory}` at commit {}", commit.short());
            self.place.repository_failure(FailureClass::PathNotFound, "check out", cause)
        })
    }
}

/// What has to be read to write all of it.
fn contents(listing: &Listing) -> Vec<ObjectId> {
    let has_content = |entry: &&TreeEntry| matches!(entry.kind, TreeEntryKind::File | TreeEntryKind::Symlink);
    listing.entries.iter().filter(has_content).map(|entry| entry.id).collect()
}

/// A checkout under way.
struct Checkout<'a> {
    store: &'a Store,
    limits: &'a Limits,
    extent: Extent,
    folder: &'a Path,
    /// Bytes of files so far.
    written: u64,
}

impl Checkout<'_> {
    fn write(&mut self, listing: &Listing, cancel: &CancellationToken) -> Result<(), Fault> {
        for (place, entry) in listing.entries.iter().enumerate() {
            if cancel.is_cancelled() {
                return Err(Fault::Canceled);
            }
            let path = self.folder.join(OsStr::from_bytes(&entry.path));
            match entry.kind {
                TreeEntryKind::Directory | TreeEntryKind::Submodule => {
                    let made = DirBuilder::new().mode(FOLDER).create(&path);
                    made.map_err(|error| Fault::io("make the folder", &path, &error))?;
                }
                TreeEntryKind::File => {
                    let mode = if listing.executables.contains(&place) { EXECUTABLE } else { PLAIN };
                    let bytes = self.read(entry, self.limits.file_bytes)?;
                    self.spend(bytes.len() as u64)?;
                    let written = create(&path, mode).and_then(|mut file| file.write_all(&bytes));
                    written.map_err(|error| Fault::io("write", &path, &error))?;
                }
                TreeEntryKind::Symlink => self.link(entry, &path)?,
            }
        }
        Ok(())
    }

    fn link(&mut self, entry: &TreeEntry, path: &Path) -> Result<(), Fault> {
        let target = PathBuf::from(OsStr::from_bytes(&self.read(entry, MAX_TARGET)?));
        let depth = entry.path.iter().filter(|byte| **byte == b'/').count();
        if !stays_inside(&target, depth) {
            let (path, target) = (entry.path.escape_ascii(), target.as_os_str().as_bytes().escape_ascii());
            let message = format!("the symbolic link `{path}` points to `{target}`, out of the repository");
            return Err(Fault::Refused(message));
        }
        symlink(&target, path).map_err(|error| Fault::io("make the link", path, &error))
    }

    fn read(&self, entry: &TreeEntry, max: u64) -> Result<Vec<u8>, Fault> {
        match self.store.read_blob(entry.id, max, self.extent)? {
            BlobContent::Bytes(bytes) => Ok(bytes),
            BlobContent::TooLarge(size) => {
                Err(Fault::TooLarge(format!("`{}` has {size} bytes, more than {max}", entry.path.escape_ascii())))
            }
        }
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Fault> {
        self.written = self.written.saturating_add(bytes);
        let most = self.limits.checkout_bytes;
        if self.written > most {
            return Err(Fault::TooLarge(format!("its files have more than {most} bytes")));
        }
        Ok(())
    }
}

/// A new file: one that is there is never written through.
fn create(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

/// Whether a link that lies so many folders below the top can only lead to what is below the top. Going up is allowed at
/// the beginning alone: after a name, which may be a link itself, `..` is not what it looks like.
fn stays_inside(target: &Path, depth: usize) -> bool {
    let bytes = target.as_os_str().as_bytes();
    if bytes.is_empty() || bytes.starts_with(b"/") || bytes.contains(&0) {
        return false;
    }
    let names = bytes.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    let up = names.clone().take_while(|name| *name == b"..").count();
    up <= depth && names.skip(up).all(|name| name != b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_below_the_top() {
        let check =
            |target: &str, depth, expect| assert_eq!(stays_inside(Path::new(target), depth), expect, "{target}");
        check("a/b", 0, true);
        check("./a//b/.", 0, true);
        check("..", 1, true);
        check("../../a", 2, true);
        check("../../a", 1, false);
        check("a/../b", 3, false);
        check("..a/...", 0, true);
        check("/etc/passwd", 9, false);
        check("", 0, false);
    }
}
