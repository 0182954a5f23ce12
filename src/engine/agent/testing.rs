//! Tests of connections: begun when due or asked for, recorded, and what their end sets off.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use suitesync_contract::{
    Access, ConnectionName, Facts, Failure, FailureClass, ProbeReport, Step, StepOutcome, StepReport,
};
use tokio::time::Instant;

use super::{Agent, Ended, Job, Note, Purpose};
use crate::catalog::CatalogError;
use crate::catalog::connection::{self, ConnectionRecord, ConnectionTest};
use crate::config::ConnectionConfig;
use crate::domain::link::LinkStatus;
use crate::domain::retry::{FIRST_RETRY, retry_delay};
use crate::engine::control::Refusal;
use crate::engine::plan::{ConnectionEntry, LinkEntry, interval};
use crate::engine::tasks;
use crate::engine::work::{TestReport, Update, Waiter, Work};

/// How long somebody who watches a test waits for a delegate that is away.
const PATIENCE_BY_HAND: Duration = Duration::from_secs(10);

/// A test that is in the catalog, or that could not be written there.
pub(super) struct RecordedTest {
    test: ConnectionTest,
    /// `None` within: the connection had changed meanwhile.
    record: Result<Option<ConnectionRecord>, CatalogError>,
}

impl Agent {
    pub(super) fn test_now(&mut self, name: &ConnectionName, waiter: Waiter) -> Result<(), Refusal> {
        let entry = self.plan.connections.get(name).ok_or_else(|| Refusal::unknown("connection", name.as_str()))?;
        if entry.record.state.is_disconnected() {
            let message = format!("connection `{name}` is disconnected: no request leaves for it");
            return Err(Refusal::conflict(message, entry.way_back()));
        }
        self.begin_test(name, Some(waiter));
        self.limit_wait(name);
        Ok(())
    }

    fn limit_wait(&self, name: &ConnectionName) {
        let is_it = |purpose: &Purpose| matches!(purpose, Purpose::Test(tested) if tested == name);
        let Some(task) = self.under_way.iter().find(|(_, purpose)| is_it(purpose)).map(|(task, _)| *task) else {
            return;
        };
        let (notes, stop) = (self.notes.clone(), self.stop.clone());
        self.tracker.spawn(async move {
            if stop.run_until_cancelled(tokio::time::sleep(PATIENCE_BY_HAND)).await.is_some() {
                // Nobody is left to hear it when the agent stops.
                let _ = notes.send(Note::WaitedInVain(task));
            }
        });
    }

    /// Begins a test, or joins the one under way.
    pub(super) fn begin_test(&mut self, name: &ConnectionName, waiter: Option<Waiter>) {
        let id = self.next_task();
        let Some(entry) = self.plan.connections.get_mut(name) else {
            return;
        };
        if let Some(work) = &mut entry.work {
            work.waiters.extend(waiter);
            return;
        }
        if entry.record.state.is_disconnected() {
            return;
        }
        let cancel = self.stop.child_token();
        entry.work = Some(Work { cancel: cancel.clone(), waiters: waiter.into_iter().collect() });
        let task = tasks::probe(id, &entry.config, entry.record.revision);
        let tags = entry.config.delegate_tags.clone();
        self.submit(Purpose::Test(name.clone()), task, tags, cancel);
    }

    pub(super) fn end_test(&mut self, name: &ConnectionName, ended: Ended) {
        let suitesync_contract::Work::Probe(probe) = &ended.task.work else {
            return;
        };
        let report = whole_report(&ended);
        if report.failure.as_ref().is_some_and(|failure| failure.class == FailureClass::Canceled) {
            return self.forget_test(name);
        }
        let Some(entry) = self.plan.connections.get(name) else {
            return;
        };
        let now = Utc::now();
        let test = ConnectionTest {
            connection: name.clone(),
            revision: probe.revision,
            at: now,
            delegate: ended.delegate.clone(),
            duration_ms: u64::try_from(ended.duration.as_millis()).unwrap_or(u64::MAX),
            report,
        };
        let next = next_test(&entry.config, &entry.record, test.report.failure.as_ref(), now);
        let (catalog, notes) = (self.catalog.clone(), self.notes.clone());
        self.tracker.spawn(async move {
            let written = test.clone();
            let record = catalog.write(move |change| connection::record_test(change, &written, next)).await;
            // Nobody is left to hear it when the agent stops; it is in the catalog.
            let _ = notes.send(Note::Tested(Box::new(RecordedTest { test, record })));
        });
    }

    /// A canceled test says nothing; it is done again with the settings of today.
    fn forget_test(&mut self, name: &ConnectionName) {
        if let Some(entry) = self.plan.connections.get_mut(name) {
            entry.work = None;
            if !entry.record.state.is_disconnected() {
                self.plan.agenda.set(Job::Test(name.clone()), Instant::now());
            }
        }
    }

