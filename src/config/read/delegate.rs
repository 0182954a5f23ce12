//! `[[delegate]]`: the one on this host, which is there without a word too.

mod proxy;

use suitesync_contract::{DelegateName, Tags};

use super::{Context, Declared, NAME_HELP};
use crate::config::place::Placed;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::DelegateConfig;

/// Tasks at once: as many as requests to one host.
const DEFAULT_CAPACITY: u32 = 4;

/// Name of the delegate that nobody declared.
const DEFAULT_NAME: &str = "local";

pub(super) fn read(
    section: &Section<'_>,
    context: &Context<'_>,
) -> (Option<Placed<DelegateName>>, Option<DelegateConfig>) {
    let name = section.parsed::<DelegateName>("name", NAME_HELP);
    if !section.refuse_word("kind", &["remote", "process"], "leave `kind` out, or write \"local\"") {
        section.choice("kind", &[("local", ())]);
    }
    let tags = section.tags("tags").unwrap_or_default();
    let capacity = section.number("capacity", 1..=10_000).unwrap_or(DEFAULT_CAPACITY);
    let additional_certs = match section.value("additional_certs_path") {
        Some(_) => context.certificates(section),
        None => context.certificates_of_environment(),
    };
    let proxy = proxy::read(section, context);
    let no_proxy = proxy::read_exceptions(section, context);
    let config = name.as_ref().map(|name| DelegateConfig {
        name: name.value.clone(),
        tags: tags.iter().map(|tag| tag.value).collect(),
        capacity,
        additional_certs,
        proxy,
        no_proxy,
    });
    (name, config)
}

/// Reports a delegate besides the first.
pub(super) fn refuse_second(section: &Section<'_>, delegates: &Declared<DelegateName, DelegateConfig>) {
    if let Some(first) = delegates.values().next() {
        let finding = Finding::error(section.place, "more than one delegate is not supported by this version");
        section.report.add(finding.help("keep the one on this host").other(first.place, "the first is at"));
    }
}

/// The delegate of a configuration that says nothing of any.
pub(in crate::config) fn default_delegate(context: &Context<'_>) -> DelegateConfig {
    DelegateConfig {
        name: DEFAULT_NAME.parse().expect("the default name is a name"),
        tags: Tags::default(),
        capacity: DEFAULT_CAPACITY,
        additional_certs: context.certificates_of_environment(),
        proxy: None,
        no_proxy: Vec::new(),
    }
}
