//! `[[connection]]`: where an account's repositories are, and how they are reached.

mod address;
mod api;
mod credentials;
mod tls;

use std::collections::BTreeMap;
use std::time::Duration;

use suitesync_contract::{ConnectionName, Credentials, Provider, Scheme};

use super::{Context, NAME_HELP};
use crate::config::place::Placed;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::{ConnectionConfig, ConnectionType, HostKeysConfig};
use crate::domain::cadence::Cadence;

use address::Address;
use api::PlainHttp;
use credentials::Identities;

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
    let connection_type = address.as_ref().map(|address| address.connection_type);
    let Identities { ours: credentials, host_keys } = credentials::read(section, context, connection_type);
    let client_certificate = tls::read(section, context, connection_type);
    let display_name = section.caption("display_name", MAX_DISPLAY_NAME);
    let description = section.caption("description", MAX_DESCRIPTION).unwrap_or_default();
    let delegate_tags = context.delegate_tags(section).unwrap_or_default();
    let test_cadence = section.cadence("test_every", "test_schedule").unwrap_or(Cadence::Every(DEFAULT_TEST_EVERY));
    let additional_certs = context.certificates(section);
    let allow_plain_http = section.flag("allow_plain_http").unwrap_or_default();
    let plain_http = if allow_plain_http { PlainHttp::Allowed } else { PlainHttp::Refused };
    let api = api::read(section, context, address.as_ref(), plain_http);
    let disconnected = section.pin("disconnected");
    if let Some(address) = &address {
        if plain_http == PlainHttp::Refused {
            refuse_plain_credentials(section, address, credentials.as_ref());
        }
        warn_of_unknown_host(section, address, host_keys.as_ref());
    }
    let config = name.as_ref().zip(address).map(|(name, address)| ConnectionConfig {
        name: name.value.clone(),
        display_name: display_name.unwrap_or_else(|| name.value.to_string()),
        description,
        provider: address.url.provider(),
        url_type: address.url.url_type(),
        url: address.url,
        connection_type: address.connection_type,
        test_repository: address.test_repository,
        probed_repository: address.probed_repository,
        credentials,
        host_keys: host_keys.unwrap_or(HostKeysConfig::Published),
        client_certificate,
        api,
        secret_sources: BTreeMap::new(),
        delegate_tags,
        test_cadence,
        additional_certs,
        allow_plain_http,
        disconnected,
    });
    (name, config)
}

fn refuse_plain_credentials(section: &Section<'_>, address: &Address, credentials: Option<&Credentials>) {
    if credentials.is_some() && address.url.origin().scheme == Scheme::Http {
        let finding = Finding::error(address.place, "credentials would be sent in the clear over http://");
        section.report.add(finding.help("use https://, or set `allow_plain_http = true` if the network is trusted"));
    }
}

/// Without any key of its host a connection can do nothing but tell the fingerprint, which is of use once.
fn warn_of_unknown_host(section: &Section<'_>, address: &Address, host_keys: Option<&HostKeysConfig>) {
    let is_ssh = address.connection_type == ConnectionType::Ssh;
    let is_published = Provider::implied_by(&address.url.to_string()) == Provider::AzureRepos;
    if is_ssh && !is_published && host_keys == Some(&HostKeysConfig::Published) {
        let host = &address.url.origin().host;
        let finding = Finding::warning(address.place, format!("no key of `{host}` is known: it will be refused"));
        section.report.add(finding.help(
            "set `known_hosts` or `host_keys` in [connection.credentials]; a test shows the fingerprint, to be verified",
        ));
    }
}
