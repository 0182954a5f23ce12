//! The folder of one mirror: its name, how it is made, healed and thrown away. All of it with the lock held.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use suitesync_contract::{ConnectionName, RepoUrl};

use super::fault::Fault;
use super::state::State;
use super::store::Store;

/// Only the agent's own user may look into mirrors: they hold other people's code.
const PRIVATE: u32 = 0o700;
/// Characters of the readable part of a name; file names have room for 255 bytes.
const MAX_SLUG: usize = 60;
/// Bytes of the hash in a name: 48 bits keep thousands of mirrors apart.
const HASH_BYTES: usize = 6;
/// Present in a mirror that was found to be damaged; holds the reason.
const CONDEMNED: &str = "condemned";

/// Where one mirror lies and what it is to be.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    connection: String,
    repository: String,
}

impl Folder {
    pub(crate) fn new(mirrors: &Path, connection: &ConnectionName, url: &RepoUrl) -> Self {
        let repository = url.identity().to_string();
        let mut digest = Sha256::new();
        digest.update(connection.as_str());
        digest.update([0]);
        digest.update(&repository);
        let hash = hex::encode(digest.finalize().get(..HASH_BYTES).unwrap_or_default());
        let name = format!("{}-{hash}.git", slug(&format!("{connection}{}", url.path())));
        Self { path: mirrors.join(name), connection: connection.to_string(), repository }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Beside the mirror, as that is renamed; never removed, as that would let two hold it.
    pub(crate) fn lock_path(&self) -> PathBuf {
        self.path.with_extension("lock")
    }

    /// Makes the folder of all mirrors.
    pub(crate) fn make_parent(&self) -> Result<(), Fault> {
        let parent = self.path.parent().unwrap_or(&self.path);
        let made = DirBuilder::new().recursive(true).mode(PRIVATE).create(parent);
        made.map_err(|error| Fault::io("make the folder", parent, &error))
    }

    /// Makes the mirror ready for use: its state, and why it had to be made anew, if it had.
    pub(crate) fn prepare(&self) -> Result<(State, Option<String>), Fault> {
        remove(&self.fresh())?;
        remove(&self.aside())?;
        if fs::symlink_metadata(&self.path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok((self.make()?, None));
        }
        match self.inspect() {
            Ok(state) => Ok((state, None)),
            Err(Fault::Damaged(reason)) => Ok((self.replace()?, Some(reason))),
            Err(other) => Err(other),
        }
    }

    /// Throws the mirror away and makes an empty one.
    pub(crate) fn replace(&self) -> Result<State, Fault> {
        let aside = self.aside();
        remove(&aside)?;
        fs::rename(&self.path, &aside).map_err(|error| Fault::io("move aside", &self.path, &error))?;
        remove(&aside)?;
        self.make()
    }

    /// Marks the mirror for the next one who opens it. A mark that cannot be written costs one more failed sync.
    pub(crate) fn condemn(&self, reason: &str) {
        if let Err(error) = fs::write(self.path.join(CONDEMNED), reason) {
            tracing::debug!(mirror = %self.path.display(), %error, "failed to mark a damaged mirror");
        }
    }

    fn make(&self) -> Result<State, Fault> {
        let fresh = self.fresh();
        remove(&fresh)?;
        let made = DirBuilder::new().mode(PRIVATE).create(&fresh);
        made.map_err(|error| Fault::io("make the folder", &fresh, &error))?;
        Store::create(&fresh)?;
        let state = State::new(self.connection.clone(), self.repository.clone());
        state.write(&fresh)?;
        fs::rename(&fresh, &self.path).map_err(|error| Fault::io("move into place", &fresh, &error))?;
        Ok(state)
    }

    fn inspect(&self) -> Result<State, Fault> {
        if let Ok(reason) = fs::read_to_string(self.path.join(CONDEMNED)) {
            return Err(Fault::Damaged(reason));
        }
        let state = State::read(&self.path)?;
        if !state.belongs_to(&self.connection, &self.repository) {
            return Err(Fault::Damaged("the folder belongs to another repository".to_owned()));
        }
        heal(&self.path)?;
        let store = Store::open(&self.path)?;
        for tip in state.newest(super::MAX_HAVES) {
            // Other faults are the repository's own: they are told when it is read, not when the mirror is opened.
            if let Err(damage @ Fault::Damaged(_)) = store.expect_readable(tip) {
                return Err(damage);
            }
        }
        Ok(state)
    }

    fn fresh(&self) -> PathBuf {
        self.path.with_extension("new")
    }

    fn aside(&self) -> PathBuf {
        self.path.with_extension("old")
    }
}

/// Removes what killed processes left: lock files of Git, temporary packs, and packs without an index or the reverse.
fn heal(path: &Path) -> Result<(), Fault> {
    let packs = path.join("objects").join("pack");
    for file in files(path)?.into_iter().filter(|file| has_extension(file, "lock")) {
        remove(&file)?;
    }
    for file in files(&packs)? {
        let partner = match file.extension().and_then(|extension| extension.to_str()) {
            Some("pack") => Some(file.with_extension("idx")),
            Some("idx") => Some(file.with_extension("pack")),
            _ => None,
        };
        if !partner.is_some_and(|partner| partner.is_file()) {
            remove(&file)?;
        }
    }
    Ok(())
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}

/// What lies in a folder, folders left out.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return Err(Fault::Damaged(format!("the folder {} cannot be read: {error}", folder.display()))),
    };
    let files = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    Ok(files.map(|entry| entry.path()).collect())
}

/// Removes a file or a whole folder, if it is there.
fn remove(path: &Path) -> Result<(), Fault> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Fault::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// A readable part for the folder's name, from the end of the repository's path.
fn slug(text: &str) -> String {
    let letters: Vec<char> =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let words: Vec<String> =
        letters.split(|c| *c == '-').filter(|word| !word.is_empty()).map(String::from_iter).collect();
    let whole = words.join("-");
    let start = whole.len().saturating_sub(MAX_SLUG);
    whole.get(start..).unwrap_or_default().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_short_plain_and_readable() {
        let check = |text: &str, expect: &str| assert_eq!(slug(text), expect);
        check("contoso/contoso/payments/_git/checkout", "contoso-contoso-payments-git-checkout");
        check("a/My%20Project/..", "a-my-20project");
        check("ü/../..", "");
        assert_eq!(slug(&"x".repeat(500)).len(), MAX_SLUG);
    }

    #[test]
    fn leftovers_of_a_killed_process_go_and_whole_packs_stay() {
        let folder = tempfile::tempdir().unwrap();
        let packs = folder.path().join("objects/pack");
        fs::create_dir_all(&packs).unwrap();
        for name in
            ["pack-a.pack", "pack-a.idx", "pack-b.pack", "pack-c.idx", "pack_git2_x1", "tmp_pack_y", "pack-d.idx.lock"]
        {
            fs::write(packs.join(name), "").unwrap();
        }
        for name in ["HEAD", "shallow.lock", "config.lock"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        heal(folder.path()).unwrap();
        let names = |folder: &Path| {
            let mut names: Vec<_> = files(folder)
                .unwrap()
                .iter()
                .map(|file| file.file_name().unwrap().to_str().unwrap().to_owned())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names(&packs), ["pack-a.idx", "pack-a.pack"]);
        assert_eq!(names(folder.path()), ["HEAD"]);
    }
}
