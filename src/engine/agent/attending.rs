//! Delegates as they come and go: each time one can be given tasks again, what waited for it begins.

use std::sync::Arc;

use chrono::Utc;
use rustix::process::geteuid;
use suitesync_contract::DelegateName;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Agent, Note, report_write};
use crate::domain::event::{Event, EventName};
use crate::engine::delegate::{Delegate, DelegateStatus, Loss, Standing};
use crate::engine::remote::Members;

/// A delegate that is watched as long as this lives.
pub(super) struct Attended {
    delegate: Arc<dyn Delegate>,
    _watching: DropGuard,
}

impl Agent {
    /// Takes the delegates of the configuration, and those of other hosts; what waits is placed among them. One that
    /// stays is no news.
    pub(super) async fn set_delegates(&mut self) {
        let mut delegates = (self.hire)(&self.config);
        delegates.extend(self.remote.iter().flat_map(|remote| remote.delegates(&self.config)));
        self.dispatcher.set_attempts(self.config.agent.attempts);
        let mut before = std::mem::take(&mut self.attended);
        for delegate in &delegates {
            let kept = before.remove(delegate.name()).filter(|kept| Arc::ptr_eq(&kept.delegate, delegate));
            let attended = match kept {
                Some(kept) => kept,
                None => self.attend(delegate).await,
            };
            self.attended.insert(delegate.name().clone(), attended);
        }
        self.dispatcher.set_delegates(delegates);
        self.begin_waiting();
    }

    async fn attend(&self, delegate: &Arc<dyn Delegate>) -> Attended {
        let ended = self.stop.child_token();
        match delegate.follow() {
            None => report_write("to keep an event", self.catalog.tell(connected(delegate.as_ref())).await),
            Some(standing) => self.follow(delegate.name().clone(), standing, ended.clone()),
        }
        Attended { delegate: Arc::clone(delegate), _watching: ended.drop_guard() }
    }

    /// Hears of a delegate that is not always there.
    fn follow(&self, name: DelegateName, mut standing: watch::Receiver<Standing>, ended: CancellationToken) {
        let notes = self.notes.clone();
        self.tracker.spawn(async move {
            while let Some(Ok(())) = ended.run_until_cancelled(standing.changed()).await {
                let now = standing.borrow_and_update().clone();
                // Nobody is left to hear it when the agent stops.
                let _ = notes.send(Note::Standing(name.clone(), now));
            }
        });
    }

    /// Hears of the delegates of other hosts, as many as there may come to be.
    pub(super) fn attend_members(&self) {
        let Some(mut members) = self.remote.as_ref().and_then(|remote| remote.follow()) else { return };
        let (notes, stop) = (self.notes.clone(), self.stop.clone());
        self.tracker.spawn(async move {
            while let Some(Ok(())) = stop.run_until_cancelled(members.changed()).await {
                let now = members.borrow_and_update().clone();
                // Nobody is left to hear it when the agent stops.
                let _ = notes.send(Note::Members(now));
            }
        });
    }

    pub(super) async fn note_members(&mut self, members: &Members) {
        if self.remote.as_ref().is_some_and(|remote| remote.note(members)) {
            self.set_delegates().await;
        }
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
            self.tracker.spawn(async move { report_write("to keep an event", catalog.tell(event).await) });
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
    let reason = standing.lost.as_ref().map_or_else(|| "it does not say why".to_owned(), Loss::to_string);
    let message = format!("delegate {name} cannot be reached: {reason}");
    Event::new(Utc::now(), EventName::DelegateLost, message).delegate(Some(name)).field("reason", reason)
}
