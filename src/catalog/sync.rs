//! Recording a sync: catalog, commit, history and status in one transaction.

use chrono::{DateTime, Utc};
use rusqlite::named_params;
use serde::{Deserialize, Serialize};
use serde_json::json;
use suitesync_contract::{DelegateName, Discovery, Failure, LinkFacts, LinkName, LinkReport, ObjectId, SuiteKind};

use super::columns::{json as to_json, millis};
use super::connection;
use super::contents::{self, ChangeCounts};
use super::link::{self, Counts, LinkRecord};
use super::results;
use super::{Change, Result};
use crate::domain::event::{Event, EventName};
use crate::domain::link::LinkEvent;

/// A sync that ended, for one of its links.
#[derive(Debug, Clone)]
pub struct EndedSync {
    pub report: LinkReport,
    pub at: DateTime<Utc>,
    pub delegate: Option<DelegateName>,
    pub duration_ms: u64,
}

/// What a sync did, as `link sync --wait` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncSummary {
    pub link: LinkName,
    pub outcome: SyncOutcome,
    pub from: Option<ObjectId>,
    pub to: Option<ObjectId>,
    pub cases: ChangeCounts,
    pub suites: ChangeCounts,
    pub duration_ms: u64,
    pub failure: Option<Failure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncOutcome {
    /// The catalog was brought to the commit in `to`.
    Synced,
    /// The ref still points where the catalog is.
    Unchanged,
    Failed,
    /// The link changed, was archived or disconnected meanwhile: nothing was recorded.
    Refused,
}

impl SyncSummary {
    /// A sync whose record could not be written.
    pub fn unrecorded(link: LinkName, failure: Failure) -> Self {
        let counts = ChangeCounts::default();
        let (outcome, failure) = (SyncOutcome::Failed, Some(failure));
        Self { link, outcome, from: None, to: None, cases: counts, suites: counts, duration_ms: 0, failure }
    }
}

/// Records what came of one link's sync. The second part is the link afterwards, unless the outcome was refused.
pub fn record(change: &mut Change<'_>, ended: &EndedSync) -> Result<(SyncSummary, Option<LinkRecord>)> {
    let name = &ended.report.link;
    let Some(link) = find_wanting(change, ended)? else {
        return refuse(change, ended);
    };
    let summary = match &ended.report.result {
        Ok(LinkFacts::Unchanged { commit }) => unchanged(change, ended, &link, Some(*commit))?,
        Ok(LinkFacts::Found { commit: None, .. }) if is_known_empty(&link) => unchanged(change, ended, &link, None)?,
        Ok(LinkFacts::Found { commit, discovery, parsed, remembered }) => {
            let files = Files { parsed: *parsed, remembered: *remembered };
            found(change, ended, &link, &Found { commit: *commit, discovery, files })?
        }
        Err(failure) => failed(change, ended, &link, failure)?,
    };
    let event = if summary.failure.is_some() { LinkEvent::SyncFailed } else { LinkEvent::Synced };
    let link = link::apply(change, name, event, ended.at)?;
    Ok((summary, Some(link)))
}

/// The link as it is now, if it still wants what the sync brings.
fn find_wanting(change: &Change<'_>, ended: &EndedSync) -> Result<Option<LinkRecord>> {
    let link = link::find(change.sql(), &ended.report.link)?;
    let wants = |link: &LinkRecord| link.revision == ended.report.revision && !link.state.is_archived();
    let Some(link) = link.filter(wants) else { return Ok(None) };
    let connection = connection::find(change.sql(), &link.connection)?;
    Ok(connection.is_none_or(|connection| !connection.state.is_disconnected()).then_some(link))
}

/// Files that a sync had to parse, and those whose parse was remembered.
#[derive(Debug, Clone, Copy)]
struct Files {
    parsed: u64,
    remembered: u64,
}

struct Found<'a> {
    commit: Option<ObjectId>,
    discovery: &'a Discovery,
    files: Files,
}

fn summary(ended: &EndedSync, outcome: SyncOutcome, link: Option<&LinkRecord>) -> SyncSummary {
    SyncSummary {
        link: ended.report.link.clone(),
        outcome,
        from: link.and_then(|link| link.commit),
        to: link.and_then(|link| link.commit),
        cases: ChangeCounts::default(),
        suites: ChangeCounts::default(),
        duration_ms: ended.duration_ms,
        failure: None,
    }
}

fn refuse(change: &mut Change<'_>, ended: &EndedSync) -> Result<(SyncSummary, Option<LinkRecord>)> {
    let name = &ended.report.link;
    let message = format!("a sync of link {name} ended after the link had changed, or was archived or disconnected");
    let event = Event::new(ended.at, EventName::TaskRefused, message).link(name).delegate(ended.delegate.as_ref());
    change.tell(event.field("reason", "revision"))?;
    Ok((summary(ended, SyncOutcome::Refused, None), None))
}

/// Whether the catalog says already that the repository has no commit.
fn is_known_empty(link: &LinkRecord) -> bool {
    link.commit.is_none() && link.commit_revision == Some(link.revision)
}

fn unchanged(
    change: &Change<'_>,
    ended: &EndedSync,
    link: &LinkRecord,
    commit: Option<ObjectId>,
) -> Result<SyncSummary> {
    let mut statement =
        change.sql().prepare_cached("UPDATE link SET checked_at = ?2, failure = NULL, failures = 0 WHERE key = ?1")?;
    statement.execute((link.key, millis(ended.at)))?;
    Ok(SyncSummary { to: commit, ..summary(ended, SyncOutcome::Unchanged, Some(link)) })
}

