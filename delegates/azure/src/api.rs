//! Asks a server: in its turn, in a version that it knows, and with every answer judged.

use std::time::Duration;

use chrono::Utc;
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;
use suitesync_contract::{Failure, FailureClass, Provider, RepoUrl, Scheme};
use suitesync_reach::{Client, Place, unless_canceled};
use tokio_util::sync::CancellationToken;

use crate::address::ApiAddress;
use crate::authorization;
use crate::exchange::{Answer, Exchange};
use crate::pace::asked_wait;
use crate::resource::Resource;
use crate::servers::Servers;
use crate::settings::ApiSettings;
use crate::verdict::{Verdict, judge};
use crate::version::ApiVersion;

/// The longest delay that Azure puts on a caller before it blocks him: so long a task waits for its turn. A longer one
/// is told to whoever gave the task.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The API of an organization or collection, asked about one repository.
#[derive(Debug, Clone)]
pub struct Api {
    exchange: Exchange,
    servers: Servers,
    address: ApiAddress,
    given: RepoUrl,
}

/// What is asked of an address.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) address: &'a ApiAddress,
    pub(crate) resource: Resource,
    pub(crate) url: Url,
}

/// A question that was not answered with what was asked for.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The status of the refusal; nothing where no answer came or none that can be read.
    pub(crate) status: Option<StatusCode>,
    pub(crate) failure: Failure,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { status: None, failure }
    }
}

impl Api {
    /// Sends nothing yet. Fails where the token would travel unencrypted.
    pub fn new(client: Client, settings: ApiSettings) -> Result<Self, Failure> {
        let ApiSettings { url, token, repository, allow_plain_http, delegate } = settings;
        let given_place = Place::new(&repository, &delegate);
        let invalid = |cause: &dyn std::fmt::Display| {
            given_place.repository_failure(FailureClass::Internal, "address the API of", cause)
        };
        let names = repository.azure().ok_or_else(|| invalid(&"its URL is none of Azure Repos"))?;
        let address = ApiAddress::new(&url, names).map_err(|error| invalid(&error))?;
        let place = match RepoUrl::parse(address.clone_url(&repository).as_str(), Provider::AzureRepos) {
            Ok(link) => Place::new(&link.repository, &delegate),
            Err(_) => given_place,
        };
        let origin = address.origin();
        if origin.scheme != Scheme::Https && !allow_plain_http {
            return Err(unencrypted(&place));
        }
        let exchange = Exchange::new(client, place, origin, authorization::header(&token));
        Ok(Self { exchange, servers: Servers::default(), address, given: repository })
    }

    /// Takes part in what is known of servers.
    #[must_use]
    pub fn with_servers(self, servers: &Servers) -> Self {
        Self { servers: servers.clone(), ..self }
    }

    /// The address as it was configured.
    pub(crate) fn address(&self) -> &ApiAddress {
        &self.address
    }

    /// The repository as it was configured.
    pub(crate) fn given(&self) -> &RepoUrl {
        &self.given
    }

    pub(crate) fn place(&self) -> &Place {
        self.exchange.place()
    }

    pub(crate) fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Asks until the server takes a version; there are few of them.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        question: &Question<'_>,
        cancel: &CancellationToken,
    ) -> Result<T, Refused> {
        let (server, resource) = (question.address.url(), question.resource);
        let mut version = self.servers.version(server, resource);
        loop {
            self.turn(server, cancel).await?;
            let answer = self.exchange.get(&question.url_in(version), cancel).await?;
            let wait = asked_wait(answer.status, &answer.headers, Utc::now());
            if let Some(wait) = wait {
                self.servers.leave_alone(server, wait);
            }
            match judge(self.place(), &question.url, &answer) {
                Verdict::Accepted => {
                    self.servers.took(server, resource, version);
                    return self.read(&answer).map_err(Refused::from);
                }
                Verdict::OtherVersion(refusal) => {
                    tracing::debug!(server, version = version.parameter(), ?refusal, "the version was refused");
                    version = version.after(refusal).ok_or_else(|| self.no_version())?;
                }
                Verdict::Refused(failure) => {
                    let failure = with_wait(with_scope(failure, resource), wait);
                    return Err(Refused { status: Some(answer.status), failure });
                }
            }
        }
    }

    /// Waits while the server is to be left alone, or fails where that is too long for a task.
    async fn turn(&self, server: &str, cancel: &CancellationToken) -> Result<(), Failure> {
        let Some(wait) = self.servers.wait(server) else { return Ok(()) };
        if wait <= MAX_WAIT {
            return unless_canceled(cancel, tokio::time::sleep(wait)).await;
        }
        let seconds = whole_seconds(wait);
        let cause = format_args!("it asked for no further request for {seconds} s");
        let failure = self.place().host_failure(FailureClass::RateLimited, "ask", cause);
        Err(failure.with_retry_after(seconds))
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Failure> {
        serde_json::from_slice(&answer.body).map_err(|error| {
            let cause = format_args!("its answer is not what the API promises: {error}");
            self.place().repository_failure(FailureClass::Protocol, "read", cause)
        })
    }

    fn no_version(&self) -> Failure {
        let cause = "it takes none of the versions of the API that are known here";
        self.place().host_failure(FailureClass::Protocol, "ask", cause).with_hint(
            "Azure DevOps Server 2019 or newer is needed for API access; without it the connection is polled",
        )
    }
}

impl Question<'_> {
    fn url_in(&self, version: ApiVersion) -> Url {
        let mut url = self.url.clone();
        if let Some(version) = version.parameter() {
            url.query_pairs_mut().append_pair("api-version", &version);
        }
        url
    }
}

fn unencrypted(place: &Place) -> Failure {
    let cause = "the token would travel unencrypted over http";
    place
        .repository_failure(FailureClass::AuthMissing, "sign in to", cause)
        .with_hint("use https, or set `allow_plain_http = true` if the network is yours alone")
}

/// A refusal for lack of rights names what lacks.
fn with_scope(failure: Failure, resource: Resource) -> Failure {
    match resource.scope() {
        _ if failure.class != FailureClass::Forbidden => failure,
        Some(scope) => failure.with_hint(lacking(scope)),
        None => failure.with_hint("let the token's user into the organization or collection; any scope will do"),
    }
}

/// The next step where a scope lacks.
pub(crate) fn lacking(scope: &str) -> String {
    format!("give the token the scope `{scope}`, and its user the right to read the repository")
}

fn with_wait(failure: Failure, wait: Option<Duration>) -> Failure {
    match (failure.class, failure.retry_after, wait) {
        (FailureClass::RateLimited, None, Some(wait)) => failure.with_retry_after(whole_seconds(wait)),
        _ => failure,
    }
}

/// Seconds, the last one begun counted whole.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
