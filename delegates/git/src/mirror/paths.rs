//! Where one mirror lies, what may lie beside it, and the moves between those. All moves with the lock held.
//!
//! Beside `NAME.git` lie `NAME.lock`, `NAME.git.new` while a mirror is made or fetched anew, and `NAME.git.old` while one
//! is taken away. Whatever moment a process is killed at, of the three folders one is whole if one was before:
//! - made: `new` grows, then takes the name. Without the name it is half, and removed.
//! - swapped: `new` grows and gets whole, the mirror becomes `old`, `new` takes the name, `old` is removed. Between the
//!   two renames nothing has the name: `new` gets it if it is whole, else `old`.
//! - thrown away: the mirror becomes `old`, loses its state and then all else. Without a state it is not taken back.
//!   What cannot be removed becomes `NAME.git.old.left-1`, which is no part of this any more.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::access::regain;
use super::fault::Fault;
use super::heal::remove;
use super::state::State;

/// Present in a mirror that is to be fetched anew, to make room, when there is something to fetch.
const SUPERSEDED: &str = "superseded";
/// How often a mirror may become another user's until somebody has to look: each time its room is lost.
const MAX_LEFT: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paths {
    mirror: PathBuf,
}

impl Paths {
    /// Of the mirror with this name.
    pub(crate) fn new(mirrors: &Path, name: &str) -> Self {
        Self { mirror: mirrors.join(name).with_added_extension("git") }
    }

    /// Of the mirror that is fetched anew beside this one. It has no lock of its own.
    pub(crate) fn beside(&self) -> Self {
        Self { mirror: self.fresh() }
    }

    pub(crate) fn mirror(&self) -> &Path {
        &self.mirror
    }

    /// Beside the mirror, as that is renamed.
    pub(crate) fn lock(&self) -> PathBuf {
        self.mirror.with_extension("lock")
    }

    /// Where a new one is made.
    pub(crate) fn fresh(&self) -> PathBuf {
        self.mirror.with_added_extension("new")
    }

    /// Where an old one is taken away.
    pub(crate) fn aside(&self) -> PathBuf {
        self.mirror.with_added_extension("old")
    }

    /// What may lie beside the mirror while something is under way.
    pub(crate) fn leftovers(&self) -> [PathBuf; 4] {
        let beside = self.beside();
        [self.fresh(), self.aside(), beside.fresh(), beside.aside()]
    }

    pub(crate) fn clear_leftovers(&self) -> Result<(), Fault> {
        self.leftovers().iter().try_for_each(|leftover| discard(leftover))
    }

    /// Puts a whole mirror from beside into the place, which is free.
    pub(crate) fn put_in_place(&self, from: &Path) -> Result<(), Fault> {
        fs::rename(from, &self.mirror).map_err(|error| Fault::io("move into place", from, &error))
    }

    /// Puts the whole mirror beside in the place of this one.
    pub(crate) fn swap(&self) -> Result<(), Fault> {
        self.set_aside()?;
        if let Err(fault) = self.put_in_place(&self.fresh()) {
            // If this fails, too, the next one to open does it.
            let _ = fs::rename(self.aside(), &self.mirror);
            return Err(fault);
        }
        if let Err(fault) = discard(&self.aside()) {
            // The swap is done; the next one to open tries again.
            tracing::warn!(mirror = %self.mirror.display(), %fault, "failed to remove an old mirror");
        }
        Ok(())
    }

    /// Takes the mirror away, if there is one.
    pub(crate) fn throw_away(&self) -> Result<(), Fault> {
        if !is_missing(&self.mirror) {
            self.set_aside()?;
        }
        discard(&self.aside())
    }

    /// Asks for the mirror to be fetched anew.
    pub(crate) fn mark_superseded(&self) -> Result<(), Fault> {
        let mark = self.mirror.join(SUPERSEDED);
        fs::write(&mark, "").map_err(|error| Fault::io("write", &mark, &error))
    }

    pub(crate) fn unmark_superseded(&self) -> Result<(), Fault> {
        remove(&self.mirror.join(SUPERSEDED))
    }

    pub(crate) fn is_marked_superseded(&self) -> bool {
        self.mirror.join(SUPERSEDED).exists()
    }

    fn set_aside(&self) -> Result<(), Fault> {
        let aside = self.aside();
        discard(&aside)?;
        fs::rename(&self.mirror, &aside).map_err(|error| Fault::io("move aside", &self.mirror, &error))
    }
}

/// Removes a folder, its state first, so that what is left of it by a kill is never taken for a whole mirror. What is
/// another's is moved to where nobody looks for a mirror, and left there.
pub(crate) fn discard(path: &Path) -> Result<(), Fault> {
    match erase(path) {
        Err(Fault::Denied { .. }) => {
            regain(path);
            erase(path).or_else(|_| leave(path))
        }
        done => done,
    }
}

fn erase(path: &Path) -> Result<(), Fault> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        State::remove(path)?;
    }
    remove(path)
}

fn leave(path: &Path) -> Result<(), Fault> {
    let free =
        (1..=MAX_LEFT).map(|number| path.with_added_extension(format!("left-{number}"))).find(|left| is_missing(left));
    let left = free.ok_or_else(|| Fault::denied("move aside", path, "too much was left there before"))?;
    fs::rename(path, &left).map_err(|error| Fault::io("move aside", path, &error))?;
    tracing::warn!(left = %left.display(), "what lay in the place of a mirror is another user's: it was left and can be removed");
    Ok(())
}

pub(crate) fn is_missing(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}