    pub(super) fn tested(&mut self, recorded: RecordedTest) {
        let RecordedTest { test, record } = recorded;
        let Some(entry) = self.plan.connections.get_mut(&test.connection) else {
            return;
        };
        let was_tested = entry.record.is_tested();
        let work = entry.work.take();
        let (at, unwritten) = self.after_record(&test, record);
        let Some(entry) = self.plan.connections.get_mut(&test.connection) else {
            return;
        };
        if !entry.record.state.is_disconnected() {
            self.plan.agenda.set(Job::Test(test.connection.clone()), at);
        }
        let credentials = entry.config.credentials.as_ref().filter(|_| entry.record.is_held());
        entry.refused_secret = credentials.and_then(|credentials| self.secrets.load().digest(credentials.secret()));
        let status = entry.record.state.status.code().to_owned();
        if let Some(work) = work {
            work.tell(&Update::Tested(TestReport {
                connection: test.connection.to_string(),
                status,
                delegate: test.delegate.as_ref().map(ToString::to_string),
                steps: test.report.steps.clone(),
                failure: unwritten.or_else(|| test.report.failure.clone()),
            }));
        }
        let passed = test.report.failure.is_none();
        if passed || !was_tested {
            self.wake_links(&test.connection, passed);
        }
    }

    /// Takes over what was recorded: when the next test is due, and why this one is not in the catalog if it is not.
    fn after_record(
        &mut self,
        test: &ConnectionTest,
        record: Result<Option<ConnectionRecord>, CatalogError>,
    ) -> (Instant, Option<Failure>) {
        let record = match record {
            Ok(record) => record,
            Err(error) => return (Instant::now() + FIRST_RETRY, Some(error.failure(self.catalog.path()))),
        };
        match (record, self.plan.connections.get_mut(&test.connection)) {
            (Some(record), Some(entry)) => {
                entry.record = record;
                (entry.record.next_test_at.map_or_else(Instant::now, instant), None)
            }
            (Some(_) | None, _) => (Instant::now(), None),
        }
    }

    /// Tests a connection anew whose credentials were refused, once the file that they come from holds something else.
    pub(super) fn try_new_secrets(&mut self) {
        let secrets = self.secrets.load();
        let held = self.plan.connections.iter().filter(|(_, entry)| entry.record.is_held());
        let is_new = |entry: &ConnectionEntry| {
            let now = entry.config.credentials.as_ref().and_then(|credentials| secrets.digest(credentials.secret()));
            now.is_some() && entry.refused_secret.is_some() && now != entry.refused_secret
        };
        let names: Vec<_> = held.filter(|(_, entry)| is_new(entry)).map(|(name, _)| name.clone()).collect();
        for name in names {
            self.begin_test(&name, None);
        }
    }

    /// Lets the links go on that waited for a first test, or that failed while the connection did.
    fn wake_links(&mut self, connection: &ConnectionName, passed: bool) {
        for key in self.plan.repositories_of(connection) {
            let waits = self
                .plan
                .proceeding(&key)
                .iter()
                .any(|link| is_idle(link) || (passed && link.record.failure.is_some()));
            let is_asked = self.plan.repositories.get(&key).is_some_and(|entry| !entry.waiting_next.is_empty());
            if waits || is_asked {
                self.plan.agenda.set_at_latest(Job::Sync(key), Instant::now());
            }
        }
    }
}

/// Whether the link has nothing to show for its present settings, or stands still.
fn is_idle(link: &LinkEntry) -> bool {
    link.record.known().is_none() || link.record.state.status == LinkStatus::Inactive
}

/// The moment of the runtime's clock at which the calendar shows `at`.
pub(super) fn instant(at: DateTime<Utc>) -> Instant {
    let ahead = (at - Utc::now()).to_std().unwrap_or(Duration::ZERO);
    Instant::now() + ahead.min(Duration::from_secs(365 * 86_400))
}

fn next_test(
    config: &ConnectionConfig,
    record: &ConnectionRecord,
    failure: Option<&Failure>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let Some(failure) = failure else {
        return config.test_cadence.next_after(now);
    };
    let failures = record.failures.saturating_add(1);
    let delay = retry_delay(failure, failures, interval(&config.test_cadence, now), fastrand::f64());
    now + TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX / 2)
}

/// The delegate's report, with the step of finding a delegate before it.
fn whole_report(ended: &Ended) -> ProbeReport {
    let found = |detail: String, outcome| StepReport { step: Step::Delegate, outcome, detail, duration_ms: 0 };
    let access = &ended.task.access;
    match (&ended.outcome.result, &ended.delegate) {
        (Ok(Facts::Probe(report)), delegate) => {
            let name = delegate.as_ref().map(ToString::to_string).unwrap_or_default();
            let mut report = report.clone();
            report.steps.insert(0, found(name, StepOutcome::Ok));
            report
        }
        (Ok(Facts::Sync(_) | Facts::Run(_)), _) => {
            let failure = Failure::new(FailureClass::Internal, "the delegate answered a test with something else");
            failed_before(failure, found("answered another task".to_owned(), StepOutcome::Failed), access)
        }
        (Err(failure), _) => {
            let step = found(failure.message.clone(), StepOutcome::Failed);
            failed_before(failure.clone(), step, access)
        }
    }
}

fn failed_before(failure: Failure, first: StepReport, access: &Access) -> ProbeReport {
    let rest = access.steps().into_iter().skip(1).map(StepReport::skipped);
    let steps = std::iter::once(first).chain(rest).collect();
    ProbeReport { steps, failure: Some(failure), certificate_days_left: None }
}
