//! The care for all mirrors of a folder: unused ones go, and the disk budget holds.
//!
//! - A mirror is wanted while someone names it in `wanted`, and was last used when it was last wanted or opened: polls
//!   that find nothing new do not open it. One that is not wanted goes when it has not been used for `keep`.
//! - When mirrors take more than their budget, they are brought down to [`AIM_PERCENT`] of it, so that the next update does
//!   not begin it all again: first the unwanted ones go, the longest unused first, whatever `keep` says. Then the wanted
//!   ones are marked for a fetch anew, the one with the most superseded data first; what that will free counts as freed.
//! - A wanted mirror is never removed. Where nothing more can be done the report says how much is too much.
//! - One that is open, here or in another process, is left alone until the next time.
//! - Ours is a real folder that has the name of a mirror and the lock that goes with it. All else is not touched, and
//!   symbolic links are not followed.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use super::Mirrors;
use super::fault::Fault;
use super::folder::Folder;
use super::lock::{Lock, note_use_of};
use super::name::{MirrorKey, is_mirror_name};
use super::paths::{Paths, is_missing};
use super::state::State;
use super::usage::{Weight, bytes_below};

/// Where a folder that got over its budget is brought down to.
const AIM_PERCENT: u64 = 80;

/// What the operator allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CarePolicy {
    /// How long a mirror is kept that nobody uses.
    pub keep: Duration,
    /// What all mirrors together may take.
    pub budget_bytes: u64,
}

/// What the care did, and what it could not do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CareReport {
    pub removed: Vec<RemovedMirror>,
    /// Those that will be fetched anew with their next update, and were not before.
    pub marked: Vec<String>,
    /// What the mirrors that are left take now.
    pub kept_bytes: u64,
    /// How much more than the budget they will take when those that are marked have been fetched anew.
    pub excess_bytes: u64,
}

/// A mirror that went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedMirror {
    /// The name of its folder, without the ending.
    pub name: String,
    pub reason: RemovalReason,
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalReason {
    /// Nobody used it for as long as it was to be kept.
    Unused,
    /// Nobody wants it, and its room was needed.
    Budget,
}

impl RemovalReason {
    pub fn code(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Budget => "budget",
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("failed to read the folder of the mirrors {}", path.display())]
pub struct CareError {
    path: PathBuf,
    source: io::Error,
}

impl Mirrors {
    /// Looks after all mirrors once. It blocks, and ends between two mirrors when it is canceled. A mirror that cannot
    /// be seen to is logged and left for the next time.
    pub fn care(
        &self,
        wanted: &HashSet<MirrorKey>,
        policy: &CarePolicy,
        now: SystemTime,
        cancel: &CancellationToken,
    ) -> Result<CareReport, CareError> {
        let wanted: HashMap<String, &MirrorKey> = wanted.iter().map(|key| (key.name(), key)).collect();
        let mut round = Round { mirrors: &self.folder, now, cancel, report: CareReport::default() };
        let mut found = Vec::new();
        for name in names(&self.folder)? {
            if cancel.is_cancelled() {
                return Ok(round.report);
            }
            let key = wanted.get(&name).copied();
            found.extend(round.look_at(name, key));
        }
        round.remove_unused(&mut found, policy.keep);
        round.hold_budget(&mut found, policy.budget_bytes);
        Ok(round.report)
    }
}

/// A mirror as it was found.
#[derive(Debug)]
struct Found {
    name: String,
    paths: Paths,
    bytes: u64,
    /// What a fetch anew would free.
    superseded: u64,
    standing: Standing,
    last_use: SystemTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Unwanted,
    Wanted,
    /// Wanted, and to be fetched anew already.
    Marked,
}

/// One round.
struct Round<'a> {
    mirrors: &'a Path,
    now: SystemTime,
    cancel: &'a CancellationToken,
    report: CareReport,
}

