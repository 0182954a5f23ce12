//! Outcomes that come too late to count.

use suitesync_contract::ConnectionName;

use super::super::Catalog;
use super::super::connection::ConfiguredConnection;
use super::super::link::ConfiguredLink;
use super::*;
use crate::domain::connection::{ConnectionEvent, DisconnectReason};
use crate::domain::link::ArchiveReason;

fn connection() -> ConnectionName {
    "server".parse().unwrap()
}

fn shop() -> LinkName {
    "shop".parse().unwrap()
}

/// A link, and what came of its sync.
fn configure(change: &mut Change<'_>, at: DateTime<Utc>) -> Result<EndedSync> {
    let text = String::new;
    let server = ConfiguredConnection { name: connection(), display_name: text(), fingerprint: text() };
    connection::configure(change, &server, at)?;
    let shop = ConfiguredLink {
        name: shop(),
        display_name: text(),
        description: text(),
        connection: connection(),
        project: text(),
        fingerprint: text(),
        link_existing_results: false,
    };
    let revision = link::configure(change, &shop, at)?.record.revision;
    let found = LinkFacts::Found { commit: None, discovery: Discovery::default(), parsed: 0, remembered: 0 };
    let report = LinkReport { link: shop.name, revision, result: Ok(found) };
    Ok(EndedSync { report, at, delegate: None, duration_ms: 0 })
}

async fn check(meanwhile: fn(&mut Change<'_>, DateTime<Utc>) -> Result<()>, expect: SyncOutcome) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
    let at = Utc::now();
    let recorded = catalog.write(move |change| {
        let ended = configure(change, at)?;
        meanwhile(change, at)?;
        record(change, &ended)
    });
    let (summary, link) = recorded.await.unwrap();
    assert_eq!((summary.outcome, link.is_some()), (expect, expect != SyncOutcome::Refused));
}

#[tokio::test]
async fn a_sync_counts_unless_its_link_was_archived_or_its_connection_disconnected_meanwhile() {
    check(|_, _| Ok(()), SyncOutcome::Synced).await;
    let archive = |change: &mut Change<'_>, at| {
        link::apply(change, &shop(), LinkEvent::Archive(ArchiveReason::Operator), at).map(drop)
    };
    check(archive, SyncOutcome::Refused).await;
    let disconnect = |change: &mut Change<'_>, at| {
        let event = ConnectionEvent::Disconnect(DisconnectReason::Operator);
        connection::apply(change, &connection(), event, at).map(drop)
    };
    check(disconnect, SyncOutcome::Refused).await;
}
