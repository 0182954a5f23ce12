//! A server, the proxies in front of it, and requests to it. No assertions here.

use std::time::Duration;

use suitesync_contract::{DelegateName, Failure, Provider, RepoUrl};
use suitesync_loopback::{
    Authority, GitServer, IssueOptions, ProxyOptions, ProxyServer, RawAnswer, RawServer, ServerOptions,
};
use suitesync_reach::{
    Client, Clients, Connected, Dial, NoProxy, Phase, Proxy, ProxySettings, Route, Secured, TimeLimits, Trust,
};
use tempfile::TempDir;

/// The server's name. Only a proxy knows where it is.
pub(crate) const NAME: &str = "git.example.org";
pub(crate) const USER: &str = "svc";
pub(crate) const PASSWORD: &str = "hunter2-for-tests";
/// Long enough for a busy machine, short enough for tests that wait for it to pass.
const LIMITS: TimeLimits = TimeLimits {
    connect: Duration::from_secs(2),
    first_byte: Duration::from_secs(10),
    stall: TimeLimits::STALL,
    rate_window: TimeLimits::RATE_WINDOW,
    rate_bytes: TimeLimits::RATE_BYTES,
};

/// A server whose certificate is good for its name and for loopback.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) server: GitServer,
    clients: Clients,
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|options| options)
    }

    pub(crate) fn with(change: impl FnOnce(ServerOptions) -> ServerOptions) -> Self {
        let (authority, folder) = (Authority::new("Loopback Test CA").unwrap(), TempDir::new().unwrap());
        let names = IssueOptions::for_names([NAME, "localhost", "127.0.0.1"]);
        let options = ServerOptions::new(folder.path()).identity(authority.issue(&names).unwrap());
        let server = start(change(options));
        Self { authority, server, clients: Clients::new(LIMITS), folder }
    }

    /// Another server beside it, without TLS.
    pub(crate) fn plain_server(&self) -> GitServer {
        start(ServerOptions::new(self.folder.path()))
    }

    /// A proxy that knows the server's name.
    pub(crate) fn proxy(&self, options: ProxyOptions) -> ProxyServer {
        let options = options.map(NAME, self.server.address());
        apart(|| ProxyServer::start(options).unwrap())
    }

    /// A proxy that is reached over TLS.
    pub(crate) fn tls_proxy(&self, authority: &Authority) -> ProxyServer {
        self.proxy(ProxyOptions::new().identity(authority.issue(&IssueOptions::default()).unwrap()))
    }

    pub(crate) fn url(&self) -> RepoUrl {
        parsed(&self.server.url_at(NAME, "/contoso/checkout"))
    }

    pub(crate) fn direct(&self) -> Route {
        Route::new(Trust::with_additional([self.authority.pem()]).unwrap())
    }

    pub(crate) fn through(&self, proxy: Proxy) -> Route {
        Route { proxy: Some(proxy), ..self.direct() }
    }

    pub(crate) fn client(&self, route: &Route) -> Client {
        self.clients.client(route).unwrap()
    }

    /// The status of an answer, or why there is none.
    pub(crate) async fn ask(&self, route: &Route, url: &RepoUrl) -> Result<u16, Failure> {
        let client = self.client(route);
        let answered = client.http().get(url.request_url()).send().await;
        let place = client.place(url, &delegate());
        match answered {
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) => Err(client.explain(&place, url.origin(), &error, Phase::Asking).await),
        }
    }

    /// The first steps of a connection test.
    pub(crate) async fn dial(&self, route: &Route, url: &RepoUrl) -> Result<Connected, Failure> {
        let client = self.client(route);
        let place = client.place(url, &delegate());
        let dial = Dial { client: &client, place: &place, origin: url.origin() };
        dial.connect(&dial.resolve().await?).await
    }

    /// A connection test up to TLS.
    pub(crate) async fn handshake(&self, route: &Route, url: &RepoUrl) -> Result<Secured, Failure> {
        let connected = self.dial(route, url).await?;
        let client = self.client(route);
        let place = client.place(url, &delegate());
        Dial { client: &client, place: &place, origin: url.origin() }.handshake(connected).await
    }
}

pub(crate) fn start(options: ServerOptions) -> GitServer {
    apart(|| GitServer::start(options).unwrap())
}

pub(crate) fn raw(answer: RawAnswer) -> RawServer {
    apart(|| RawServer::start(answer).unwrap())
}

/// On a thread of its own, as starting a server blocks and tests are async.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

pub(crate) fn delegate() -> DelegateName {
    "dc1".parse().unwrap()
}

pub(crate) fn parsed(url: &str) -> RepoUrl {
    RepoUrl::parse(url, Provider::Git).unwrap().repository
}

/// A proxy without credentials that everything goes through.
pub(crate) fn proxy_at(url: &str) -> Proxy {
    let settings = ProxySettings { url, username: None, password: None };
    Proxy::new(settings, NoProxy::default()).unwrap()
}

pub(crate) fn proxy_as(url: &str, password: &str) -> Proxy {
    let password = Some(password.to_owned().into());
    let settings = ProxySettings { url, username: Some(USER.to_owned()), password };
    Proxy::new(settings, NoProxy::default()).unwrap()
}
