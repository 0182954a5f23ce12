//! `[[delegate]]` and `delegates.d/NAME/plugin.toml`, and the delegate that is there without a word.

mod kind;
mod proxy;

use suitesync_contract::{DelegateName, Tags};

use super::{Context, NAME_HELP};
use crate::config::place::Placed;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::{DelegateConfig, DelegateKind, RUNS_DISK};
use crate::config::size;
use crate::config::source::Content;

/// Tasks at once: as many as requests to one host.
const DEFAULT_CAPACITY: u32 = 4;

/// Name of the delegate that nobody declared.
pub(super) const DEFAULT_NAME: &str = "local";

pub(super) fn read(
    section: &Section<'_>,
    context: &Context<'_>,
) -> (Option<Placed<DelegateName>>, Option<DelegateConfig>) {
    let content = section.report.content(section.place);
    let name = match (content, section.value("name")) {
        (Content::Plugin, None) => name_of_folder(section),
        (Content::Plugin | Content::Tables, _) => section.parsed::<DelegateName>("name", NAME_HELP),
    };
    let kind = kind::read(section, content);
    let runs = kind::read_runs(section, context, kind.as_ref());
    let config = read_settings(section, context, name.as_ref().map(|name| &name.value), kind, runs);
    (name, config)
}

/// The delegate that a file of its own describes, which carries out tasks where it is.
pub(super) fn read_station(section: &Section<'_>, context: &Context<'_>) -> Option<DelegateConfig> {
    let name = section.parsed::<DelegateName>("name", NAME_HELP);
    let runs = section.flag("runs").unwrap_or(true);
    read_settings(section, context, name.as_ref().map(|name| &name.value), Some(DelegateKind::Local), runs)
}

fn read_settings(
    section: &Section<'_>,
    context: &Context<'_>,
    name: Option<&DelegateName>,
    kind: Option<DelegateKind>,
    runs: bool,
) -> Option<DelegateConfig> {
    let runs_disk = size::read(section, "runs_disk");
    let tags = section.tags("tags").unwrap_or_default();
    let capacity = section.number("capacity", 1..=10_000).unwrap_or(DEFAULT_CAPACITY);
    let additional_certs = match section.value("additional_certs_path") {
        // What is trusted there is the other host's own matter.
        _ if kind == Some(DelegateKind::Remote) => None,
        Some(_) => context.certificates(section),
        None => context.certificates_of_environment(),
    };
    let proxy = proxy::read(section, context);
    let no_proxy = proxy::read_exceptions(section, context);
    Some(DelegateConfig {
        name: name?.clone(),
        tags: tags.iter().map(|tag| tag.value).collect(),
        capacity,
        kind: kind?,
        runs,
        runs_disk: runs_disk.unwrap_or(RUNS_DISK),
        additional_certs,
        proxy,
        no_proxy,
    })
}

/// A plug-in is called as its folder is.
fn name_of_folder(section: &Section<'_>) -> Option<Placed<DelegateName>> {
    let folder = section.report.source(section.place)?.folder().file_name()?.to_string_lossy();
    match folder.parse() {
        Ok(name) => Some(Placed::new(name, section.place)),
        Err(fault) => {
            let finding = Finding::error(section.place, format!("the folder's name is no delegate's: {fault}"));
            section.report.add(finding.help(format!("add `name`, or rename the folder: {NAME_HELP}")));
            None
        }
    }
}

/// The delegate of a configuration that says nothing of any.
pub(super) fn default_delegate(context: &Context<'_>) -> DelegateConfig {
    DelegateConfig {
        name: DEFAULT_NAME.parse().expect("the default name is a name"),
        tags: Tags::default(),
        capacity: DEFAULT_CAPACITY,
        kind: DelegateKind::Local,
        runs: kind::local_runs(context),
        runs_disk: RUNS_DISK,
        additional_certs: context.certificates_of_environment(),
        proxy: None,
        no_proxy: Vec::new(),
    }
}
