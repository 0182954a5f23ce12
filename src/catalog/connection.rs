//! Connections in the store: their state, and what each test made of it.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use suitesync_contract::{ConnectionName, DelegateName, Failure, ProbeReport, Step, StepReport};

use super::columns::{Columns, json, millis};
use super::run::{self, Because};
use super::{Change, Result, link};
use crate::domain::connection::{ConnectionEvent, ConnectionState, ConnectionStatus};
use crate::domain::event::{Event, EventName, Level};
use crate::domain::run::Barrier;

/// A connection as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionRecord {
    pub name: ConnectionName,
    pub display_name: String,
    /// Counts the changes in keys that matter; what was asked for by an older one no longer counts.
    pub revision: u64,
    pub fingerprint: String,
    pub state: ConnectionState,
    /// Of the last test, where it failed.
    pub failure: Option<Failure>,
    /// The step that this failure stopped the last test at.
    pub failed_step: Option<Step>,
    /// Failed tests in a row.
    pub failures: u32,
    pub last_test_at: Option<DateTime<Utc>>,
    pub next_test_at: Option<DateTime<Utc>>,
    /// The revision that the last test tried.
    pub tested_revision: Option<u64>,
}

impl ConnectionRecord {
    /// Whether all work but the tests is held back: going on could lock an account. The API has a token of its own,
    /// which syncs do not send.
    pub fn is_held(&self) -> bool {
        self.failed_step != Some(Step::Api)
            && self.failure.as_ref().is_some_and(|failure| failure.class.holds_connection())
    }

    /// Whether its present settings were tested.
    pub fn is_tested(&self) -> bool {
        self.tested_revision == Some(self.revision)
    }
}

/// What the configuration says of a connection.
#[derive(Debug, Clone)]
pub struct ConfiguredConnection {
    pub name: ConnectionName,
    pub display_name: String,
    pub fingerprint: String,
}

/// A test that ended.
#[derive(Debug, Clone)]
pub struct ConnectionTest {
    pub connection: ConnectionName,
    pub revision: u64,
    pub at: DateTime<Utc>,
    pub delegate: Option<DelegateName>,
    pub duration_ms: u64,
    pub report: ProbeReport,
}

pub fn find(sql: &Connection, name: &ConnectionName) -> Result<Option<ConnectionRecord>> {
    let mut statement = sql.prepare_cached("SELECT * FROM connection WHERE name = ?1")?;
    Ok(statement.query_row([name.as_str()], read).optional()?)
}

