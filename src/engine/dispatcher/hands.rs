//! What each delegate has in its hands, and which hosts it leaves alone. Kept by name: a delegate that is taken out of
//! the configuration and comes back still has what it had.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, FailureClass};

use crate::domain::back_off::BackOffs;
use crate::domain::selection::Candidate;
use crate::engine::delegate::{Delegate, DelegateStatus};

#[derive(Debug, Default)]
pub(super) struct Hands {
    by_name: BTreeMap<DelegateName, Hand>,
    /// Tasks that were given to anyone so far.
    given: u64,
}

#[derive(Debug, Default)]
struct Hand {
    /// Tasks that are no runs.
    tasks: u32,
    /// Each takes a place for as long as it lasts.
    runs: u32,
    last_used: u64,
    back_offs: BackOffs,
}

impl Hand {
    fn count(&mut self, kind: WorkKind) -> &mut u32 {
        match kind {
            WorkKind::Run => &mut self.runs,
            WorkKind::Probe | WorkKind::Sync => &mut self.tasks,
        }
    }

    fn is_empty(&self) -> bool {
        self.tasks == 0 && self.runs == 0
    }
}

impl Hands {
    /// One more for this delegate; which one of all it is.
    pub(super) fn take(&mut self, name: &DelegateName, kind: WorkKind) -> u64 {
        self.given += 1;
        let hand = self.by_name.entry(name.clone()).or_default();
        *hand.count(kind) += 1;
        hand.last_used = self.given;
        self.given
    }

    pub(super) fn give_back(&mut self, name: &DelegateName, kind: WorkKind) {
        if let Some(hand) = self.by_name.get_mut(name) {
            let count = hand.count(kind);
            *count = count.saturating_sub(1);
        }
    }

    pub(super) fn back_off(&mut self, name: &DelegateName, host: &str, class: FailureClass) {
        self.by_name.entry(name.clone()).or_default().back_offs.failed(host, class, Utc::now());
    }

    pub(super) fn reached(&mut self, name: &DelegateName, hosts: &[String]) {
        if let Some(hand) = self.by_name.get_mut(name) {
            hosts.iter().for_each(|host| hand.back_offs.reached(host));
        }
    }

    pub(super) fn forget_back_offs(&mut self, name: &DelegateName) {
        if let Some(hand) = self.by_name.get_mut(name) {
            hand.back_offs = BackOffs::default();
        }
    }

    /// Lets go of those that are not there and have nothing.
    pub(super) fn retain(&mut self, is_there: impl Fn(&DelegateName) -> bool) {
        self.by_name.retain(|name, hand| is_there(name) || !hand.is_empty());
    }

    /// What is known of a delegate now.
    pub(super) fn candidate(
        &self,
        delegate: &dyn Delegate,
        drained: &BTreeSet<DelegateName>,
        now: DateTime<Utc>,
    ) -> Candidate {
        let name = delegate.name();
        let hand = self.by_name.get(name);
        let standing = delegate.follow().map(|standing| standing.borrow().clone());
        let status = delegate.status();
        let is_there = matches!(status, DelegateStatus::Starting | DelegateStatus::Connected);
        let status = if is_there && drained.contains(name) { DelegateStatus::Draining } else { status };
        Candidate {
            name: name.clone(),
            tags: delegate.tags().clone(),
            work: delegate.work(),
            is_elsewhere: delegate.is_elsewhere(),
            status,
            lost: standing.and_then(|standing| standing.lost),
            capacity: delegate.capacity(),
            tasks: hand.map_or(0, |hand| hand.tasks),
            runs: hand.map_or(0, |hand| hand.runs),
            backs_off: hand.map(|hand| hand.back_offs.standing(now)).unwrap_or_default(),
            last_used: hand.map_or(0, |hand| hand.last_used),
        }
    }
}
