//! Checks across tables, and what makes a draft a whole configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use suitesync_contract::{Credentials, SecretName, SecretRef, Tags};

use super::environment::Environment;
use super::mask::is_variable;
use super::nearest::suggestion;
use super::place::{Place, Placed};
use super::read::{
    Context, Declared, Draft, check_state_dir, default_agent, default_delegate, default_log, default_retention,
};
use super::report::Finding;
use super::secrets::MAX_SECRET_FILE;
use super::settings::{Config, DelegateConfig, SecretSource};

/// Reports what does not fit together. Nothing is said of what lacks while a part of a file is not understood.
pub(super) fn check(context: &Context<'_>, draft: &Draft) {
    if context.report.is_any_broken() {
        return;
    }
    check_secrets(context, &draft.secrets);
    check_tags(context, draft);
    warn_of_same_views(context, draft);
    warn_of_connections_without_link(context, draft);
}

/// The whole configuration; only sound if nothing was reported as an error.
pub(super) fn assemble(context: &Context<'_>, draft: Draft) -> Config {
    let agent = draft.agent.map_or_else(|| default_agent(context.environment, None), |agent| agent.value);
    check_state_dir(context.report, &agent);
    let secrets = sound(draft.secrets);
    let mut delegates: Vec<DelegateConfig> =
        draft.delegates.into_values().filter_map(|delegate| delegate.value).collect();
    if delegates.is_empty() {
        delegates.push(default_delegate(context));
    }
    let mut connections = sound(draft.connections);
    for connection in connections.values_mut() {
        connection.secret_source =
            connection.credentials.as_ref().and_then(|credentials| named_source(credentials, &secrets));
    }
    let log = draft.log.map_or_else(default_log, |log| log.value);
    let retention = draft.retention.map_or_else(default_retention, |retention| retention.value);
    Config { agent, retention, log, secrets, delegates, connections, links: sound(draft.links) }
}

fn sound<N: Ord, T>(declared: Declared<N, T>) -> BTreeMap<N, T> {
    declared.into_iter().filter_map(|(name, config)| Some((name, config.value?))).collect()
}

fn named_source(credentials: &Credentials, secrets: &BTreeMap<SecretName, SecretSource>) -> Option<SecretSource> {
    let (Credentials::Basic { password: reference, .. } | Credentials::Bearer { token: reference }) = credentials;
    match reference {
        SecretRef::Secret(name) => secrets.get(name).cloned(),
        SecretRef::Env(_) | SecretRef::File(_) => None,
    }
}

fn check_secrets(context: &Context<'_>, declared: &Declared<SecretName, SecretSource>) {
    let mut used = BTreeSet::new();
    let mut checked = BTreeSet::new();
    for reference in context.secrets_used.borrow().iter() {
        match &reference.value {
            SecretRef::Secret(name) if declared.contains_key(name) => {
                used.insert(name.clone());
            }
            SecretRef::Secret(name) => refuse_undeclared(context, reference.place, name, declared),
            SecretRef::Env(name) if checked.insert(name.clone()) => {
                warn_if_not_set(context, Placed::new(name, reference.place));
            }
            SecretRef::File(path) if checked.insert(path.clone()) => {
                warn_if_unreadable(context, Placed::new(Path::new(path), reference.place));
            }
            SecretRef::Env(_) | SecretRef::File(_) => (),
        }
    }
    for (name, source) in declared {
        if !used.contains(name) {
            let finding = Finding::warning(source.place, format!("the secret `{name}` is not used"));
            context.report.add(finding.help("remove it, or name it with { secret = \"…\" }"));
            continue;
        }
        match &source.value {
            Some(SecretSource::Env(variable)) => warn_if_not_set(context, Placed::new(variable, source.place)),
            Some(SecretSource::File(path)) => warn_if_unreadable(context, Placed::new(path, source.place)),
            None => (),
        }
    }
}

/// The name is not repeated: it may be the secret itself.
fn refuse_undeclared(
    context: &Context<'_>,
    place: Place,
    name: &SecretName,
    declared: &Declared<SecretName, SecretSource>,
) {
    let help = suggestion(name.as_str(), "declared secrets", declared.keys().map(SecretName::as_str));
    context.report.add(Finding::error(place, "there is no [secrets] table of this name").help(help));
}

fn warn_if_not_set(context: &Context<'_>, variable: Placed<&String>) {
    let environment: &Environment = context.environment;
    if environment.get(variable.value).is_none() {
        let shown = if is_variable(variable.value) { format!(" {}", variable.value) } else { String::new() };
        let finding = Finding::warning(variable.place, format!("the environment variable{shown} is not set here"));
        context.report.add(finding.help("it is looked up when it is needed; set it for the agent"));
    }
}

fn warn_if_unreadable<P: AsRef<Path>>(context: &Context<'_>, path: Placed<P>) {
    let why = match std::fs::metadata(path.value.as_ref()) {
        Err(fault) => fault.to_string(),
        Ok(metadata) if !metadata.is_file() => "it is not a file".to_owned(),
        Ok(metadata) if metadata.len() == 0 => "it is empty".to_owned(),
        Ok(metadata) if metadata.len() > MAX_SECRET_FILE => "it is larger than 64 KiB".to_owned(),
        Ok(_) => match std::fs::File::open(path.value.as_ref()) {
            Ok(_) => return,
            Err(fault) => fault.to_string(),
        },
    };
    let finding = Finding::warning(path.place, format!("the secret's file cannot be used now: {why}"));
    context.report.add(finding.help("it is read when it is needed; the agent's user must be able to read it"));
}

fn check_tags(context: &Context<'_>, draft: &Draft) {
    let delegates = draft.delegates.values().filter_map(|delegate| delegate.value.as_ref());
    let mut carried: Tags = delegates.flat_map(|d| d.tags.iter().chain([d.name.as_str()])).collect();
    if draft.delegates.is_empty() {
        carried.insert(default_delegate(context).name.as_str());
    }
    for tag in context.tags_used.borrow().iter() {
        let wanted: Tags = [tag.value.as_str()].into_iter().collect();
        if !carried.missing(&wanted).is_empty() {
            let names: Vec<_> = carried.iter().collect();
            let finding = Finding::warning(tag.place, format!("no delegate carries the tag `{}`", tag.value.trim()));
            context.report.add(finding.help(suggestion(tag.value.trim(), "tags of delegates", names)));
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
