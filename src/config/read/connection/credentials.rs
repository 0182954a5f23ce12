//! `[connection.credentials]`: user and password or a bearer token over HTTP, a private key and host keys over SSH.

mod host_keys;

use suitesync_contract::Credentials;

use crate::config::keys;
use crate::config::read::Context;
use crate::config::read::secret::read_reference;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::{ConnectionType, HostKeysConfig};

/// The keys that belong to one way of connecting.
const HTTP_KEYS: [&str; 3] = ["username", "password", "bearer"];
const SSH_KEYS: [&str; 4] = ["private_key", "passphrase", "known_hosts", "host_keys"];

/// Who we are to the server, and who it has to be over SSH.
#[derive(Debug)]
pub(super) struct Identities {
    pub(super) ours: Option<Credentials>,
    /// Nothing where it cannot be told.
    pub(super) host_keys: Option<HostKeysConfig>,
}

/// Without a `connection_type`, as where the URL cannot be read, the keys themselves tell it.
pub(super) fn read(
    connection: &Section<'_>,
    context: &Context<'_>,
    connection_type: Option<ConnectionType>,
) -> Identities {
    let none = Identities { ours: None, host_keys: None };
    let Some(value) = connection.value("credentials") else {
        if connection_type == Some(ConnectionType::Ssh) && !connection.report.is_broken(connection.place.file) {
            let finding = Finding::error(connection.place, "a connection over ssh lacks [connection.credentials]");
            connection.report.add(finding.help("add it, and set `private_key`"));
        }
        return none;
    };
    let Some(section) = Section::open(connection.report, value, &keys::CREDENTIALS) else { return none };
    let connection_type = connection_type.unwrap_or_else(|| implied_type(&section));
    refuse_keys_of_other_type(&section, connection_type);
    match connection_type {
        ConnectionType::Http => Identities { ours: read_http(&section, context), ..none },
        ConnectionType::Ssh => {
            Identities { ours: read_ssh(&section, context), host_keys: host_keys::read(&section, context) }
        }
    }
}

fn implied_type(section: &Section<'_>) -> ConnectionType {
    let is_of_ssh = SSH_KEYS.iter().any(|key| section.value(key).is_some());
    if is_of_ssh { ConnectionType::Ssh } else { ConnectionType::Http }
}

fn refuse_keys_of_other_type(section: &Section<'_>, connection_type: ConnectionType) {
    let (others, other) = match connection_type {
        ConnectionType::Http => (SSH_KEYS.as_slice(), ConnectionType::Ssh),
        ConnectionType::Ssh => (HTTP_KEYS.as_slice(), ConnectionType::Http),
    };
    for (key, place) in others.iter().filter_map(|key| section.key_place(key).map(|place| (key, place))) {
        let message = format!(
            "`{key}` is for connections over {}, and this one is over {}",
            other.as_str(),
            connection_type.as_str()
        );
        let help = format!("over http: {}; over ssh: {}", listed(&HTTP_KEYS), listed(&SSH_KEYS));
        section.report.add(Finding::error(place, message).help(help));
    }
}

fn listed(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn read_http(section: &Section<'_>, context: &Context<'_>) -> Option<Credentials> {
    let username = read_username(section);
    let password = read_reference(section, "password", context);
    let bearer = read_reference(section, "bearer", context);
    match section.only_one_of(&["password", "bearer"]) {
        Some("bearer") => {
            section.only_one_of(&["bearer", "username"]);
            bearer.map(|token| Credentials::Bearer { token })
        }
        Some(_) => password.map(|password| Credentials::Basic { username, password }),
        None => {
            let has_keys_of_ssh = SSH_KEYS.iter().any(|key| section.value(key).is_some());
            if !has_keys_of_ssh {
                refuse_without(section, "password", "set `password`, or `bearer` for a bearer token");
            }
            None
        }
    }
}

fn read_ssh(section: &Section<'_>, context: &Context<'_>) -> Option<Credentials> {
    let passphrase = read_reference(section, "passphrase", context);
    if section.value("private_key").is_none() {
        let help = "set `private_key`, the source of a key in OpenSSH's format or in PEM";
        refuse_without(section, "private_key", help);
    }
    let private_key = read_reference(section, "private_key", context)?;
    Some(Credentials::PrivateKey { private_key, passphrase })
}

fn refuse_without(section: &Section<'_>, key: &str, help: &str) {
    if !section.has_other_keys() && !section.report.is_broken(section.place.file) {
        let finding = Finding::error(section.place, format!("[connection.credentials] lacks `{key}`"));
        section.report.add(finding.help(help));
    }
}

fn read_username(section: &Section<'_>) -> String {
    let Some(username) = section.text("username") else { return String::new() };
    if username.value.contains(|c: char| c == ':' || c.is_control()) {
        let finding = Finding::error(username.place, "`username` holds a colon or a control character");
        section.report.add(finding.help("HTTP has no way to send such a name"));
    }
    username.value.to_owned()
}
