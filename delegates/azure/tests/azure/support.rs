//! A server that answers as Azure does, and the client that asks it. No assertions here.

use std::time::Duration;

use suitesync_azure::{Api, ApiReport, ApiSettings, Servers};
use suitesync_contract::{Failure, Provider, RepoUrl};
use suitesync_loopback::{Authority, Fault, GitServer, IssueOptions, RequestRecord, ServerOptions};
use suitesync_reach::{Client, Clients, Route, TimeLimits, Trust};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::answers::{self, Answer};

pub(crate) const TOKEN: &str = "a-token-for-tests";
pub(crate) const IDENTITY: &str = "/contoso/_apis/connectionData";
pub(crate) const LIST: &str = "/contoso/payments/_apis/git/repositories";
pub(crate) const REPOSITORY: &str = "/contoso/payments/_apis/git/repositories/checkout";
pub(crate) const CLONE: &str = "/contoso/payments/_git/checkout";

/// Short enough for tests that wait for them to pass.
pub(crate) const SHORT: TimeLimits = TimeLimits {
    connect: Duration::from_millis(500),
    first_byte: Duration::from_millis(500),
    stall: Duration::from_millis(500),
    rate_window: Duration::from_secs(1),
    rate_bytes: 1024,
};

pub(crate) struct World {
    _folder: tempfile::TempDir,
    authority: Authority,
    pub(crate) server: GitServer,
    clients: Clients,
    pub(crate) servers: Servers,
    pub(crate) cancel: CancellationToken,
}

impl World {
    /// A server on which nothing is found.
    pub(crate) fn empty(limits: TimeLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("Loopback Test CA").unwrap();
        let identity = authority.issue(&IssueOptions::default()).unwrap();
        let options = ServerOptions::new(folder.path()).identity(identity);
        // It blocks until it listens, and tests are async.
        let server = std::thread::spawn(|| GitServer::start(options)).join().unwrap().unwrap();
        let (clients, servers) = (Clients::new(limits), Servers::default());
        let world = Self { _folder: folder, authority, server, clients, servers, cancel: CancellationToken::new() };
        world.says("", answers::not_found());
        world
    }

    /// A server that knows the token and shows the repository.
    pub(crate) fn healthy() -> Self {
        let world = Self::empty(TimeLimits::default());
        world.is_healthy();
        world
    }

    /// The same, asked by a client without patience.
    pub(crate) fn impatient() -> Self {
        let world = Self::empty(SHORT);
        world.is_healthy();
        world
    }

    fn is_healthy(&self) {
        self.says(LIST, answers::repositories(&[("checkout", false)]));
        self.says(REPOSITORY, answers::repository("payments", "checkout", false));
        self.says(IDENTITY, answers::identity("Ada Example"));
    }

    /// The answer to every request for a path that begins so; the last one said wins.
    pub(crate) fn says(&self, path: &str, answer: Answer) {
        self.server.set_fault(path, fault(answer));
    }

    /// The answer to the next `times` requests for a path, before the one that was said for good.
    pub(crate) fn says_first(&self, path: &str, answer: Answer, times: usize) {
        // A second rule for the same prefix would take the place of the first.
        let shorter = path.strip_suffix(|_: char| true).unwrap();
        self.server.set_fault_times(shorter, fault(answer), times);
    }

    /// The API of the collection `contoso`.
    pub(crate) fn api(&self) -> Api {
        self.api_with(TOKEN)
    }

    pub(crate) fn api_with(&self, token: &str) -> Api {
        self.api_at(&self.server.url("/contoso"), &self.server.url(CLONE), token).unwrap()
    }

    pub(crate) fn api_at(&self, url: &str, repository: &str, token: &str) -> Result<Api, Failure> {
        let client = client(&self.clients, &self.authority);
        Ok(Api::new(client, settings(url, repository, token))?.with_servers(&self.servers))
    }

    pub(crate) async fn probe(&self) -> Result<ApiReport, Failure> {
        self.api().probe(&self.cancel).await
    }

    pub(crate) fn requests_for(&self, path: &str) -> Vec<RequestRecord> {
        self.server.requests().into_iter().filter(|request| request.path == path).collect()
    }

    /// The parameters of all requests for a path, in their order.
    pub(crate) fn queries(&self, path: &str) -> Vec<String> {
        self.requests_for(path).into_iter().map(|request| request.query).collect()
    }
}

pub(crate) fn client(clients: &Clients, authority: &Authority) -> Client {
    let trust = Trust::with_additional([authority.pem()]).unwrap();
    clients.client(&Route::new(trust)).unwrap()
}

pub(crate) fn settings(url: &str, repository: &str, token: &str) -> ApiSettings {
    ApiSettings {
        url: url.to_owned(),
        token: Zeroizing::new(token.to_owned()),
        repository: RepoUrl::parse(repository, Provider::AzureRepos).unwrap().repository,
        allow_plain_http: false,
        delegate: "local".parse().unwrap(),
    }
}

fn fault(answer: Answer) -> Fault {
    Fault::Status { code: answer.status, headers: answer.headers, body: answer.body.into_bytes() }
}
