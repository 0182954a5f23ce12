//! Whether secrets that are asked for are declared, and can be had here and now.
//!
//! What lacks now may be there when it is needed, on the agent's side of things: those are warnings. Values are never
//! repeated, and neither is a name that may be one.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use suitesync_contract::{SecretName, SecretRef};

use crate::config::mask::is_variable;
use crate::config::place::Place;
use crate::config::program::is_program;
use crate::config::read::{Context, Declared};
use crate::config::report::Finding;
use crate::config::secrets::{MAX_SECRET_FILE, credential_path};
use crate::config::settings::{SecretGrant, SecretSource};
use crate::domain::nearest::suggestion;

/// The bit of a file's mode that lets everyone read it.
const READABLE_BY_EVERYONE: u32 = 0o004;

/// Who may know the name of a secret that is given to runs, besides the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    Nobody,
    /// A delegate behind a socket or on another host, which has a file of its own.
    Delegate,
}

pub(super) fn check(context: &Context<'_>, declared: &Declared<SecretName, SecretSource>, keeper: Keeper) {
    let used = check_used(context, declared, keeper);
    for (name, source) in declared {
        if !used.contains(name) {
            let finding = Finding::warning(source.place, format!("the secret `{name}` is not used"));
            context.report.add(finding.help("remove it, or name it with { secret = \"…\" }"));
        } else if let Some(declared) = &source.value {
            warn_if_not_to_be_had(context, source.place, &declared.reference());
        }
    }
}

/// The same for the secrets of a delegate that serves an agent on another host: each is for something.
pub(in crate::config) fn check_grants(context: &Context<'_>, declared: &Declared<SecretName, SecretGrant>) {
    let used = check_used(context, declared, Keeper::Nobody);
    for (name, grant) in declared {
        let Some(granted) = &grant.value else { continue };
        warn_if_not_to_be_had(context, grant.place, &granted.source.reference());
        if granted.hosts.is_empty() && !granted.runs && !used.contains(name) {
            let finding = Finding::error(grant.place, format!("nobody may use the secret `{name}`"));
            let help = "add `hosts = [\"git.example.org\"]`, the hosts that it may be sent to, or `runs = true`";
            context.report.add(finding.help(help));
        }
    }
}

/// Checks every place that asks for a secret; the declared ones among them.
fn check_used<T>(context: &Context<'_>, declared: &Declared<SecretName, T>, keeper: Keeper) -> BTreeSet<SecretName> {
    let mut used = BTreeSet::new();
    let mut checked = Vec::new();
    let (asked, given) = (context.secrets_used.borrow(), context.secrets_given.borrow());
    for reference in asked.iter().chain(given.iter()) {
        match &reference.value {
            SecretRef::Secret(name) if declared.contains_key(name) => {
                used.insert(name.clone());
            }
            SecretRef::Secret(name) if !given.contains(reference) => {
                refuse_undeclared(context, reference.place, name, declared);
            }
            SecretRef::Secret(_) if keeper == Keeper::Delegate => {}
            SecretRef::Secret(name) => warn_of_unknown(context, reference.place, name, declared),
            SecretRef::Env(_) | SecretRef::File(_) | SecretRef::Credential(_) | SecretRef::Command(_) => {
                if !checked.contains(&reference.value) {
                    checked.push(reference.value.clone());
                    warn_if_not_to_be_had(context, reference.place, &reference.value);
                }
            }
        }
    }
    used
}

/// The name is not repeated: it may be the secret itself.
fn refuse_undeclared<T>(context: &Context<'_>, place: Place, name: &SecretName, declared: &Declared<SecretName, T>) {
    let help = suggestion(name.as_str(), "declared secrets", declared.keys().map(SecretName::as_str));
    context.report.add(Finding::error(place, "there is no [secrets] table of this name").help(help));
}

/// It is for the delegate that executes the run to know, and all of them take secrets from the agent.
fn warn_of_unknown<T>(context: &Context<'_>, place: Place, name: &SecretName, declared: &Declared<SecretName, T>) {
    let help = suggestion(name.as_str(), "declared secrets", declared.keys().map(SecretName::as_str));
    let finding = Finding::warning(place, "no delegate that executes runs knows a secret of this name");
    context.report.add(finding.help(help));
}

fn warn_if_not_to_be_had(context: &Context<'_>, place: Place, reference: &SecretRef) {
    match reference {
        SecretRef::Env(variable) => warn_if_not_set(context, place, variable),
        SecretRef::File(path) => check_file(context, place, Path::new(path)),
        // Whoever checks the files by hand is seldom started by systemd: what only the agent is given is not missed.
        SecretRef::Credential(name) => {
            if let Some(path) = credential_path(context.environment, name) {
                warn_if_unreadable(context, place, &path);
            }
        }
        SecretRef::Command(words) => warn_if_no_program(context, place, words),
        SecretRef::Secret(_) => (),
    }
}

fn warn_if_not_set(context: &Context<'_>, place: Place, variable: &str) {
    if context.environment.get(variable).is_none() {
        let shown = if is_variable(variable) { format!(" {variable}") } else { String::new() };
        let finding = Finding::warning(place, format!("the environment variable{shown} is not set here"));
        context.report.add(finding.help("it is looked up when it is needed; set it for the agent"));
    }
}

fn check_file(context: &Context<'_>, place: Place, path: &Path) {
    warn_if_unreadable(context, place, path);
    let mode = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| file.permissions().mode());
    if mode.is_some_and(|mode| mode & READABLE_BY_EVERYONE != 0) {
        let finding = Finding::warning(place, "everyone on this host can read the secret's file");
        context.report.add(finding.help("chmod 640, and the group that of the agent's user"));
    }
}

fn warn_if_unreadable(context: &Context<'_>, place: Place, path: &Path) {
    let why = match std::fs::metadata(path) {
        Err(fault) => fault.to_string(),
        Ok(metadata) if !metadata.is_file() => "it is not a file".to_owned(),
        Ok(metadata) if metadata.len() == 0 => "it is empty".to_owned(),
        Ok(metadata) if metadata.len() > MAX_SECRET_FILE => "it is larger than 64 KiB".to_owned(),
        Ok(_) => match std::fs::File::open(path) {
            Ok(_) => return,
            Err(fault) => fault.to_string(),
        },
    };
    let finding = Finding::warning(place, format!("the secret's file cannot be used now: {why}"));
    context.report.add(finding.help("it is read when it is needed; the agent's user must be able to read it"));
}

fn warn_if_no_program(context: &Context<'_>, place: Place, words: &[String]) {
    if !words.first().is_some_and(|program| is_program(Path::new(program))) {
        let finding = Finding::warning(place, "the secret's command is no program that can be started here");
        context.report.add(finding.help("it is run when it is needed; the agent's user must be able to run it"));
    }
}
