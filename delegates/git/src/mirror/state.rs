//! `suitesync.json` in a mirror: whose it is and which commits it holds. Written beside and renamed, so never half.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use suitesync_contract::ObjectId;

use super::fault::Fault;
use super::heal::remove;
use super::usage::Weight;

const FILE: &str = "suitesync.json";
/// Counted up when a mirror of an older version cannot be used any more.
const FORMAT: u32 = 1;
/// Commits that are remembered: one for each branch that is linked, and some of the past.
const MAX_TIPS: usize = 256;

/// What a mirror says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    format: u32,
    connection: String,
    repository: String,
    /// Commits that are held with their whole trees, the newest last.
    tips: Vec<ObjectId>,
    /// What it weighed before its first update: what a fresh one weighs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fresh: Option<Weight>,
}

impl State {
    pub(crate) fn new(connection: String, repository: String) -> Self {
        Self { format: FORMAT, connection, repository, tips: Vec::new(), fresh: None }
    }

    pub(crate) fn read(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(FILE);
        let text = fs::read(&path).map_err(|error| Fault::Damaged(format!("`{FILE}` cannot be read: {error}")))?;
        let state: Self = serde_json::from_slice(&text)
            .map_err(|error| Fault::Damaged(format!("`{FILE}` is not what was written: {error}")))?;
        if state.format == FORMAT { Ok(state) } else { Err(Fault::Damaged("it has another format".to_owned())) }
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), Fault> {
        let text =
            serde_json::to_vec(self).map_err(|error| Fault::Local(format!("failed to write `{FILE}`: {error}")))?;
        replace_file(&folder.join(FILE), &text)
    }

    pub(crate) fn remove(folder: &Path) -> Result<(), Fault> {
        remove(&folder.join(FILE))
    }

    pub(crate) fn belongs_to(&self, connection: &str, repository: &str) -> bool {
        self.connection == connection && self.repository == repository
    }

    pub(crate) fn holds(&self, commit: ObjectId) -> bool {
        self.tips.contains(&commit)
    }

    /// The newest tips, at most `count`.
    pub(crate) fn newest(&self, count: usize) -> Vec<ObjectId> {
        self.tips.iter().rev().take(count).copied().collect()
    }

    /// Nothing until there was an update.
    pub(crate) fn fresh(&self) -> Option<Weight> {
        self.fresh
    }

    /// The state of a mirror whose growth counts from this weight on.
    pub(crate) fn grown_from(&self, fresh: Weight) -> Self {
        Self { fresh: Some(fresh), ..self.clone() }
    }

    /// The state with more commits held.
    pub(crate) fn with(&self, commits: Vec<ObjectId>) -> Self {
        let mut state = self.clone();
        state.tips.extend(commits);
        let surplus = state.tips.len().saturating_sub(MAX_TIPS);
        state.tips.drain(..surplus);
        state
    }
}

/// Puts a file in the place of another at once, durably.
pub(crate) fn replace_file(path: &Path, content: &[u8]) -> Result<(), Fault> {
    // Healing removes `*.lock`, so a killed writer leaves nothing.
    let beside = path.with_added_extension("lock");
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| Fault::io("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> ObjectId {
        ObjectId::from_bytes([number; 20])
    }

    #[test]
    fn a_state_is_read_back_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new("contoso".into(), "repo".into()).with(vec![id(1), id(2)]);
        state.write(folder.path()).unwrap();
        assert_eq!(State::read(folder.path()).unwrap(), state);
        assert_eq!(state.newest(1), [id(2)]);
        let grown = state.grown_from(Weight { packs: 2, bytes: 77 });
        grown.write(folder.path()).unwrap();
        assert_eq!(State::read(folder.path()).unwrap().fresh(), Some(Weight { packs: 2, bytes: 77 }));
    }

    #[test]
    fn a_folder_without_a_state_or_with_half_of_one_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(State::read(folder.path()), Err(Fault::Damaged(_))));
        fs::write(folder.path().join(FILE), "{\"format\":1,").unwrap();
        assert!(matches!(State::read(folder.path()), Err(Fault::Damaged(_))));
    }

    #[test]
    fn the_oldest_tips_are_forgotten_first() {
        let many = (0..=255).map(id).chain([ObjectId::from_bytes([9; 20])]).collect();
        let state = State::new("c".into(), "r".into()).with(many);
        assert_eq!(state.tips.len(), MAX_TIPS);
        assert!(!state.holds(id(0)));
    }
}
