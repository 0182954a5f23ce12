//! The test of API access: who the token belongs to, and whether it may read the repository.

use reqwest::StatusCode;
use suitesync_contract::{AzureAccount, Failure, FailureClass};
use tokio_util::sync::CancellationToken;

use crate::address::ApiAddress;
use crate::api::{Api, Refused, lacking, whole_seconds};
use crate::identity::Identity;
use crate::repository::Repository;
use crate::resource::Resource;

/// What a test of API access found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiReport {
    /// The display name of the user that the token belongs to.
    pub identity: Option<String>,
    /// What was seen, in a few words.
    pub detail: String,
    /// Where the repository was found: not where it was looked for first, if a Server says so.
    pub address: ApiAddress,
    pub repository: Repository,
    /// Seconds for which the server asks for no further request.
    pub retry_after: Option<u64>,
}

impl Api {
    /// One attempt; every failure names what to do next.
    pub async fn probe(&self, cancel: &CancellationToken) -> Result<ApiReport, Failure> {
        let refused = match self.probe_at(self.address(), cancel).await {
            Ok(report) => return Ok(report),
            Err(refused) => refused,
        };
        if !self.may_lie_elsewhere(&refused) {
            return Err(refused.failure);
        }
        match self.resolve(cancel).await {
            Ok(address) if address != *self.address() => {
                self.probe_at(&address, cancel).await.map_err(|refused| refused.failure)
            }
            Err(failure) if failure.class == FailureClass::Canceled => Err(failure),
            // It has no better address, or does not tell: what it said first is the reason.
            Ok(_) | Err(_) => Err(refused.failure),
        }
    }

    async fn probe_at(&self, address: &ApiAddress, cancel: &CancellationToken) -> Result<ApiReport, Refused> {
        let identity = self.identity(address, cancel).await?;
        let repository = self.repository(address, cancel).await.map_err(|refused| without_scope(refused, &identity))?;
        let detail = detail(&identity, &repository);
        let retry_after = self.servers().wait(address.url()).map(whole_seconds);
        Ok(ApiReport { identity: identity.name, detail, address: address.clone(), repository, retry_after })
    }

    /// Whether the address may be wrong: on a Server the collection's place in it is guessed where nothing tells it. A
    /// wrong guess meets nothing, or a project where a collection is meant.
    fn may_lie_elsewhere(&self, refused: &Refused) -> bool {
        let is_miss = matches!(refused.status, Some(StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST));
        let is_server =
            self.given().azure().is_some_and(|names| matches!(names.account, AzureAccount::Collection { .. }));
        is_miss && is_server
    }
}

/// A token that its server has just named the owner of is a good one: what it is refused for is a scope.
fn without_scope(refused: Refused, identity: &Identity) -> Refused {
    let is_rejected = matches!(refused.failure.class, FailureClass::AuthRejected | FailureClass::AuthExpired);
    let Some(scope) = Resource::Repository.scope().filter(|_| is_rejected) else { return refused };
    let owner = identity.name.as_deref().unwrap_or("its owner");
    let message = format!("{}; the same token signs in as {owner}", refused.failure.message.trim_end_matches('.'));
    let failure = Failure { message, class: FailureClass::Forbidden, ..refused.failure };
    Refused { failure: failure.with_hint(lacking(scope)), ..refused }
}

fn detail(identity: &Identity, repository: &Repository) -> String {
    let owner = identity.name.as_deref().unwrap_or("a user without a name");
    let shown = |text: &str| suitesync_reach::shown(text.as_bytes());
    format!("signed in as {owner}, may read {} in {}", shown(&repository.name), shown(&repository.project.name))
}
