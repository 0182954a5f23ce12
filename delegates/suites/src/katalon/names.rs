//! The ids that a root holds, for telling whether what an entry names is there.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashSet;

use suitesync_contract::EntryState;

use crate::fold::fold;

/// Ids of one root; folded ones are made when the first entry is not found, which is rare.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    exact: HashSet<Cow<'a, str>>,
    folded: OnceCell<HashSet<String>>,
}

impl<'a> Names<'a> {
    pub(super) fn insert(&mut self, id: Cow<'a, str>) {
        self.exact.insert(id);
        self.folded.take();
    }

    pub(super) fn state_of(&self, id: &str) -> EntryState {
        if self.exact.contains(id) {
            return EntryState::Ok;
        }
        let folded = self.folded.get_or_init(|| self.exact.iter().map(|id| fold(id)).collect());
        if folded.contains(&fold(id)) { EntryState::CaseDiffers } else { EntryState::Missing }
    }
}
