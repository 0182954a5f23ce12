//! `known_hosts` or `host_keys`: which keys an SSH server may have.

use crate::config::known_hosts::{holds_authorities, read_fingerprint};
use crate::config::place::Placed;
use crate::config::read::Context;
use crate::config::read::context::NamedFile;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::HostKeysConfig;

/// Nothing where what is written makes no sense.
pub(super) fn read(section: &Section<'_>, context: &Context<'_>) -> Option<HostKeysConfig> {
    match section.only_one_of(&["known_hosts", "host_keys"]) {
        Some("known_hosts") => read_known_hosts(section, context),
        Some(_) => read_fingerprints(section),
        None => Some(HostKeysConfig::Published),
    }
}

fn read_known_hosts(section: &Section<'_>, context: &Context<'_>) -> Option<HostKeysConfig> {
    let path = section.path("known_hosts")?;
    let content = context.read_named(NamedFile::KnownHosts, &path)?;
    if holds_authorities(&content) {
        let finding = Finding::warning(path.place, "the `@cert-authority` lines of `known_hosts` are passed over");
        let help = "certificates of hosts are not asked for: add the server's own key, as `ssh-keyscan HOST` prints it, \
                    once it has been verified";
        section.report.add(finding.help(help));
    }
    Some(HostKeysConfig::KnownHosts { path: path.value, content })
}

fn read_fingerprints(section: &Section<'_>) -> Option<HostKeysConfig> {
    let texts = section.texts("host_keys")?;
    if texts.is_empty()
        && let Some(list) = section.value("host_keys")
    {
        let finding = Finding::error(list.place, "`host_keys` is empty");
        section.report.add(finding.help("name at least one fingerprint, or leave `host_keys` out"));
    }
    Some(HostKeysConfig::Pinned(texts.into_iter().filter_map(|text| read_one(section, text)).collect()))
}

fn read_one(section: &Section<'_>, text: Placed<&str>) -> Option<String> {
    match read_fingerprint(text.value) {
        Ok(fingerprint) => Some(fingerprint),
        Err(fault) => {
            let finding = Finding::error(text.place, format!("a fingerprint in `host_keys` {fault}"));
            section
                .report
                .add(finding.help(
                    "write it as `ssh-keygen -lf FILE` or a failed test shows it: \"SHA256:\" and 43 characters",
                ));
            None
        }
    }
}
