//! A configuration as it stands in the catalog: everything it holds, and everything that is no longer in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use suitesync_contract::{ConnectionName, LinkName};

use crate::catalog::connection::{self, ConfiguredConnection, ConnectionRecord};
use crate::catalog::link::{self, ConfiguredLink, LinkRecord, TakenUpLink};
use crate::catalog::{Catalog, CatalogError, Change};
use crate::config::{Config, ConnectionConfig, LinkConfig};
use crate::domain::connection::{ConnectionEvent, DisconnectReason};
use crate::domain::link::{ArchiveReason, LinkEvent};
use crate::engine::agent::scheduling::{TakenUpSchedules, take_up};

/// What the catalog says of everything once a configuration is written there.
pub(super) struct TakenUp {
    pub(super) connections: BTreeMap<ConnectionName, ConnectionRecord>,
    pub(super) links: BTreeMap<LinkName, LinkRecord>,
    /// Keys of links whose cases are to get what their project already holds.
    pub(super) attaching: Vec<i64>,
    pub(super) schedules: TakenUpSchedules,
}

/// Writes a configuration down: all of it, or nothing.
pub(super) async fn record(
    catalog: &Catalog,
    config: &Arc<Config>,
    now: DateTime<Utc>,
) -> Result<TakenUp, CatalogError> {
    let config = Arc::clone(config);
    catalog.write_durably(None, move |change| write_down(change, &config, now)).await
}

fn write_down(change: &mut Change<'_>, config: &Config, now: DateTime<Utc>) -> Result<TakenUp, CatalogError> {
    let mut connections = BTreeMap::new();
    for settings in config.connections.values() {
        connections.insert(settings.name.clone(), write_connection(change, settings, now)?);
    }
    for record in connection::list(change.sql())? {
        let removed = DisconnectReason::Removed;
        if !config.connections.contains_key(&record.name) && !record.state.disconnected.contains(&removed) {
            connection::apply(change, &record.name, ConnectionEvent::Disconnect(removed), now)?;
        }
    }
    let (mut links, mut attaching) = (BTreeMap::new(), Vec::new());
    for settings in config.links.values() {
        let silent = connections.get(&settings.connection).is_some_and(|record| record.state.is_disconnected());
        let link = write_link(change, settings, silent, now)?;
        attaching.extend(link.attaches.then_some(link.record.key));
        links.insert(settings.name.clone(), link.record);
    }
    for record in link::list(change.sql())? {
        if !config.links.contains_key(&record.name) && !record.state.reasons.contains(&ArchiveReason::Removed) {
            let record = if config.connections.contains_key(&record.connection) {
                record
            } else {
                link::apply(change, &record.name, LinkEvent::ConnectionDisconnected, now)?
            };
            links.insert(record.name.clone(), record);
        }
    }
    Ok(TakenUp { connections, links, attaching, schedules: take_up(change, config, now)? })
}

fn write_connection(
    change: &mut Change<'_>,
    settings: &ConnectionConfig,
    now: DateTime<Utc>,
) -> Result<ConnectionRecord, CatalogError> {
    let configured = ConfiguredConnection {
        name: settings.name.clone(),
        display_name: settings.display_name.clone(),
        fingerprint: settings.fingerprint(),
    };
    let mut record = connection::configure(change, &configured, now)?;
    let pinned = settings.disconnected.is_some();
    let wanted = [(DisconnectReason::Removed, false), (DisconnectReason::Pinned, pinned)];
    for (reason, stands) in wanted {
        if record.state.disconnected.contains(&reason) != stands {
            let event = if stands { ConnectionEvent::Disconnect(reason) } else { ConnectionEvent::Reconnect(reason) };
            record = connection::apply(change, &settings.name, event, now)?;
        }
    }
    Ok(record)
}

fn write_link(
    change: &mut Change<'_>,
    settings: &LinkConfig,
    connection_is_silent: bool,
    now: DateTime<Utc>,
) -> Result<TakenUpLink, CatalogError> {
    let configured = ConfiguredLink {
        name: settings.name.clone(),
        display_name: settings.display_name.clone(),
        description: settings.description.clone(),
        connection: settings.connection.clone(),
        project: settings.project.clone(),
        fingerprint: settings.fingerprint(),
        link_existing_results: settings.link_existing_results,
    };
    let TakenUpLink { mut record, attaches } = link::configure(change, &configured, now)?;
    let wanted = [(ArchiveReason::Removed, false), (ArchiveReason::Pinned, settings.archived.is_some())];
    for (reason, stands) in wanted {
        if record.state.reasons.contains(&reason) != stands {
            let event = if stands { LinkEvent::Archive(reason) } else { LinkEvent::Unarchive(reason) };
            record = link::apply(change, &settings.name, event, now)?;
        }
    }
    if connection_is_silent {
        record = link::apply(change, &settings.name, LinkEvent::ConnectionDisconnected, now)?;
    }
    Ok(TakenUpLink { record, attaches })
}
