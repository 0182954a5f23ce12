//! `[[link]]`: one repository under a connection, and the view of it that is kept in the catalog.

mod view;

use std::time::Duration;

use suitesync_contract::{ConnectionName, LinkName, LinkUrl};

use super::connection::{MAX_DESCRIPTION, MAX_DISPLAY_NAME};
use super::{Context, Declared, NAME_HELP};
use crate::config::place::Placed;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::{ConnectionConfig, Format, LinkConfig, Proceed};
use crate::domain::cadence::Cadence;
use crate::domain::nearest::suggestion;

/// One request a repository each time: fresh enough to work with, and next to nothing for a server.
const DEFAULT_SYNC_EVERY: Duration = Duration::from_secs(5 * 60);

/// The catalog project of links that name none.
const DEFAULT_PROJECT: &str = "default";

/// Characters of a project's name, as of any name.
const MAX_PROJECT: usize = 50;

type Connections = Declared<ConnectionName, ConnectionConfig>;

pub(super) fn read(
    section: &Section<'_>,
    context: &Context<'_>,
    connections: &Connections,
) -> (Option<Placed<LinkName>>, Option<LinkConfig>) {
    let name = section.parsed::<LinkName>("name", NAME_HELP);
    let connection = find_connection(section, connections);
    let url = read_url(section, connection.and_then(|connection| connection.config));
    let view = view::read(section, url.as_ref());
    let display_name = section.caption("display_name", MAX_DISPLAY_NAME);
    let description = section.caption("description", MAX_DESCRIPTION).unwrap_or_default();
    let project = section.caption("project", MAX_PROJECT).unwrap_or_else(|| DEFAULT_PROJECT.to_owned());
    if project.trim().is_empty() {
        section.report.add(Finding::error(section.place, "`project` is empty").help("leave it out for \"default\""));
    }
    let sync_cadence = section.cadence("sync_every", "sync_schedule").unwrap_or(Cadence::Every(DEFAULT_SYNC_EVERY));
    let proceed = section.choice("proceed", &[("auto", Proceed::Auto), ("manual", Proceed::Manual)]);
    let archived = section.pin("archived");
    let formats = read_formats(section);
    let delegate_tags = context.delegate_tags(section);
    let link_existing_results = section.flag("link_existing_results").unwrap_or_default();
    let config = name.as_ref().zip(connection).zip(url).map(|((name, connection), url)| LinkConfig {
        name: name.value.clone(),
        display_name: display_name.unwrap_or_else(|| name.value.to_string()),
        description,
        connection: connection.name.clone(),
        project,
        repository: url.repository,
        reference: view.reference,
        directory: view.directory,
        sync_cadence,
        proceed: proceed.map_or(Proceed::Auto, |proceed| proceed.value),
        archived,
        formats,
        delegate_tags,
        link_existing_results,
    });
    (name, config)
}

/// A declared connection, with its settings if they are sound.
#[derive(Clone, Copy)]
struct Connection<'c> {
    name: &'c ConnectionName,
    config: Option<&'c ConnectionConfig>,
}

fn find_connection<'c>(section: &Section<'_>, connections: &'c Connections) -> Option<Connection<'c>> {
    let name = section.required_text("connection")?;
    let found = connections.get_key_value(name.value);
    if found.is_none() && !section.report.is_any_broken() {
        let help = suggestion(name.value, "connections", connections.keys().map(ConnectionName::as_str));
        let finding = Finding::error(name.place, format!("there is no connection `{}`", name.value));
        section.report.add(finding.help(help));
    }
    found.map(|(name, config)| Connection { name, config: config.value.as_ref() })
}

fn read_url(section: &Section<'_>, connection: Option<&ConnectionConfig>) -> Option<LinkUrl> {
    let text = section.required_text("url")?;
    match connection?.url.link(text.value) {
        Ok(url) => Some(url),
        Err(fault) => {
            section.refuse_url("url", text.place, fault);
            None
        }
    }
}

fn read_formats(section: &Section<'_>) -> Vec<Format> {
    let Some(words) = section.texts("formats") else { return Format::ALL.to_vec() };
    if words.is_empty()
        && let Some(list) = section.value("formats")
    {
        section.report.add(Finding::error(list.place, "`formats` is empty").help("leave it out for all formats"));
    }
    let known = Format::ALL.map(Format::as_str);
    let mut formats = Vec::new();
    for word in words {
        match Format::ALL.into_iter().find(|format| format.as_str() == word.value) {
            Some(format) => formats.push(format),
            None => {
                let finding = Finding::error(word.place, format!("there is no format `{}`", word.value));
                section.report.add(finding.help(suggestion(word.value, "formats", known)));
            }
        }
    }
    formats.sort();
    formats.dedup();
    formats
}
