//! What was learnt about each remote: which protocol it speaks and where it really is. It makes a poll one request.
//!
//! Shared by all tasks of a process and lost with it; a remote that surprises is forgotten and learnt anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;

use crate::protocol::Protocol;

/// Remotes that are remembered: beyond any catalog's, and some 200 bytes each.
const MAX_REMOTES: usize = 10_000;

/// What is known about one remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The repository's URL after redirects on its own origin.
    pub(crate) base: Url,
    pub(crate) protocol: Protocol,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Knowledge(Arc<Mutex<HashMap<Url, Known>>>);

impl Knowledge {
    pub(crate) fn get(&self, remote: &Url) -> Option<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(remote).cloned()
    }

    pub(crate) fn remember(&self, remote: &Url, known: Known) {
        let mut remotes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if remotes.len() >= MAX_REMOTES {
            remotes.clear();
        }
        remotes.insert(remote.clone(), known);
    }

    pub(crate) fn forget(&self, remote: &Url) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(remote);
    }
}
