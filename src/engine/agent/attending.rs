//! Delegates as they come and go: each time one can be given tasks again, what waited for it begins.

use std::sync::Arc;

use chrono::Utc;
use rustix::process::geteuid;
use suitesync_contract::DelegateName;
use tokio::sync::watch;

use super::{Agent, Note, report_write};
use crate::catalog::CatalogError;
use crate::domain::event::{Event, EventName};
use crate::engine::delegate::{Delegate, DelegateStatus, Standing};

impl Agent {
    /// Takes the delegates of the configuration; what waits is placed among them.
    pub(super) async fn set_delegates(&mut self) -> Result<(), CatalogError> {
        let delegates = (self.hire)(&self.config);
        self.dispatcher.set_attempts(self.config.agent.attempts);
        self.attending.cancel();
        self.attending = self.stop.child_token();
        for delegate in &delegates {
            match delegate.follow() {
                None => self.catalog.tell(connected(delegate.as_ref())).await?,
                Some(standing) => self.attend(delegate, standing),
            }
        }
        self.dispatcher.set_delegates(delegates);
        self.begin_waiting();
        Ok(())
    }

    /// Hears of a delegate that is not always there.
    fn attend(&self, delegate: &Arc<dyn Delegate>, mut standing: watch::Receiver<Standing>) {
        let (name, notes, ended) = (delegate.name().clone(), self.notes.clone(), self.attending.clone());
        self.tracker.spawn(async move {
            while let Some(Ok(())) = ended.run_until_cancelled(standing.changed()).await {
                let now = standing.borrow_and_update().clone();
                // Nobody is left to hear it when the agent stops.
                let _ = notes.send(Note::Standing(name.clone(), now));
            }
        });
    }

    /// A delegate came or went.
    pub(super) fn note_standing(&mut self, name: &DelegateName, standing: &Standing) {
        // Root and our own user are not only of runs: who of them is, their processes tell.
        let is_of_runs_alone = |user: &u32| *user != 0 && *user != geteuid().as_raw();
        self.run_users.extend(standing.user.filter(is_of_runs_alone));
        let event = match standing.status {
            DelegateStatus::Connected => self.dispatcher.delegate(name).map(|delegate| connected(delegate.as_ref())),
            DelegateStatus::Lost => Some(lost(name, standing)),
            DelegateStatus::Starting | DelegateStatus::Draining => None,
        };
        if let Some(event) = event {
            let catalog = self.catalog.clone();
            self.tracker.spawn(async move { report_write(catalog.tell(event).await) });
        }
        self.begin_waiting();
        if standing.status == DelegateStatus::Connected {
            self.queue_unplaced();
        }
    }

    /// Begins what waits and can begin, and lets go of what was canceled.
    pub(super) fn begin_waiting(&mut self) {
        let impossible = self.dispatcher.begin_waiting();
        self.end_all(impossible);
    }
}

fn connected(delegate: &dyn Delegate) -> Event {
    let tags: Vec<_> = delegate.tags().iter().collect();
    Event::new(Utc::now(), EventName::DelegateConnected, format!("delegate {} is ready to take tasks", delegate.name()))
        .delegate(Some(delegate.name()))
        .field("tags", tags)
        .field("capacity", delegate.capacity())
}

fn lost(name: &DelegateName, standing: &Standing) -> Event {
    let reason = standing.lost.as_deref().unwrap_or("it does not say why");
    let message = format!("delegate {name} cannot be reached: {reason}");
    Event::new(Utc::now(), EventName::DelegateLost, message).delegate(Some(name)).field("reason", reason)
}
