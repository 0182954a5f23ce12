//! `[[connection]]`: where an account's repositories are, and how they are reached.

mod address;
mod credentials;

use std::time::Duration;

use suitesync_contract::{ConnectionName, Credentials, Scheme, Tags};

use super::{Context, NAME_HELP};
use crate::config::place::Placed;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::{ConnectionConfig, ConnectionType};
use crate::domain::cadence::Cadence;

use address::Address;

/// Often enough to tell of a revoked token within the hour, seldom enough to go unnoticed.
const DEFAULT_TEST_EVERY: Duration = Duration::from_secs(30 * 60);

/// Characters of a display name: what a table column holds.
pub(super) const MAX_DISPLAY_NAME: usize = 50;

/// Characters of a description: what the catalog's column holds.
pub(super) const MAX_DESCRIPTION: usize = 255;

pub(super) fn read(
    section: &Section<'_>,
    context: &Context<'_>,
) -> (Option<Placed<ConnectionName>>, Option<ConnectionConfig>) {
    let name = section.parsed::<ConnectionName>("name", NAME_HELP);
    let address = address::read(section);
    let credentials = credentials::read(section, context);
    let display_name = section.caption("display_name", MAX_DISPLAY_NAME);
    let description = section.caption("description", MAX_DESCRIPTION).unwrap_or_default();
    let delegate_tags = read_tags(section, context);
    let test_cadence = section.cadence("test_every", "test_schedule").unwrap_or(Cadence::Every(DEFAULT_TEST_EVERY));
    let additional_certs = context.certificates(section);
    let allow_plain_http = section.flag("allow_plain_http").unwrap_or_default();
    let disconnected = section.pin("disconnected");
    if let Some(address) = &address
        && !allow_plain_http
    {
        refuse_plain_credentials(section, address, credentials.as_ref());
    }
    let config = name.as_ref().zip(address).map(|(name, address)| ConnectionConfig {
        name: name.value.clone(),
        display_name: display_name.unwrap_or_else(|| name.value.to_string()),
        description,
        provider: address.url.provider(),
        url_type: address.url.url_type(),
        url: address.url,
        connection_type: ConnectionType::Http,
        test_repository: address.test_repository,
        probed_repository: address.probed_repository,
        credentials,
        secret_source: None,
        delegate_tags,
        test_cadence,
        additional_certs,
        allow_plain_http,
        disconnected,
    });
    (name, config)
}

fn read_tags(section: &Section<'_>, context: &Context<'_>) -> Tags {
    let tags = section.tags("delegate_tags").unwrap_or_default();
    context.tags_used.borrow_mut().extend(tags.iter().map(|tag| tag.map(str::to_owned)));
    tags.iter().map(|tag| tag.value).collect()
}

fn refuse_plain_credentials(section: &Section<'_>, address: &Address, credentials: Option<&Credentials>) {
    if credentials.is_some() && address.url.origin().scheme == Scheme::Http {
        let finding = Finding::error(address.place, "credentials would be sent in the clear over http://");
        section.report.add(finding.help("use https://, or set `allow_plain_http = true` if the network is trusted"));
    }
}