impl Round<'_> {
    fn look_at(&self, name: String, key: Option<&MirrorKey>) -> Option<Found> {
        let paths = Paths::new(self.mirrors, &name);
        let mut standing = Standing::Unwanted;
        if let Some(key) = key {
            standing = if paths.is_marked_superseded() { Standing::Marked } else { Standing::Wanted };
            let seen_to = note_use_of(&paths.lock(), self.now).and_then(|()| tidy(&Folder::of(self.mirrors, key)));
            logged(&name, seen_to);
        }
        let last_use = fs::symlink_metadata(paths.lock()).and_then(|lock| lock.modified()).ok()?;
        let superseded = match (State::read(paths.mirror()), Weight::of_packs(paths.mirror())) {
            (Ok(state), Ok(weight)) => state.fresh().map_or(0, |fresh| weight.superseded_since(fresh)),
            _ => 0,
        };
        let beside: u64 = paths.leftovers().iter().map(|path| bytes_below(path)).sum();
        let bytes = bytes_below(paths.mirror()) + beside;
        Some(Found { name, paths, bytes, superseded, standing, last_use })
    }

    fn remove_unused(&mut self, found: &mut Vec<Found>, keep: Duration) {
        let now = self.now;
        let is_unused = |mirror: &Found| now.duration_since(mirror.last_use).is_ok_and(|unused| unused > keep);
        found.retain(|mirror| !is_unused(mirror) || !self.remove(mirror, RemovalReason::Unused));
    }

    fn hold_budget(&mut self, found: &mut Vec<Found>, budget: u64) {
        let mut bytes: u64 = found.iter().map(|mirror| mirror.bytes).sum();
        if bytes > budget {
            let aim = budget / 100 * AIM_PERCENT;
            found.sort_by_key(|mirror| mirror.last_use);
            found.retain(|mirror| {
                let goes = bytes > aim && self.remove(mirror, RemovalReason::Budget);
                bytes -= if goes { mirror.bytes } else { 0 };
                !goes
            });
            let expected = self.mark(found, bytes, aim);
            if !self.cancel.is_cancelled() {
                self.report.excess_bytes = expected.saturating_sub(budget);
            }
        }
        self.report.kept_bytes = bytes;
    }

    /// Marks mirrors until all together will take no more than `aim`; what they will take.
    fn mark(&mut self, found: &mut [Found], bytes: u64, aim: u64) -> u64 {
        let promised =
            found.iter().filter(|mirror| mirror.standing == Standing::Marked).map(|mirror| mirror.superseded);
        let mut expected = bytes.saturating_sub(promised.sum());
        found.sort_by_key(|mirror| Reverse(mirror.superseded));
        for mirror in found.iter().filter(|mirror| mirror.standing == Standing::Wanted && mirror.superseded > 0) {
            if expected <= aim || self.cancel.is_cancelled() {
                break;
            }
            if logged(&mirror.name, mirror.paths.mark_superseded()).is_some() {
                expected = expected.saturating_sub(mirror.superseded);
                self.report.marked.push(mirror.name.clone());
            }
        }
        expected
    }

    /// Removes a mirror that is not wanted, unless it is in use; whether it has gone.
    fn remove(&mut self, mirror: &Found, reason: RemovalReason) -> bool {
        if mirror.standing != Standing::Unwanted || self.cancel.is_cancelled() {
            return false;
        }
        let gone = logged(&mirror.name, mirror.remove()).unwrap_or_default();
        // Where nothing but a lock was left nobody has to be told.
        if gone && mirror.bytes > 0 {
            self.report.removed.push(RemovedMirror { name: mirror.name.clone(), reason, bytes: mirror.bytes });
        }
        gone
    }
}

impl Found {
    fn remove(&self) -> Result<bool, Fault> {
        let Some(lock) = Lock::try_acquire(&self.paths.lock())? else { return Ok(false) };
        if lock.last_use() != Some(self.last_use) {
            // Someone has used it since it was looked at.
            return Ok(false);
        }
        self.paths.throw_away()?;
        self.paths.clear_leftovers()?;
        lock.remove()?;
        Ok(true)
    }
}

/// The names of the mirrors in a folder, which need not be there.
fn names(mirrors: &Path) -> Result<Vec<String>, CareError> {
    let entries = match fs::read_dir(mirrors) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(CareError { path: mirrors.to_owned(), source }),
    };
    let mut names: Vec<_> = entries.filter_map(|entry| name_of_lock(&entry.ok()?)).collect();
    names.retain(|name| is_folder_or_missing(Paths::new(mirrors, name).mirror()));
    names.sort_unstable();
    Ok(names)
}

fn name_of_lock(entry: &DirEntry) -> Option<String> {
    let name = entry.file_name().into_string().ok()?.strip_suffix(".lock")?.to_owned();
    (is_mirror_name(&name) && entry.file_type().is_ok_and(|kind| kind.is_file())).then_some(name)
}

fn is_folder_or_missing(path: &Path) -> bool {
    is_missing(path) || fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// Ends what a killed process left half done, unless someone has the mirror open: polls alone would never open it.
fn tidy(folder: &Folder) -> Result<(), Fault> {
    if folder.paths().leftovers().iter().all(|leftover| is_missing(leftover)) {
        return Ok(());
    }
    match Lock::try_acquire(&folder.paths().lock())? {
        Some(_held) => folder.recover().map(drop),
        None => Ok(()),
    }
}

/// What came of seeing to one mirror; a fault is logged, and the others are seen to.
fn logged<T>(name: &str, result: Result<T, Fault>) -> Option<T> {
    result.inspect_err(|fault| tracing::warn!(mirror = name, %fault, "failed to look after a mirror")).ok()
}

#[cfg(test)]
mod tests;