fn found(change: &mut Change<'_>, ended: &EndedSync, link: &LinkRecord, found: &Found<'_>) -> Result<SyncSummary> {
    let sync = insert_sync(change, ended, link, found.commit, found.files, None)?;
    let (cases, suites) = contents::replace(change, link.key, sync, found.discovery)?;
    if link.link_existing_results {
        results::attach_existing(change.sql(), link.key, None)?;
    }
    let totals = count(found.discovery);
    change.sql().execute(
        "UPDATE sync SET counts = ?2 WHERE id = ?1",
        (sync, json!({ "cases": cases, "suites": suites }).to_string()),
    )?;
    change.sql().execute(
        "UPDATE link SET commit_id = :commit, commit_revision = revision, counts = :counts, roots = :roots,
             notices = :notices, checked_at = :at, synced_at = :at, failure = NULL, failures = 0
         WHERE key = :key",
        named_params! {
            ":key": link.key,
            ":commit": found.commit.map(|commit| commit.to_string()),
            ":counts": to_json(&totals)?,
            ":roots": to_json(&found.discovery.roots)?,
            ":notices": to_json(&found.discovery.notices)?,
            ":at": millis(ended.at),
        },
    )?;
    let summary = SyncSummary { to: found.commit, cases, suites, ..summary(ended, SyncOutcome::Synced, Some(link)) };
    tell_synced(change, ended, link, &summary, found.files)?;
    Ok(summary)
}

fn tell_synced(
    change: &mut Change<'_>,
    ended: &EndedSync,
    link: &LinkRecord,
    summary: &SyncSummary,
    files: Files,
) -> Result<()> {
    let commit = summary.to.map_or_else(|| "no commit yet".to_owned(), |commit| commit.short());
    let changes = |counts: &ChangeCounts| {
        format!(
            "{} added, {} removed, {} changed, {} renamed",
            counts.added, counts.removed, counts.changed, counts.renamed
        )
    };
    let message = format!(
        "link {} is at {commit}: cases {}; suites {}",
        link.name,
        changes(&summary.cases),
        changes(&summary.suites)
    );
    let event = Event::new(ended.at, EventName::LinkSynced, message)
        .link(&link.name)
        .connection(&link.connection)
        .delegate(ended.delegate.as_ref())
        .field("from", summary.from.map(|commit| commit.to_string()))
        .field("to", summary.to.map(|commit| commit.to_string()))
        .field("cases", serde_json::to_value(summary.cases)?)
        .field("suites", serde_json::to_value(summary.suites)?)
        .field("parsed", files.parsed)
        .field("remembered", files.remembered)
        .field("duration_ms", ended.duration_ms);
    change.tell(event)
}

fn failed(change: &mut Change<'_>, ended: &EndedSync, link: &LinkRecord, failure: &Failure) -> Result<SyncSummary> {
    let news = link.failure.as_ref().is_none_or(|before| before.class != failure.class);
    let none = Files { parsed: 0, remembered: 0 };
    if news {
        insert_sync(change, ended, link, None, none, Some(failure))?;
        let message = format!("link {} could not be synced: {}", link.name, failure.message);
        let event = Event::new(ended.at, EventName::LinkSyncFailed, message)
            .link(&link.name)
            .connection(&link.connection)
            .delegate(ended.delegate.as_ref())
            .failure(failure)
            .field("duration_ms", ended.duration_ms);
        change.tell(event)?;
    }
    change.sql().execute(
        "UPDATE link SET checked_at = ?2, failure = ?3, failures = failures + 1 WHERE key = ?1",
        (link.key, millis(ended.at), to_json(failure)?),
    )?;
    Ok(SyncSummary { to: None, failure: Some(failure.clone()), ..summary(ended, SyncOutcome::Failed, Some(link)) })
}

fn insert_sync(
    change: &Change<'_>,
    ended: &EndedSync,
    link: &LinkRecord,
    to: Option<ObjectId>,
    files: Files,
    failure: Option<&Failure>,
) -> Result<i64> {
    let mut statement = change.sql().prepare_cached(
        "INSERT INTO sync (link, at, from_commit, to_commit, counts, parsed, remembered, delegate, duration_ms, failure)
         VALUES (:link, :at, :from, :to, '{}', :parsed, :remembered, :delegate, :duration_ms, :failure)",
    )?;
    statement.execute(named_params! {
        ":link": link.key,
        ":at": millis(ended.at),
        ":from": link.commit.map(|commit| commit.to_string()),
        ":to": to.map(|commit| commit.to_string()),
        ":parsed": files.parsed,
        ":remembered": files.remembered,
        ":delegate": ended.delegate.as_ref().map(|name| name.as_str()),
        ":duration_ms": ended.duration_ms,
        ":failure": failure.map(to_json).transpose()?,
    })?;
    Ok(change.sql().last_insert_rowid())
}

fn count(discovery: &Discovery) -> Counts {
    let read = |kinds: &[SuiteKind]| {
        let readable = discovery.suites.iter().filter(|suite| suite.state.reason().is_none());
        readable.filter(|suite| kinds.contains(&suite.kind)).count() as u64
    };
    let malformed = discovery.cases.iter().filter(|case| case.state.reason().is_some()).count()
        + discovery.suites.iter().filter(|suite| suite.state.reason().is_some()).count();
    Counts {
        cases: discovery.cases.len() as u64,
        suites: read(&[SuiteKind::Static, SuiteKind::Dynamic]),
        collections: read(&[SuiteKind::Collection]),
        malformed: malformed as u64,
    }
}

#[cfg(test)]
mod tests;
