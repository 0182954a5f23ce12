//! Delegates that operators drain and resume, and what could not be placed while they were away.

use chrono::Utc;
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, Failure, FailureClass};
use tokio::time::Instant;

use super::operating::unrecorded;
use super::{Agent, Job};
use crate::catalog::{Change, delegate};
use crate::domain::selection::{Wanted, why_nobody};
use crate::engine::control::{Acted, Refusal};
use crate::engine::plan::RepositoryKey;

impl Agent {
    pub(super) async fn drain(&mut self, name: &DelegateName, by: &str) -> Result<Acted, Refusal> {
        if self.dispatcher.delegate(name).is_none() {
            return Err(Refusal::unknown("delegate", name.as_str()));
        }
        let written = name.clone();
        let drain = move |change: &mut Change<'_>| delegate::drain(change, &written, Utc::now());
        let changed = self.catalog.write_durably(Some(by), drain).await.map_err(unrecorded)?;
        let mut drained = self.dispatcher.drained().clone();
        drained.insert(name.clone());
        self.dispatcher.set_drained(drained);
        Ok(self.acted_on_delegate(name, changed))
    }

    /// One that is no longer there may be resumed, too: it may come back.
    pub(super) async fn resume(&mut self, name: &DelegateName, by: &str) -> Result<Acted, Refusal> {
        if self.dispatcher.delegate(name).is_none() && !self.dispatcher.drained().contains(name) {
            return Err(Refusal::unknown("delegate", name.as_str()));
        }
        let written = name.clone();
        let resume = move |change: &mut Change<'_>| delegate::resume(change, &written, Utc::now());
        let changed = self.catalog.write_durably(Some(by), resume).await.map_err(unrecorded)?;
        let mut drained = self.dispatcher.drained().clone();
        drained.remove(name);
        self.dispatcher.set_drained(drained);
        self.begin_waiting();
        self.queue_unplaced();
        Ok(self.acted_on_delegate(name, changed))
    }

    fn acted_on_delegate(&self, name: &DelegateName, changed: bool) -> Acted {
        let view = self.dispatcher.views().into_iter().find(|view| view.name == name.as_str());
        let status = view.map_or_else(|| "lost".to_owned(), |view| view.status);
        Acted { name: name.to_string(), status, changed }
    }

    /// Has done at once what failed for want of a delegate, where there is one now. Runs that ended stay ended.
    pub(super) fn queue_unplaced(&mut self) {
        let candidates = self.dispatcher.candidates();
        let can_be_placed = |wanted: Wanted| why_nobody(&wanted, &candidates).is_none();
        let unplaced = self.plan.connections.iter().filter(|(_, entry)| {
            is_for_want_of_a_delegate(entry.record.failure.as_ref()) && !entry.record.state.is_disconnected()
        });
        let tests: Vec<_> = unplaced
            .filter(|(_, entry)| can_be_placed(Wanted::new(entry.config.delegate_tags.clone(), WorkKind::Probe)))
            .map(|(name, _)| Job::Test(name.clone()))
            .collect();
        let is_unplaced = |key: &&RepositoryKey| {
            let links = self.plan.proceeding(key);
            links.iter().any(|link| is_for_want_of_a_delegate(link.record.failure.as_ref()))
        };
        let unplaced = self.plan.repositories.keys().filter(is_unplaced);
        let syncs: Vec<_> = unplaced
            .filter(|key| can_be_placed(Wanted::new(key.tags.clone(), WorkKind::Sync)))
            .map(|key| Job::Sync(key.clone()))
            .collect();
        for job in tests.into_iter().chain(syncs) {
            self.plan.agenda.set_at_latest(job, Instant::now());
        }
    }
}

fn is_for_want_of_a_delegate(failure: Option<&Failure>) -> bool {
    failure.is_some_and(|failure| failure.class == FailureClass::NoEligibleDelegate)
}
