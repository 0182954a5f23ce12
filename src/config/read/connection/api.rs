//! `[connection.api]`: the provider's own API, and with which token it is used.

use suitesync_contract::{ApiAccess, Provider};

use super::address::Address;
use crate::config::keys;
use crate::config::read::Context;
use crate::config::read::secret::read_reference;
use crate::config::report::Finding;
use crate::config::section::Section;

/// What is said of a connection besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlainHttp {
    Allowed,
    Refused,
}

pub(super) fn read(
    connection: &Section<'_>,
    context: &Context<'_>,
    address: Option<&Address>,
    plain_http: PlainHttp,
) -> Option<ApiAccess> {
    let section = Section::open(connection.report, connection.value("api")?, &keys::API)?;
    let token = read_reference(&section, "token", context);
    let address = address?;
    if address.url.provider() != Provider::AzureRepos {
        let finding = Finding::error(section.place, "[connection.api] is for provider azure-repos");
        section.report.add(finding.help("remove it: of other providers no API is used"));
        return None;
    }
    let url = match address.url.api_url() {
        Ok(url) => url,
        Err(fault) => {
            let finding = Finding::error(section.place, fault.message);
            section.report.add(finding.help(
                "set `server_url` in [[connection]], such as \"https://ado.example.org/tfs\", without the collection",
            ));
            return None;
        }
    };
    if plain_http == PlainHttp::Refused && url.starts_with("http://") {
        let finding = Finding::error(section.place, "the API's token would be sent in the clear over http://");
        section.report.add(finding.help("use https://, or set `allow_plain_http = true` if the network is trusted"));
    }
    if !section.has_other_keys() {
        section.require("token")?;
    }
    Some(ApiAccess { url, token: token? })
}
