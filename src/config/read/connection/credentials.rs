//! `[connection.credentials]`: user and password, or a bearer token.

use suitesync_contract::Credentials;

use crate::config::keys;
use crate::config::read::Context;
use crate::config::read::secret::read_reference;
use crate::config::report::Finding;
use crate::config::section::Section;

pub(super) fn read(connection: &Section<'_>, context: &Context<'_>) -> Option<Credentials> {
    let section = Section::open(connection.report, connection.value("credentials")?, &keys::CREDENTIALS)?;
    let username = read_username(&section);
    let password = read_reference(&section, "password", context);
    let bearer = read_reference(&section, "bearer", context);
    match section.only_one_of(&["password", "bearer"]) {
        Some("bearer") => {
            section.only_one_of(&["bearer", "username"]);
            bearer.map(|token| Credentials::Bearer { token })
        }
        Some(_) => password.map(|password| Credentials::Basic { username, password }),
        None => {
            if !section.has_other_keys() && !section.report.is_broken(section.place.file) {
                let finding = Finding::error(section.place, "[connection.credentials] lacks `password`");
                section.report.add(finding.help("set `password`, or `bearer` for a bearer token"));
            }
            None
        }
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
