//! Reads the tables of all files into typed settings, and reports whatever keeps them from being that.
//!
//! Connections come before links, and links before schedules, whichever file they stand in: a link's URL is read against
//! its connection's, and a schedule names its link.

mod access;
mod agent;
mod connection;
mod context;
mod delegate;
mod delegate_file;
mod link;
mod remote;
mod retention;
mod schedule;
mod secret;

use std::collections::BTreeMap;
use std::fmt::Display;

use suitesync_contract::{ConnectionName, DelegateName, LinkName, ScheduleName, SecretName};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) use access::Access;
pub(super) use agent::{check_state_dir, default_agent, default_log};
pub(super) use context::Context;
pub(super) use delegate_file::read_delegate_file;
pub(super) use retention::default_retention;

use super::keys;
use super::place::{Place, Placed};
use super::report::{Finding, Report};
use super::section::{Section, Value, kind, placed};
use super::settings::{
    AgentConfig, ConnectionConfig, DelegateConfig, LinkConfig, LogConfig, RemoteConfig, RetentionConfig,
    ScheduleConfig, SecretSource,
};
use super::source::Content;

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
    pub(super) remote: Option<Placed<Option<RemoteConfig>>>,
    pub(super) delegates: Declared<DelegateName, DelegateConfig>,
    /// The delegate of this host that is there without a word, where it is.
    pub(super) local: Option<DelegateConfig>,
    pub(super) connections: Declared<ConnectionName, ConnectionConfig>,
    pub(super) links: Declared<LinkName, LinkConfig>,
    pub(super) schedules: Declared<ScheduleName, ScheduleConfig>,
}

/// Things by their names, with the place of the name. A thing that is not sound is there without its settings.
pub(super) type Declared<N, T> = BTreeMap<N, Placed<Option<T>>>;

/// Parsed documents, in the order of their files.
pub(super) type Document<'r> = Spanned<DeTable<'r>>;

pub(super) fn read<'r>(context: &Context<'r>, documents: &'r [Document<'r>]) -> Draft {
    let mut draft = Draft::default();
    let whole = |(file, document): (usize, &'r Document<'r>)| {
        Placed::new(document.get_ref(), Place::new(file, document.span()))
    };
    let (plugins, tops): (Vec<_>, Vec<_>) = documents
        .iter()
        .enumerate()
        .map(whole)
        .partition(|document| context.report.content(document.place) == Content::Plugin);
    let tops: Vec<_> = tops.into_iter().map(|table| Section::new(context.report, table, &keys::TOP)).collect();
    tops.iter().for_each(|top| read_singles(context, top, &mut draft));
    read_delegates(context, &tops, plugins, &mut draft);
    for section in sections(&tops, "connection", &keys::CONNECTION) {
        let (name, config) = connection::read(&section, context);
        declare(context.report, &mut draft.connections, name, config);
    }
    for section in sections(&tops, "link", &keys::LINK) {
        let (name, config) = link::read(&section, context, &draft.connections);
        declare(context.report, &mut draft.links, name, config);
    }
    for section in sections(&tops, "schedule", &keys::SCHEDULE) {
        let (name, config) = schedule::read(&section, context, &draft.links);
        declare(context.report, &mut draft.schedules, name, config);
    }
    draft
}

fn read_delegates<'r>(
    context: &Context<'r>,
    tops: &[Section<'r>],
    plugins: Vec<Placed<&'r DeTable<'r>>>,
    draft: &mut Draft,
) {
    let tables = sections(tops, "delegate", &keys::DELEGATE);
    let plugins = plugins.into_iter().map(|table| Section::new(context.report, table, &keys::PLUGIN));
    let is_any_written = !tables.is_empty();
    for section in tables.into_iter().chain(plugins) {
        let (name, config) = delegate::read(&section, context);
        declare(context.report, &mut draft.delegates, name, config);
    }
    // A plug-in comes in addition: nobody who installs one means to take the agent's own threads away.
    if !is_any_written && !draft.delegates.contains_key(delegate::DEFAULT_NAME) {
        draft.local = Some(delegate::default_delegate(context));
    }
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
    let earlier = draft.remote.as_ref().map(|remote| remote.place);
    if let Some(section) = open_single(top, "remote", &keys::REMOTE, earlier) {
        draft.remote = Some(Placed::new(remote::read(&section, context), section.place));
    }
    for (name, source) in secret::read_declarations(top, secret::read_source) {
        declare(context.report, &mut draft.secrets, name, source);
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

/// The tables of one kind of all files.
fn sections<'r>(tops: &[Section<'r>], key: &str, keys: &'static keys::Keys) -> Vec<Section<'r>> {
    let tables = tops.iter().flat_map(|top| tables(top, key).into_iter().map(|table| (top.report, table)));
    tables.map(|(report, table)| Section::new(report, table, keys)).collect()
}

/// The tables of an array of tables.
fn tables<'r>(top: &Section<'r>, key: &str) -> Vec<Placed<&'r DeTable<'r>>> {
    let Some(value) = top.value(key) else { return Vec::new() };
    if let Some(items) = value.value.as_array() {
        return items.iter().filter_map(|item| table_of(top, key, placed(value.place.file, item))).collect();
    }
    let message = format!("`{key}` is a list of tables, not {}", kind(value.value));
    let finding = Finding::error(value.place, message);
    if key == "delegate" {
        // Most likely it is a delegate's own file, of which nothing else is meant for an agent.
        let help =
            "a delegate's own file is for `suitesync delegate check --config FILE`; in an agent's write [[delegate]]";
        top.report.add(finding.help(help));
        return Vec::new();
    }
    top.report.add(finding.help(format!("write [[{key}]]")));
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
