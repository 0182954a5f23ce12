//! The proxy as its users hold it: what it lets through, and what it has seen.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpStream;

use crate::connection::Connection;
use crate::error::LoopbackError;
use crate::ledger::{Ledger, RequestRecord};
use crate::listener::Listener;
use crate::options::{Login, REMEMBERED_REQUESTS};
use crate::proxy::handler::handle;
use crate::proxy::options::{ProxyFault, ProxyOptions};
use crate::tasks::Tasks;
use crate::tls::TlsTerms;

/// An HTTP proxy on 127.0.0.1; it ends when it is stopped or dropped.
#[derive(Debug)]
pub struct ProxyServer {
    scheme: &'static str,
    shared: Arc<Shared>,
    listener: Listener,
}

/// What the connections of one proxy have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) ledger: Ledger,
    pub(super) tasks: Arc<Tasks>,
    tls: Option<Arc<ServerConfig>>,
    state: Mutex<State>,
}

/// What may change while the proxy runs.
#[derive(Debug)]
pub(super) struct State {
    pub(super) login: Login,
    pub(super) hosts: HashMap<String, SocketAddr>,
    pub(super) fault: Option<ProxyFault>,
    pub(super) tunnels: Vec<String>,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProxyServer {
    /// Listens at once: the first connection may be made as soon as this returns.
    pub fn start(options: ProxyOptions) -> Result<Self, LoopbackError> {
        let scheme = if options.identity.is_some() { "https" } else { "http" };
        let terms = TlsTerms::default();
        let shared = Arc::new(Shared {
            ledger: Ledger::new(REMEMBERED_REQUESTS),
            tasks: Arc::default(),
            tls: options.identity.map(|identity| terms.configuration(&identity)).transpose()?,
            state: Mutex::new(State { login: options.login, hosts: options.hosts, fault: None, tunnels: Vec::new() }),
        });
        let serving = Arc::clone(&shared);
        let listener = Listener::start(options.port, Arc::clone(&shared.tasks), move |stream| {
            serving.ledger.connection();
            serve(Arc::clone(&serving), stream)
        })?;
        Ok(Self { scheme, shared, listener })
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The proxy itself, such as `http://127.0.0.1:3128`.
    pub fn url(&self) -> String {
        self.url_at(&self.address().ip().to_string())
    }

    /// The same under another name for this host.
    pub fn url_at(&self, host: &str) -> String {
        format!("{}://{host}:{}", self.scheme, self.address().port())
    }

    /// Leads a host's name to an address here, from the next request on.
    pub fn map(&self, host: &str, address: SocketAddr) {
        self.shared.state().hosts.insert(host.to_owned(), address);
    }

    /// What requests have to bring along from now on.
    pub fn set_login(&self, login: Login) {
        self.shared.state().login = login;
    }

    /// Puts a fault in force, in place of an earlier one.
    pub fn set_fault(&self, fault: ProxyFault) {
        self.shared.state().fault = Some(fault);
    }

    pub fn clear_fault(&self) {
        self.shared.state().fault = None;
    }

    /// `HOST:PORT` of every tunnel that was granted, as the client named it, oldest first.
    pub fn tunnels(&self) -> Vec<String> {
        self.shared.state().tunnels.clone()
    }

    /// The last requests, oldest first. The path is what stands in the first line, whole: `HOST:PORT` or a URL.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.ledger.last_requests()
    }

    pub fn request_count(&self) -> u64 {
        self.shared.ledger.read(|counts| counts.requests)
    }

    /// Connections accepted.
    pub fn connections(&self) -> u64 {
        self.shared.ledger.read(|counts| counts.connections)
    }

    /// Blocks until `request_count()` is at least `count`; false when the deadline comes first.
    pub fn wait_for_requests(&self, count: u64, deadline: Duration) -> bool {
        self.shared.ledger.wait_until(|counts| counts.requests, count, deadline)
    }

    /// Blocks until `connections()` is at least `count`; false when the deadline comes first.
    pub fn wait_for_connections(&self, count: u64, deadline: Duration) -> bool {
        self.shared.ledger.wait_until(|counts| counts.connections, count, deadline)
    }

    /// Closes every connection and tunnel, and returns when that is done.
    pub fn stop(self) {
        drop(self);
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    if shared.state().fault == Some(ProxyFault::CloseAtOnce) {
        return;
    }
    if let Some(connection) = Connection::accept(stream, shared.tls.clone()).await {
        connection.serve(|end, request| handle(Arc::clone(&shared), end, request)).await;
    }
}
