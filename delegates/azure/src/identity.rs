//! Who a token belongs to: the cheapest question that any good token is answered.

use reqwest::Url;
use serde::Deserialize;
use suitesync_contract::FailureClass;
use tokio_util::sync::CancellationToken;

use crate::address::ApiAddress;
use crate::api::{Api, Question, Refused};
use crate::resource::Resource;

/// The identity as which organizations with public projects answer those without a token.
const ANONYMOUS: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionData {
    authenticated_user: User,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    #[serde(default)]
    provider_display_name: Option<String>,
    #[serde(default)]
    properties: Properties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    #[serde(default)]
    account: Option<Property>,
}

#[derive(Debug, Deserialize)]
struct Property {
    #[serde(rename = "$value")]
    value: String,
}

/// The user that a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) name: Option<String>,
}

impl Api {
    pub(crate) async fn identity(&self, address: &ApiAddress, cancel: &CancellationToken) -> Result<Identity, Refused> {
        let question = Question { address, resource: Resource::ConnectionData, url: connection_data(address) };
        let user = match self.ask::<ConnectionData>(&question, cancel).await {
            Ok(answer) => answer.authenticated_user,
            Err(refused) => return Err(self.nobody_there(refused, address)),
        };
        if user.is_anonymous() {
            let cause = "the server does not know the token and answers as to an anonymous caller";
            return Err(self.place().repository_failure(FailureClass::AuthRejected, "read", cause).into());
        }
        Ok(Identity { name: user.name() })
    }

    /// Nothing is found where the organization or collection should be.
    fn nobody_there(&self, refused: Refused, address: &ApiAddress) -> Refused {
        if refused.failure.class != FailureClass::RepositoryNotFound {
            return refused;
        }
        let cause = format_args!("no organization or collection answers at {}", address.url());
        let failure = self
            .place()
            .repository_failure(FailureClass::ProjectNotFound, "read", cause)
            .with_hint("check the organization or collection in the URL, and on a Server the folder before it");
        Refused { failure, ..refused }
    }
}

impl User {
    fn is_anonymous(&self) -> bool {
        self.id.chars().all(|c| matches!(c, '0' | '-')) || self.id.eq_ignore_ascii_case(ANONYMOUS)
    }

    fn name(self) -> Option<String> {
        let account = || self.properties.account.map(|account| account.value);
        let name = self.provider_display_name.filter(|name| !name.trim().is_empty()).or_else(account)?;
        Some(suitesync_reach::shown(name.as_bytes())).filter(|name| !name.is_empty())
    }
}

fn connection_data(address: &ApiAddress) -> Url {
    let mut url = address.below(["_apis", "connectionData"]);
    url.query_pairs_mut().append_pair("connectOptions", "1");
    url
}
