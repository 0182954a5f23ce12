//! Reads the tables of all files into typed settings, and reports whatever keeps them from being that.
//!
//! Connections come before links, whichever file they stand in: a link's URL is read against its connection's.

mod access;
mod agent;
mod connection;
mod context;
mod delegate;
mod link;
mod retention;
mod secret;

use std::collections::BTreeMap;
use std::fmt::Display;

use suitesync_contract::{ConnectionName, DelegateName, LinkName, SecretName};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) use access::Access;
pub(super) use agent::{check_state_dir, default_agent, default_log};
pub(super) use context::Context;
pub(super) use delegate::default_delegate;
pub(super) use retention::default_retention;

use super::keys;
use super::place::{Place, Placed};
use super::report::{Finding, Report};
use super::section::{Section, Value, kind, placed};
use super::settings::{
    AgentConfig, ConnectionConfig, DelegateConfig, LinkConfig, LogConfig, RetentionConfig, SecretSource,
};

/// How a name must look; what every name's fault is answered with.
pub(super) const NAME_HELP: &str = "1 to 50 of letters, digits, `.`, `_` and `-`";

/// Everything that was declared, sound or not.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) agent: Option<Placed<AgentConfig>>,
    pub(super) access: Option<Placed<Access>>,
    pub(super) retention: Option<Placed<RetentionConfig>>,
    pub(super) log: Option<Placed<LogConfig>>,
    pub(super) secrets: Declared<SecretName, SecretSource>,
    pub(super) delegates: Declared<DelegateName, DelegateConfig>,
    pub(super) connections: Declared<ConnectionName, ConnectionConfig>,
    pub(super) links: Declared<LinkName, LinkConfig>,
}

/// Things by their names, with the place of the name. A thing that is not sound is there without its settings.
pub(super) type Declared<N, T> = BTreeMap<N, Placed<Option<T>>>;

/// Parsed documents, in the order of their files.
pub(super) type Document<'r> = Spanned<DeTable<'r>>;

pub(super) fn read<'r>(context: &Context<'r>, documents: &'r [Document<'r>]) -> Draft {
    let mut draft = Draft::default();
    let tops: Vec<_> = documents.iter().enumerate().map(|(file, document)| top(context, file, document)).collect();
    for top in &tops {
        read_singles(context, top, &mut draft);
        for table in tables(top, "connection") {
            let section = Section::new(context.report, table, &keys::CONNECTION);
            let (name, config) = connection::read(&section, context);
            declare(context.report, &mut draft.connections, name, config);
        }
    }
    for top in &tops {
        for table in tables(top, "link") {
            let section = Section::new(context.report, table, &keys::LINK);
            let (name, config) = link::read(&section, &draft.connections);
            declare(context.report, &mut draft.links, name, config);
        }
    }
    draft
}

fn top<'r>(context: &Context<'r>, file: usize, document: &'r Document<'r>) -> Section<'r> {
    let table = Placed::new(document.get_ref(), Place::new(file, document.span()));
    Section::new(context.report, table, &keys::TOP)
}

fn read_singles<'r>(context: &Context<'r>, top: &Section<'r>, draft: &mut Draft) {
    if let Some(section) = open_single(top, "agent", &keys::AGENT, draft.agent.as_ref().map(|agent| agent.place)) {
        draft.agent = Some(Placed::new(agent::read_agent(&section, context.environment), section.place));
    }
    let earlier = draft.access.as_ref().map(|access| access.place);
    if let Some(section) = open_single(top, "access", &keys::ACCESS, earlier) {
        draft.access = Some(Placed::new(access::read(&section), section.place));
    }
    let earlier = draft.retention.as_ref().map(|retention| retention.place);
    if let Some(section) = open_single(top, "retention", &keys::RETENTION, earlier) {
        draft.retention = Some(Placed::new(retention::read(&section), section.place));
    }
    if let Some(section) = open_single(top, "log", &keys::LOG, draft.log.as_ref().map(|log| log.place)) {
        draft.log = Some(Placed::new(agent::read_log(&section), section.place));
    }
    for (name, source) in secret::read_declarations(top) {
        declare(context.report, &mut draft.secrets, name, source);
    }
    for table in tables(top, "delegate") {
        let section = Section::new(context.report, table, &keys::DELEGATE);
        let (name, config) = delegate::read(&section, context);
        delegate::refuse_second(&section, &draft.delegates);
        declare(context.report, &mut draft.delegates, name, config);
    }
}

/// A table that may stand once in all files.
fn open_single<'r>(
    top: &Section<'r>,
    key: &'static str,
    keys: &'static keys::Keys,
    earlier: Option<Place>,
) -> Option<Section<'r>> {
    let section = Section::open(top.report, top.value(key)?, keys)?;
    if let Some(earlier) = earlier {
        let finding = Finding::error(section.place, format!("[{key}] stands in two files")).help("keep one of them");
        top.report.add(finding.other(earlier, "the other is at"));
    }
    Some(section)
}

/// The tables of an array of tables.
fn tables<'r>(top: &Section<'r>, key: &str) -> Vec<Placed<&'r DeTable<'r>>> {
    let Some(value) = top.value(key) else { return Vec::new() };
    if let Some(items) = value.value.as_array() {
        return items.iter().filter_map(|item| table_of(top, key, placed(value.place.file, item))).collect();
    }
    let message = format!("`{key}` is a list of tables, not {}", kind(value.value));
    top.report.add(Finding::error(value.place, message).help(format!("write [[{key}]]")));
    value.value.as_table().map(|table| Placed::new(table, value.place)).into_iter().collect()
}

fn table_of<'r>(top: &Section<'r>, key: &str, item: Value<'r>) -> Option<Placed<&'r DeTable<'r>>> {
    match item.value {
        DeValue::Table(table) => Some(Placed::new(table, item.place)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_) => {
            let message = format!("`{key}` is a list of tables, not of {}", kind(item.value));
            top.report.add(Finding::error(item.place, message).help(format!("write [[{key}]]")));
            None
        }
    }
}

/// Takes a thing in under its name, unless the name is taken.
fn declare<N: Ord + Display, T>(
    report: &Report<'_>,
    all: &mut Declared<N, T>,
    name: Option<Placed<N>>,
    config: Option<T>,
) {
    let Some(name) = name else { return };
    if let Some(earlier) = all.get(&name.value) {
        let finding = Finding::error(name.place, format!("the name `{}` is used twice", name.value));
        report.add(finding.help("give one of them another name").other(earlier.place, "first used at"));
        return;
    }
    all.insert(name.value, Placed::new(config, name.place));
}
