//! Tasks on their way to delegates and back: placed, tried again by others, and ended once.

use std::sync::Arc;

use chrono::Utc;
use suitesync_contract::{FailureClass, RunId, Tags, Task, TaskId};
use tokio_util::sync::CancellationToken;

use super::{Agent, Ended, Note, Purpose, report_write};
use crate::catalog::run::RunRecord;
use crate::catalog::{CatalogError, run};
use crate::domain::event::{Event, EventName};
use crate::engine::delegate::ProgressSink;
use crate::engine::dispatcher::{Order, Reassigned, Return, Returned};

/// A run on its way to another delegate.
pub(super) struct HandedOut {
    order: Order,
    /// `None` within: it is no longer queued.
    record: Result<Option<RunRecord>, CatalogError>,
}

impl Agent {
    /// Places a task for `purpose`.
    pub(super) fn submit(&mut self, purpose: Purpose, task: Task, tags: Tags, cancel: CancellationToken) {
        let (id, notes) = (task.id, self.notes.clone());
        let progress: ProgressSink = Arc::new(move |progress| {
            // Nobody is left to hear it when the agent stops.
            let _ = notes.send(Note::Progress(id, progress));
        });
        self.place(purpose, Order::new(task, tags, cancel, progress));
    }

    pub(super) fn place(&mut self, purpose: Purpose, order: Order) {
        self.under_way.insert(order.task.id, purpose);
        if let Some(ended) = self.dispatcher.submit(order) {
            self.end(ended);
        }
    }

    pub(super) fn take_back(&mut self, returned: Returned) {
        let (back, impossible) = self.dispatcher.take_back(returned);
        match back {
            Return::Ended(ended) => self.end(*ended),
            Return::PlacedAgain(reassigned) => self.tell_reassigned(&reassigned),
            Return::RunUnbegun(run, reassigned, order) => {
                self.tell_reassigned(&reassigned);
                self.hand_out_again(run, *order);
            }
        }
        self.end_all(impossible);
    }

    pub(super) fn end_all(&mut self, ended: Vec<Ended>) {
        ended.into_iter().for_each(|ended| self.end(ended));
    }

    pub(super) fn end(&mut self, ended: Ended) {
        match self.under_way.remove(&ended.task.id) {
            Some(Purpose::Test(name)) => self.end_test(&name, ended),
            Some(Purpose::Sync(key)) => self.end_sync(&key, ended),
            Some(Purpose::Run(run)) => self.end_run(run, ended),
            None => {}
        }
    }

    /// Ends a task that nobody has begun: whoever asked for it waits no longer.
    pub(super) fn give_up(&mut self, task: TaskId) {
        if let Some(ended) = self.dispatcher.give_up(task) {
            self.end(ended);
        }
    }

    /// From here on an outcome of its earlier delegate no longer counts.
    fn hand_out_again(&self, id: RunId, order: Order) {
        let (catalog, notes) = (self.catalog.clone(), self.notes.clone());
        self.tracker.spawn(async move {
            let record = catalog.write_durably(None, move |change| run::hand_out(change, id)).await;
            // Nobody is left to hear it when the agent stops: it is queued, and found again.
            let _ = notes.send(Note::HandedOut(Box::new(HandedOut { order, record })));
        });
    }

    pub(super) fn handed_out(&mut self, again: HandedOut) {
        let HandedOut { order, record } = again;
        let ended = match record {
            Ok(Some(record)) => {
                self.note_handed_out(&record);
                self.dispatcher.submit(order.with_fence(record.fence))
            }
            // It was canceled meanwhile.
            Ok(None) => Some(order.canceled()),
            Err(error) => Some(order.unplaced(error.failure(self.catalog.path()))),
        };
        self.end_all(ended.into_iter().collect());
    }

    fn tell_reassigned(&self, reassigned: &Reassigned) {
        let Reassigned { connection, from, to, failure, .. } = reassigned;
        let why = if failure.class == FailureClass::DelegateLost {
            "was lost at"
        } else if failure.class == FailureClass::SecretUnavailable {
            "lacks a secret for"
        } else {
            "could not connect in"
        };
        let next = to.as_ref().map_or_else(|| "it waits for another".to_owned(), |to| format!("{to} tries it"));
        let message = format!("delegate {from} {why} a task of connection {connection}: {next}");
        let event = Event::new(Utc::now(), EventName::TaskReassigned, message)
            .connection(connection)
            .delegate(Some(from))
            .failure(failure)
            .field("to", to.as_ref().map(|to| to.as_str()))
            .field("attempt", reassigned.attempt);
        let event = match reassigned.run {
            Some(run) => event.run(run),
            None => event,
        };
        let catalog = self.catalog.clone();
        self.tracker.spawn(async move { report_write("to keep an event", catalog.tell(event).await) });
    }
}
