//! Checks across tables, and what makes a draft a whole configuration.

mod remote;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};

use suitesync_contract::{SecretName, SecretRef, Tags};

use super::read::{Context, Declared, Draft, check_state_dir, default_agent, default_log, default_retention};
use super::report::Finding;
use super::settings::{Config, ConnectionConfig, DelegateConfig, DelegateKind, SecretSource};
use crate::domain::access::AccessRules;
use crate::domain::nearest::suggestion;

use secrets::Keeper;

pub(super) use secrets::check_grants;

/// Reports what does not fit together. Nothing is said of what lacks while a part of a file is not understood.
pub(super) fn check(context: &Context<'_>, draft: &Draft) {
    if context.report.is_any_broken() {
        return;
    }
    secrets::check(context, &draft.secrets, keeper(draft));
    remote::check(context, draft);
    check_tags(context, draft);
    warn_if_nobody_runs(context, draft);
    check_projects(context, draft);
    warn_of_same_views(context, draft);
    warn_of_connections_without_link(context, draft);
}

/// The whole configuration; only sound if nothing was reported as an error.
pub(super) fn assemble(context: &Context<'_>, draft: Draft) -> Config {
    let agent = draft.agent.map_or_else(|| default_agent(context.environment, None), |agent| agent.value);
    check_state_dir(context.report, &agent);
    let secrets = sound(draft.secrets);
    let delegates = draft.delegates.into_values().filter_map(|delegate| delegate.value).chain(draft.local).collect();
    let mut connections = sound(draft.connections);
    for connection in connections.values_mut() {
        connection.secret_sources = named_sources(connection, &secrets);
    }
    let log = draft.log.map_or_else(default_log, |log| log.value);
    let retention = draft.retention.map_or_else(default_retention, |retention| retention.value);
    let access = draft.access.map_or_else(AccessRules::default, |access| access.value.rules);
    Config {
        agent,
        access,
        retention,
        log,
        secrets,
        remote: draft.remote.and_then(|remote| remote.value),
        delegates,
        connections,
        links: sound(draft.links),
        schedules: sound(draft.schedules),
    }
}

fn sound<N: Ord, T>(declared: Declared<N, T>) -> BTreeMap<N, T> {
    declared.into_iter().filter_map(|(name, config)| Some((name, config.value?))).collect()
}

/// What is declared under the names that a connection asks for.
fn named_sources(
    connection: &ConnectionConfig,
    secrets: &BTreeMap<SecretName, SecretSource>,
) -> BTreeMap<SecretName, SecretSource> {
    let declared = |reference: &SecretRef| match reference {
        SecretRef::Secret(name) => secrets.get_key_value(name).map(|(name, source)| (name.clone(), source.clone())),
        SecretRef::Env(_) | SecretRef::File(_) | SecretRef::Credential(_) | SecretRef::Command(_) => None,
    };
    connection.secrets().filter_map(declared).collect()
}

fn delegates(draft: &Draft) -> impl Iterator<Item = &DelegateConfig> {
    draft.delegates.values().filter_map(|delegate| delegate.value.as_ref()).chain(&draft.local)
}

fn keeper(draft: &Draft) -> Keeper {
    let is_keeper = |delegate: &DelegateConfig| delegate.runs && matches!(delegate.kind, DelegateKind::Socket(_));
    if draft.remote.is_some() || delegates(draft).any(is_keeper) { Keeper::Delegate } else { Keeper::Nobody }
}

fn check_tags(context: &Context<'_>, draft: &Draft) {
    let carried: Tags = delegates(draft).flat_map(|d| d.tags.iter().chain([d.name.as_str()])).collect();
    for tag in context.tags_used.borrow().iter() {
        let wanted: Tags = [tag.value.as_str()].into_iter().collect();
        // One that announces itself may bring any tag.
        if draft.remote.is_none() && !carried.missing(&wanted).is_empty() {
            let names: Vec<_> = carried.iter().collect();
            let finding = Finding::warning(tag.place, format!("no delegate carries the tag `{}`", tag.value.trim()));
            context.report.add(finding.help(suggestion(tag.value.trim(), "tags of delegates", names)));
        }
    }
}

/// Said once, at the first schedule: it is the delegates that lack something.
fn warn_if_nobody_runs(context: &Context<'_>, draft: &Draft) {
    let is_sound = draft.delegates.values().all(|delegate| delegate.value.is_some());
    let first = draft.schedules.values().map(|schedule| schedule.place).min();
    // Delegates on other hosts execute runs unless they say otherwise.
    let is_remote = draft.remote.is_some();
    if let Some(place) = first.filter(|_| is_sound && !is_remote && !delegates(draft).any(|delegate| delegate.runs)) {
        let finding = Finding::warning(place, "no delegate executes runs: those of every schedule will end as errors");
        context.report.add(finding.help("set `runs = true` in a [[delegate]], such as one with `kind = \"process\"`"));
    }
}

fn check_projects(context: &Context<'_>, draft: &Draft) {
    let links = draft.links.values().filter_map(|link| link.value.as_ref());
    let known: BTreeSet<_> = links.map(|link| link.project.as_str()).collect();
    for (name, place) in draft.access.iter().flat_map(|access| &access.value.projects) {
        if !known.contains(name.as_str()) {
            let finding = Finding::warning(*place, format!("no link belongs to the project `{name}`"));
            context.report.add(finding.help(suggestion(name, "projects of links", known.iter().copied())));
        }
    }
}

fn warn_of_same_views(context: &Context<'_>, draft: &Draft) {
    let mut views = BTreeMap::new();
    for (name, link) in &draft.links {
        let Some(config) = &link.value else { continue };
        let view = (config.repository.identity(), &config.reference, config.directory.as_str());
        let Some((other, place)) = views.insert(view, (name, link.place)) else { continue };
        let message = format!("links `{other}` and `{name}` look at the same repository, ref and directory");
        context
            .report
            .add(Finding::warning(link.place, message).help("one of them is enough").other(place, "the other is at"));
    }
}

fn warn_of_connections_without_link(context: &Context<'_>, draft: &Draft) {
    let linked: BTreeSet<_> =
        draft.links.values().filter_map(|link| link.value.as_ref()).map(|link| &link.connection).collect();
    let all_sound = draft.links.values().all(|link| link.value.is_some());
    for (name, connection) in draft.connections.iter().filter(|(name, _)| all_sound && !linked.contains(name)) {
        let finding = Finding::warning(connection.place, format!("connection `{name}` has no link"));
        context.report.add(finding.help(format!("add a [[link]] with `connection = \"{name}\"`")));
    }
}
