//! HTTP clients, one for each route: building one parses every root certificate, so they are made once and shared,
//! and their kept connections with them.
//!
//! Redirects and time limits are the callers', so that each has its own class; no proxy is taken from the environment.
//!
//! What changes a route (a certificate, the proxy, its password) makes another client, so that no request goes out on a
//! connection of the old one. That one's kept connections end by themselves after `KEEP_IDLE`, and it is dropped when
//! it was of no use for `KEEP_UNUSED`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use suitesync_contract::{DelegateName, Failure, FailureClass, Origin, RepoUrl};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::agent_name::USER_AGENT;
use crate::fingerprint::Fingerprint;
use crate::identity::Presented;
use crate::limits::TimeLimits;
use crate::place::Place;
use crate::proxy::Proxy;
use crate::resolver::HostResolver;
use crate::route::Route;

/// Routes in use at once: the delegate's own and a few connections'; the least recently used one goes first.
const MAX_CLIENTS: usize = 32;
/// Shorter than the idle limits of common servers (75 s and more), so that kept connections are seldom found closed.
const KEEP_IDLE: Duration = Duration::from_secs(50);
/// A client that nobody asked for over this time belongs to a route that is no more, or is cheaper made anew.
const KEEP_UNUSED: Duration = Duration::from_secs(600);
/// As many as there may be requests at once to one host.
const KEEP_PER_HOST: usize = 4;

/// All clients of a process.
#[derive(Debug, Default)]
pub struct Clients {
    limits: TimeLimits,
    /// The most recently used one last.
    clients: Mutex<VecDeque<Kept>>,
    bridges: TaskTracker,
}

#[derive(Debug)]
struct Kept {
    route: Fingerprint,
    client: Client,
    used: Instant,
}

/// A client on one route; clones share everything.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    tls: Arc<rustls::ClientConfig>,
    limits: TimeLimits,
    proxy: Option<Proxy>,
    presented: Presented,
    bridges: TaskTracker,
    route: Fingerprint,
}

impl Clients {
    pub fn new(limits: TimeLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The client for a route: the one at hand, or a new one where anything about the route is new.
    pub fn client(&self, route: &Route) -> Result<Client, Failure> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, fingerprint) = (Instant::now(), route.fingerprint());
        clients.retain(|kept| kept.route == fingerprint || now.duration_since(kept.used) < KEEP_UNUSED);
        let kept = clients.iter().position(|kept| kept.route == fingerprint).and_then(|place| clients.remove(place));
        let client = match kept {
            Some(kept) => kept.client,
            None => self.build(route)?,
        };
        clients.push_back(Kept { route: fingerprint, client: client.clone(), used: now });
        if clients.len() > MAX_CLIENTS {
            clients.pop_front();
        }
        Ok(client)
    }

    fn build(&self, route: &Route) -> Result<Client, Failure> {
        let broken = |error: &dyn fmt::Display| {
            Failure::new(FailureClass::Internal, format!("failed to set up the HTTP client: {error}"))
        };
        let tls = route.tls_config().map_err(|error| broken(&error))?;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .dns_resolver(HostResolver)
            .connect_timeout(self.limits.connect)
            .pool_idle_timeout(KEEP_IDLE)
            .pool_max_idle_per_host(KEEP_PER_HOST);
        let builder = match &route.proxy {
            Some(proxy) => builder.proxy(proxy.for_http()),
            None => builder,
        };
        Ok(Client {
            http: builder.build().map_err(|error| broken(&error))?,
            tls: Arc::new(tls),
            limits: self.limits,
            proxy: route.proxy.clone(),
            presented: route.presented(),
            bridges: self.bridges.clone(),
            route: route.fingerprint(),
        })
    }
}

impl Client {
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub fn limits(&self) -> &TimeLimits {
        &self.limits
    }

    /// Equal for clients on equal routes.
    pub fn route(&self) -> Fingerprint {
        self.route
    }

    /// What failures on this client's way to a repository name.
    pub fn place(&self, url: &RepoUrl, delegate: &DelegateName) -> Place {
        let place = Place::new(url, delegate);
        match self.proxy_to(url.origin()) {
            Some(proxy) => place.through(proxy),
            None => place,
        }
    }

    /// The proxy through which a server is reached, if any.
    pub(crate) fn proxy_to(&self, origin: &Origin) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|proxy| proxy.applies_to(origin))
    }

    pub(crate) fn presented(&self) -> Presented {
        self.presented
    }

    /// Keeps track of what carries bytes beside the HTTP client.
    pub(crate) fn bridges(&self) -> &TaskTracker {
        &self.bridges
    }

    /// The settings of TLS connections that are made by hand.
    pub(crate) fn tls(&self) -> &Arc<rustls::ClientConfig> {
        &self.tls
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("limits", &self.limits).field("proxy", &self.proxy).finish_non_exhaustive()
    }
}
