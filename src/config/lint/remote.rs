//! What holds between `[remote]` and the rest: who is expected over it, and what cannot go over it.
//!
//! A task carries names of secrets and nothing more of them, so that a connection whose secrets have inline sources can
//! be served on this host alone.

use suitesync_contract::{DelegateName, SecretRef, Tags};

use super::delegates;
use crate::config::read::{Context, Draft, NAME_HELP};
use crate::config::report::Finding;
use crate::config::settings::{ConnectionConfig, DelegateConfig, DelegateKind};

pub(super) fn check(context: &Context<'_>, draft: &Draft) {
    refuse_unexpected(context, draft);
    check_agent_name(context, draft);
    for connection in draft.connections.values() {
        if let Some(config) = connection.value.as_ref().filter(|config| is_served_elsewhere(config, draft))
            && let Some(inline) = config.secrets().find(|reference| !matches!(reference, SecretRef::Secret(_)))
        {
            let message = format!(
                "only delegates on other hosts have the tags of connection `{}`, and {inline} cannot be sent to them",
                config.name
            );
            let help = "declare a [secrets.NAME] here and in the delegate's file, and write { secret = \"NAME\" }";
            context.report.add(Finding::warning(connection.place, message).help(help));
        }
    }
}

/// Delegates of kind remote where there is no way to them.
fn refuse_unexpected(context: &Context<'_>, draft: &Draft) {
    if draft.remote.is_some() {
        return;
    }
    for delegate in draft.delegates.values() {
        if delegate.value.as_ref().is_some_and(is_remote) {
            let finding = Finding::error(delegate.place, "a delegate of kind remote needs [remote]");
            context.report.add(finding.help("add [remote] with the `url` of the NATS server where it is met"));
        }
    }
}

/// The agent's name is a part of the names of streams and subjects.
fn check_agent_name(context: &Context<'_>, draft: &Draft) {
    let Some(remote) = &draft.remote else { return };
    let written = draft.agent.as_ref().map(|agent| (agent.value.name.clone(), agent.place));
    let (name, place) = written.unwrap_or_else(|| (super::default_agent(context.environment, None).name, remote.place));
    if let Err(fault) = name.parse::<DelegateName>() {
        let finding = Finding::error(place, format!("the agent's name cannot be used with [remote]: {fault}"));
        context.report.add(finding.help(format!("set `name` in [agent]: {NAME_HELP}")));
    }
}

/// Whether delegates of other hosts alone can take the tasks of a connection.
fn is_served_elsewhere(connection: &ConnectionConfig, draft: &Draft) -> bool {
    let serves = |delegate: &&DelegateConfig| {
        let own = delegate.tags.iter().chain([delegate.name.as_str()]).collect::<Tags>();
        own.missing(&connection.delegate_tags).is_empty()
    };
    let mut able = delegates(draft).filter(serves).peekable();
    able.peek().is_some() && able.all(is_remote)
}

fn is_remote(delegate: &DelegateConfig) -> bool {
    delegate.kind == DelegateKind::Remote
}
