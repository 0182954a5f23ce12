//! What was learnt about each remote: which protocol it speaks, where it really is, and what it has in place of refs that
//! it lacks. It makes a poll one request.
//!
//! Shared by all remotes of a process and lost with it; a remote that surprises is forgotten and learnt anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::Url;
use suitesync_contract::RefSpec;

use crate::fetching::Rung;
use crate::protocol::Protocol;
use crate::refs::Absence;

/// Remotes that are remembered: beyond any catalog's, and some 200 bytes each.
const MAX_REMOTES: usize = 10_000;
/// Refs of one remote that are known to be missing: beyond any catalog's dead links, and some 100 bytes each.
const MAX_ABSENT: usize = 256;

/// What is known about one remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The repository's URL after redirects on its own origin.
    pub(crate) base: Url,
    pub(crate) protocol: Protocol,
    /// How commits are asked for: as its protocol allows, or as a refusal has taught.
    pub(crate) rung: Rung,
}

/// Refs that a remote lacked when all of its refs were last listed.
pub(crate) type Absent = HashMap<RefSpec, Absence>;

#[derive(Debug)]
struct Entry {
    known: Known,
    absent: Absent,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Knowledge(Arc<Mutex<HashMap<Url, Entry>>>);

impl Knowledge {
    pub(crate) fn get(&self, remote: &Url) -> Option<Known> {
        self.entries().get(remote).map(|entry| entry.known.clone())
    }

    /// Keeps what was learnt. What a refusal has taught stays as long as the remote says the same of itself.
    pub(crate) fn remember(&self, remote: &Url, known: &Known) {
        let mut entries = self.entries();
        let same = |Entry { known: before, .. }: &Entry| before.base == known.base && before.protocol == known.protocol;
        if entries.get(remote).is_some_and(same) {
            return;
        }
        if entries.len() >= MAX_REMOTES {
            entries.clear();
        }
        entries.insert(remote.clone(), Entry { known: known.clone(), absent: Absent::new() });
    }

    /// Commits are to be asked for like this from now on.
    pub(crate) fn settle(&self, remote: &Url, rung: Rung) {
        if let Some(entry) = self.entries().get_mut(remote) {
            entry.known.rung = rung;
        }
    }

    pub(crate) fn absent(&self, remote: &Url) -> Absent {
        self.entries().get(remote).map(|entry| entry.absent.clone()).unwrap_or_default()
    }

    /// Keeps which refs are missing, in place of what was known of that. Where they are too many they are looked for anew.
    pub(crate) fn note_absent(&self, remote: &Url, absent: Absent) {
        if let Some(entry) = self.entries().get_mut(remote) {
            entry.absent = if absent.len() > MAX_ABSENT { Absent::new() } else { absent };
        }
    }

    pub(crate) fn forget(&self, remote: &Url) {
        self.entries().remove(remote);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Url, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
