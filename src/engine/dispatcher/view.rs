//! A delegate as `delegate list` shows it.

use serde::{Deserialize, Serialize};

use crate::domain::back_off::BackOff;
use crate::domain::delegate::Loss;
use crate::domain::selection::Candidate;
use crate::engine::delegate::Delegate;

/// One line of `delegate list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegateView {
    pub name: String,
    pub kind: String,
    pub tags: Vec<String>,
    pub status: String,
    /// Places that are taken.
    pub running: u32,
    pub capacity: u32,
    /// Everything in its hands: most of it waits for a server's answer and takes no place.
    pub tasks: u32,
    /// Why it is lost, while it is.
    pub lost: Option<String>,
    /// What it says that it is, where it is a program of its own.
    pub program: Option<String>,
    /// Hosts that it leaves alone for now.
    pub backs_off: Vec<BackOff>,
}

impl DelegateView {
    pub(super) fn new(delegate: &dyn Delegate, known: &Candidate) -> Self {
        Self {
            name: known.name.to_string(),
            kind: delegate.kind().to_owned(),
            tags: known.tags.iter().map(str::to_owned).collect(),
            status: known.status.code().to_owned(),
            running: delegate.running() + known.runs,
            capacity: known.capacity,
            tasks: known.tasks + known.runs,
            lost: known.lost.as_ref().map(Loss::to_string),
            program: delegate.follow().and_then(|standing| standing.borrow().program.clone()),
            backs_off: known.backs_off.clone(),
        }
    }
}
