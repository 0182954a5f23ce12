//! What was learnt about each remote: which protocol it speaks and where it really is. It makes a poll one request.
//!
//! Shared by all remotes of a process and lost with it; a remote that surprises is forgotten and learnt anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;

use crate::fetching::Rung;
use crate::protocol::Protocol;

/// Remotes that are remembered: beyond any catalog's, and some 200 bytes each.
const MAX_REMOTES: usize = 10_000;

/// What is known about one remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The repository's URL after redirects on its own origin.
    pub(crate) base: Url,
    pub(crate) protocol: Protocol,
    /// How commits are asked for: as its protocol allows, or as a refusal has taught.
    pub(crate) rung: Rung,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Knowledge(Arc<Mutex<HashMap<Url, Known>>>);

impl Knowledge {
    pub(crate) fn get(&self, remote: &Url) -> Option<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(remote).cloned()
    }

    /// Keeps what was learnt. What a refusal has taught stays as long as the remote says the same of itself.
    pub(crate) fn remember(&self, remote: &Url, known: &Known) {
        let mut remotes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remotes.get(remote).is_some_and(|before| before.base == known.base && before.protocol == known.protocol) {
            return;
        }
        if remotes.len() >= MAX_REMOTES {
            remotes.clear();
        }
        remotes.insert(remote.clone(), known.clone());
    }

    /// Commits are to be asked for like this from now on.
    pub(crate) fn settle(&self, remote: &Url, rung: Rung) {
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(remote) {
            known.rung = rung;
        }
    }

    pub(crate) fn forget(&self, remote: &Url) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(remote);
    }
}
