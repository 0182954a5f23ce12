//! The file of a delegate that runs as somebody else than the agent: where it keeps things, what secrets are called and
//! what the agent may have done with them, and, with `[remote]`, whom it serves.

use suitesync_contract::{DelegateName, SecretName};
use suitesync_remote::HostPattern;

use super::secret::{open_declaration, read_declarations, source_of};
use super::{Context, Declared, Document, NAME_HELP, declare, default_retention, delegate, remote};
use crate::config::keys;
use crate::config::place::{Place, Placed};
use crate::config::report::Finding;
use crate::config::section::{Section, Value};
use crate::config::settings::{DelegateFile, RemoteConfig, SecretGrant, StationConfig};

/// Keys of `[delegate]` that a delegate is told by its agent, where they share a host.
const TOLD_BY_AGENT: [&str; 9] =
    ["agent", "name", "tags", "capacity", "runs", "runs_disk", "additional_certs_path", "proxy", "no_proxy"];

/// How the hosts of a secret are written.
const HOSTS_HELP: &str = "such as \"dev.azure.com\", \"*.example.org\" or \"git.example.org:8443\"";

/// The secrets that the file declares, sound or not.
type Grants = Declared<SecretName, SecretGrant>;

/// What the file says, as far as it is sound.
pub(in crate::config) fn read_delegate_file<'r>(
    context: &Context<'r>,
    document: &'r Document<'r>,
) -> (DelegateFile, Grants) {
    let whole = Placed::new(document.get_ref(), Place::new(0, document.span()));
    let top = Section::new(context.report, whole, &keys::DELEGATE_FILE);
    let open = |key, keys| top.value(key).and_then(|value| Section::open(context.report, value, keys));
    let mut secrets = Grants::new();
    for (name, grant) in read_declarations(&top, read_grant) {
        declare(context.report, &mut secrets, name, grant);
    }
    let own = open("delegate", &keys::STATION);
    let state_dir = own.as_ref().and_then(|section| section.path("state_dir")).map(|path| path.value);
    let station = match open("remote", &keys::STATION_REMOTE) {
        Some(section) => {
            let remote = Placed::new(remote::read(&section, context), section.place);
            read_station(context, own.as_ref(), remote)
        }
        None => {
            refuse_what_needs_remote(&top, own.as_ref(), &secrets);
            None
        }
    };
    let sound = secrets.iter().filter_map(|(name, grant)| Some((name.clone(), grant.value.clone()?)));
    (DelegateFile { state_dir, secrets: sound.collect(), station }, secrets)
}

/// Who the delegate is, and whom it serves.
fn read_station(
    context: &Context<'_>,
    own: Option<&Section<'_>>,
    remote: Placed<Option<RemoteConfig>>,
) -> Option<StationConfig> {
    let Some(section) = own else {
        let finding = Finding::error(remote.place, "[remote] lacks a [delegate] beside it");
        context
            .report
            .add(finding.help("add [delegate] with `name`, and with `agent`, the name of the agent it serves"));
        return None;
    };
    let agent = section.parsed::<DelegateName>("agent", NAME_HELP);
    let delegate = delegate::read_station(section, context);
    let retention = default_retention();
    Some(StationConfig { agent: agent?.value, delegate: delegate?, remote: remote.value?, retention })
}

/// What counts for a delegate on another host than its agent alone.
fn refuse_what_needs_remote(top: &Section<'_>, own: Option<&Section<'_>>, secrets: &Grants) {
    // It may be a slip for [remote] that was refused.
    if top.has_other_keys() || top.key_place("remote").is_some() {
        return;
    }
    let written =
        own.into_iter().flat_map(|own| TOLD_BY_AGENT.iter().filter_map(|key| Some((key, own.key_place(key)?))));
    for (key, place) in written {
        let finding = Finding::error(place, format!("`{key}` is for a delegate with [remote]"));
        top.report.add(finding.help("add [remote], or remove it: an agent on this host says so itself"));
    }
    for grant in secrets.values().filter(|grant| grant.value.as_ref().is_some_and(|grant| !grant.hosts.is_empty())) {
        let finding = Finding::error(grant.place, "the `hosts` of a secret are for a delegate with [remote]");
        top.report.add(finding.help("add [remote], or remove them: an agent on this host sends it where it likes"));
    }
}

fn read_grant<'r>(top: &Section<'r>, value: Value<'r>) -> Option<SecretGrant> {
    let section = open_declaration(top, value, &keys::GRANT)?;
    let hosts = read_hosts(&section);
    let runs = section.flag("runs").unwrap_or(false);
    source_of(&section).map(|source| SecretGrant { source, hosts, runs })
}

fn read_hosts(section: &Section<'_>) -> Vec<HostPattern> {
    let mut hosts = Vec::new();
    for host in section.texts("hosts").unwrap_or_default() {
        match host.value.parse::<HostPattern>() {
            Ok(pattern) => hosts.push(pattern),
            Err(fault) => {
                let finding = Finding::error(host.place, format!("`hosts` is not usable: {fault}"));
                section.report.add(finding.help(HOSTS_HELP));
            }
        }
    }
    hosts
}