pub fn list(sql: &Connection) -> Result<Vec<ConnectionRecord>> {
    let mut statement = sql.prepare_cached("SELECT * FROM connection ORDER BY name")?;
    Ok(statement.query_map([], read)?.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<ConnectionRecord> {
    Ok(ConnectionRecord {
        name: row.word("name")?,
        display_name: row.get("display_name")?,
        revision: row.get("revision")?,
        fingerprint: row.get("fingerprint")?,
        state: ConnectionState { status: row.word("status")?, disconnected: row.decoded("disconnected")? },
        failure: row.decoded_opt("failure")?,
        failed_step: row.word_opt("failed_step")?,
        failures: row.get("failures")?,
        last_test_at: row.time("last_test_at")?,
        next_test_at: row.time("next_test_at")?,
        tested_revision: row.get("tested_revision")?,
    })
}

/// Takes up what the configuration says; a new fingerprint is a new revision.
pub fn configure(
    change: &mut Change<'_>,
    configured: &ConfiguredConnection,
    now: DateTime<Utc>,
) -> Result<ConnectionRecord> {
    let Some(record) = find(change.sql(), &configured.name)? else {
        change.sql().execute(
            "INSERT INTO connection (name, display_name, revision, fingerprint, status)
             VALUES (?1, ?2, 1, ?3, 'inactive')",
            [configured.name.as_str(), &configured.display_name, &configured.fingerprint],
        )?;
        return apply(change, &configured.name, ConnectionEvent::Configured, now);
    };
    if record.display_name != configured.display_name {
        let rename = "UPDATE connection SET display_name = ?2 WHERE name = ?1";
        change.sql().execute(rename, [configured.name.as_str(), &configured.display_name])?;
    }
    if record.fingerprint == configured.fingerprint {
        return Ok(record);
    }
    change.sql().execute(
        "UPDATE connection SET fingerprint = ?2, revision = revision + 1, failure = NULL, failures = 0 WHERE name = ?1",
        [configured.name.as_str(), &configured.fingerprint],
    )?;
    apply(change, &configured.name, ConnectionEvent::Configured, now)
}

/// Lets `event` happen to a connection: the status it leads to, and what that tells.
pub fn apply(
    change: &mut Change<'_>,
    name: &ConnectionName,
    event: ConnectionEvent,
    now: DateTime<Utc>,
) -> Result<ConnectionRecord> {
    let record = find(change.sql(), name)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let next = record.state.after(event);
    let mut statement = change.sql().prepare_cached(
        "UPDATE connection SET status = ?2, disconnected = ?3,
             tested_revision = CASE WHEN ?2 = 'inactive' THEN NULL ELSE tested_revision END
         WHERE name = ?1",
    )?;
    statement.execute((name.as_str(), next.status.code(), json(&next.disconnected)?))?;
    drop(statement);
    tell(change, &record, &next, now)?;
    if next.is_disconnected() && !record.state.is_disconnected() {
        cancel_queued(change, name, now)?;
    }
    // An inactive connection is one that nobody has validated: what it passed before no longer counts.
    let tested_revision = record.tested_revision.filter(|_| next.status != ConnectionStatus::Inactive);
    Ok(ConnectionRecord { state: next, tested_revision, ..record })
}

/// Cancels every queued run of the connection's links.
fn cancel_queued(change: &mut Change<'_>, name: &ConnectionName, now: DateTime<Utc>) -> Result<()> {
    let because = Because::reason(Barrier::ConnectionDisconnected.code());
    for link in link::list(change.sql())?.iter().filter(|link| link.connection == *name) {
        run::cancel_queued(change, &link.name, &because, now)?;
    }
    Ok(())
}

fn tell(change: &mut Change<'_>, before: &ConnectionRecord, next: &ConnectionState, now: DateTime<Utc>) -> Result<()> {
    let name = &before.name;
    let reasons = |from: &BTreeSet<_>, to: &BTreeSet<_>| {
        from.difference(to).map(|r| format!("{r:?}").to_lowercase()).collect::<Vec<_>>().join(", ")
    };
    if next.is_disconnected() && !before.state.is_disconnected() {
        let event = Event::new(now, EventName::ConnectionDisconnected, format!("connection {name} is disconnected"));
        change.tell(event.connection(name).field("reason", reasons(&next.disconnected, &before.state.disconnected)))?;
    }
    if !next.is_disconnected() && before.state.is_disconnected() {
        let event = Event::new(now, EventName::ConnectionReconnected, format!("connection {name} is connected again"));
        change.tell(event.connection(name).field("reason", reasons(&before.state.disconnected, &next.disconnected)))?;
    }
    if next.status != before.state.status {
        let (from, to) = (before.state.status.code(), next.status.code());
        let message = format!("connection {name} was {from} and is {to}");
        let mut event = Event::new(now, EventName::ConnectionStatusChanged, message).connection(name);
        if let (Some(failure), "error") = (&before.failure, to) {
            event = event.field("class", failure.class.code());
        }
        if next.status == ConnectionStatus::Error {
            event = event.level(Level::Error);
        }
        change.tell(event.field("from", from).field("to", to))?;
    }
    Ok(())
}

/// Records a test: its steps in the history, and what it means for the status. `None`: it no longer counts.
pub fn record_test(
    change: &mut Change<'_>,
    test: &ConnectionTest,
    next_test_at: DateTime<Utc>,
) -> Result<Option<ConnectionRecord>> {
    let current = find(change.sql(), &test.connection)?;
    let counts = |record: &ConnectionRecord| record.revision == test.revision && !record.state.is_disconnected();
    let Some(current) = current.filter(counts) else {
        let message = format!("a test of connection {} ended after the connection had changed", test.connection);
        let event = Event::new(test.at, EventName::TaskRefused, message).connection(&test.connection);
        change.tell(event.delegate(test.delegate.as_ref()).field("reason", "revision"))?;
        return Ok(None);
    };
    change.sql().execute(
        "INSERT INTO connection_test (connection, revision, at, delegate, duration_ms, steps, failure, certificate_days_left)
         VALUES (:connection, :revision, :at, :delegate, :duration_ms, :steps, :failure, :days_left)",
        named_params! {
            ":connection": test.connection.as_str(),
            ":revision": test.revision,
            ":at": millis(test.at),
            ":delegate": test.delegate.as_ref().map(|name| name.as_str()),
            ":duration_ms": test.duration_ms,
            ":steps": json(&test.report.steps)?,
            ":failure": test.report.failure.as_ref().map(json).transpose()?,
            ":days_left": test.report.certificate_days_left,
        },
    )?;
    let failure = &test.report.failure;
    change.sql().execute(
        "UPDATE connection SET failure = ?2, failures = ?3, last_test_at = ?4, next_test_at = ?5, failed_step = ?6,
             tested_revision = revision
         WHERE name = ?1",
        (
            test.connection.as_str(),
            failure.as_ref().map(json).transpose()?,
            if failure.is_some() { current.failures.saturating_add(1) } else { 0 },
            millis(test.at),
            millis(next_test_at),
            test.report.failed_step().map(Step::code),
        ),
    )?;
    tell_test(change, test)?;
    let event = if failure.is_some() { ConnectionEvent::TestFailed } else { ConnectionEvent::TestPassed };
    apply(change, &test.connection, event, test.at).map(Some)
}

/// Days before its end from which on a certificate is worth a warning.
const CERTIFICATE_WARNING_DAYS: i64 = 30;

fn tell_test(change: &mut Change<'_>, test: &ConnectionTest) -> Result<()> {
    let (name, failure) = (&test.connection, &test.report.failure);
    let message = match failure {
        Some(failure) => format!("connection {name} failed its test: {}", failure.message),
        None => format!("connection {name} passed its test"),
    };
    let mut event = Event::new(test.at, EventName::ConnectionTested, message)
        .connection(name)
        .delegate(test.delegate.as_ref())
        .field("outcome", if failure.is_some() { "failed" } else { "ok" })
        .field("duration_ms", test.duration_ms);
    if let Some(failure) = failure {
        event = event.failure(failure).level(Level::Warn);
    }
    if let Some(days) = test.report.certificate_days_left {
        event = event.field("certificate_days_left", days);
    }
    change.tell(event)?;
    match test.report.certificate_days_left {
        Some(days) if days <= CERTIFICATE_WARNING_DAYS && failure.is_none() && !was_warned(change, test)? => {
            let message = format!("the certificate of connection {name}'s server runs out in {days} days");
            let event = Event::new(test.at, EventName::CertificateExpiring, message).connection(name);
            change.tell(event.field("days_left", days))
        }
        _ => Ok(()),
    }
}

/// Whether the last day has a warning already.
fn was_warned(change: &Change<'_>, test: &ConnectionTest) -> Result<bool> {
    let mut statement =
        change.sql().prepare_cached("SELECT 1 FROM event WHERE event = ?1 AND connection = ?2 AND at > ?3")?;
    let yesterday = millis(test.at - TimeDelta::days(1));
    Ok(statement.exists((EventName::CertificateExpiring.as_str(), test.connection.as_str(), yesterday))?)
}

/// A test as the history shows it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct TestRecord {
    pub at: DateTime<Utc>,
    pub delegate: Option<String>,
    pub duration_ms: u64,
    pub steps: Vec<StepReport>,
    pub failure: Option<Failure>,
    pub certificate_days_left: Option<i64>,
}

/// The newest tests first.
pub fn tests(sql: &Connection, name: &ConnectionName, limit: u32) -> Result<Vec<TestRecord>> {
    let mut statement =
        sql.prepare_cached("SELECT * FROM connection_test WHERE connection = ?1 ORDER BY id DESC LIMIT ?2")?;
    let records = statement.query_map((name.as_str(), limit), |row| {
        Ok(TestRecord {
            at: row.time("at")?.unwrap_or_default(),
            delegate: row.get("delegate")?,
            duration_ms: row.get("duration_ms")?,
            steps: row.decoded("steps")?,
            failure: row.decoded_opt("failure")?,
            certificate_days_left: row.get("certificate_days_left")?,
        })
    })?;
    Ok(records.collect::<rusqlite::Result<_>>()?)
}

/// Forgets tests older than `before`; returns how many.
pub fn forget_tests(sql: &Connection, before: DateTime<Utc>) -> Result<usize> {
    Ok(sql.execute("DELETE FROM connection_test WHERE at < ?1", [millis(before)])?)
}
