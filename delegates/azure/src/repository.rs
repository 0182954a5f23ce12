//! One repository as the API shows it, and why it may not be shown.

use serde::Deserialize;
use suitesync_contract::{Failure, FailureClass, is_same_azure_name};
use tokio_util::sync::CancellationToken;

use crate::address::ApiAddress;
use crate::api::{Api, Question, Refused};
use crate::resource::Resource;

/// A repository. Its id stays the same when it is renamed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    pub id: String,
    pub name: String,
    pub project: Project,
    /// A full ref name; nothing where the repository is empty.
    #[serde(default)]
    pub default_branch: Option<String>,
    #[serde(default)]
    pub is_disabled: bool,
}

/// The project that a repository lies in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Project {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Deserialize)]
struct Listing {
    value: Vec<Repository>,
}

impl Api {
    /// The repository, if it can be read.
    pub(crate) async fn repository(
        &self,
        address: &ApiAddress,
        cancel: &CancellationToken,
    ) -> Result<Repository, Refused> {
        let url = address.below([address.project(), "_apis", "git", "repositories", address.repository()]);
        let question = Question { address, resource: Resource::Repository, url };
        match self.ask::<Repository>(&question, cancel).await {
            Ok(repository) if repository.is_disabled => Err(self.disabled().into()),
            Ok(repository) => Ok(repository),
            Err(refused) if refused.failure.class == FailureClass::RepositoryNotFound => {
                Err(self.explained(refused, address, cancel).await)
            }
            Err(refused) => Err(refused),
        }
    }

    /// A repository that is missing, hidden or disabled is refused in the same words; in its project's list the
    /// disabled one still stands.
    async fn explained(&self, refused: Refused, address: &ApiAddress, cancel: &CancellationToken) -> Refused {
        let url = address.below([address.project(), "_apis", "git", "repositories"]);
        let question = Question { address, resource: Resource::Repositories, url };
        let listed = match self.ask::<Listing>(&question, cancel).await {
            Ok(listing) => listing.value,
            Err(Refused { failure, .. }) if failure.class == FailureClass::Canceled => return failure.into(),
            Err(_) => return refused,
        };
        let is_ours = |listed: &&Repository| {
            is_same_azure_name(&listed.name, address.repository())
                || is_same_azure_name(&listed.id, address.repository())
        };
        match listed.iter().find(is_ours) {
            Some(listed) if listed.is_disabled => self.disabled().into(),
            Some(_) => refused,
            None => Refused { failure: unlisted(refused.failure, listed.len()), ..refused },
        }
    }

    fn disabled(&self) -> Failure {
        self.place()
            .repository_failure(FailureClass::RepositoryNotFound, "read", "it is disabled")
            .with_hint("enable it under Repositories in the project's settings, or archive its links")
    }
}

fn unlisted(failure: Failure, others: usize) -> Failure {
    let message =
        format!("{}; others in the project that the token sees: {others}", failure.message.trim_end_matches('.'));
    Failure { message, ..failure }
        .with_hint("check the repository's name in the URL, and that the token's user may read it")
}
