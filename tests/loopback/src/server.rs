//! The Git server over HTTP(S), as its users hold it: it changes its mind while it runs, and tells what it has seen.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpStream;

use crate::connection::{Connection, stay_silent};
use crate::error::LoopbackError;
use crate::fault::Fault;
use crate::front::Front;
use crate::handler::handle;
use crate::identity::ServerIdentity;
use crate::ledger::RequestRecord;
use crate::listener::Listener;
use crate::options::{Login, ServerOptions};
use crate::shared::Shared;

/// What a path keeps as it is (RFC 3986, unreserved) and its slashes.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A Git server on 127.0.0.1, on a thread of its own; it ends when it is stopped or dropped.
#[derive(Debug)]
pub struct GitServer {
    scheme: &'static str,
    shared: Arc<Shared>,
    listener: Listener,
}

impl GitServer {
    /// Listens at once: the first connection may be made as soon as this returns.
    pub fn start(options: ServerOptions) -> Result<Self, LoopbackError> {
        Self::serving(options, None)
    }

    /// The same behind a provider, which asks for logins in its own way.
    pub(crate) fn start_behind(options: ServerOptions, front: Arc<dyn Front>) -> Result<Self, LoopbackError> {
        Self::serving(options, Some(front))
    }

    fn serving(options: ServerOptions, front: Option<Arc<dyn Front>>) -> Result<Self, LoopbackError> {
        let scheme = if options.identity.is_some() { "https" } else { "http" };
        let port = options.port;
        let shared = Arc::new(Shared::new(options, front)?);
        let serving = Arc::clone(&shared);
        let listener = Listener::start(port, Arc::clone(&shared.tasks), move |stream| {
            serving.ledger.connection();
            serve(Arc::clone(&serving), stream)
        })?;
        Ok(Self { scheme, shared, listener })
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The URL of a decoded path such as `/contoso/my project/_git/checkout`.
    pub fn url(&self, path: &str) -> String {
        self.url_at(&self.address().ip().to_string(), path)
    }

    /// The same under another name for this host.
    pub fn url_at(&self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{}", self.scheme, self.address().port(), utf8_percent_encode(path, PATH))
    }

    /// What requests have to bring along from now on.
    pub fn set_login(&self, login: Login) {
        self.shared.set_login(login);
    }

    /// Presents another certificate to connections made from now on.
    pub fn set_identity(&self, identity: &ServerIdentity) -> Result<(), LoopbackError> {
        self.shared.set_identity(identity)
    }

    /// Puts a fault in force for decoded paths with this prefix; an empty one means all.
    pub fn set_fault(&self, path_prefix: &str, fault: Fault) {
        self.shared.faults().set(path_prefix, fault, None);
    }

    /// The same for the next `times` requests (connections, for a silent accept) that meet it.
    pub fn set_fault_times(&self, path_prefix: &str, fault: Fault, times: usize) {
        self.shared.faults().set(path_prefix, fault, Some(times));
    }

    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// The last requests, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.ledger.last_requests()
    }

    pub fn request_count(&self) -> u64 {
        self.shared.ledger.read(|counts| counts.requests)
    }

    /// How many requests had this method and exactly this decoded path.
    pub fn count(&self, method: &str, path: &str) -> u64 {
        self.shared.ledger.count(method, path)
    }

    /// Connections accepted.
    pub fn connections(&self) -> u64 {
        self.shared.ledger.read(|counts| counts.connections)
    }

    /// The common names of the certificates that clients have shown, one a connection, oldest first.
    pub fn client_names(&self) -> Vec<String> {
        self.shared.ledger.read(|counts| counts.clients.clone())
    }

    /// Bytes of the bodies of answers, as handed to HTTP.
    pub fn bytes_sent(&self) -> u64 {
        self.shared.ledger.read(|counts| counts.bytes_sent)
    }

    /// Bytes of the bodies of requests that reached Git.
    pub fn bytes_received(&self) -> u64 {
        self.shared.ledger.read(|counts| counts.bytes_received)
    }

    /// Blocks until `request_count()` is at least `count`; false when the deadline comes first.
    pub fn wait_for_requests(&self, count: u64, deadline: Duration) -> bool {
        self.shared.ledger.wait_until(|counts| counts.requests, count, deadline)
    }

    /// Blocks until `connections()` is at least `count`; false when the deadline comes first.
    pub fn wait_for_connections(&self, count: u64, deadline: Duration) -> bool {
        self.shared.ledger.wait_until(|counts| counts.connections, count, deadline)
    }

    pub fn reset_counters(&self) {
        self.shared.ledger.reset();
    }

    /// Closes every connection, kills and reaps every child, and returns when all that is done.
    pub fn stop(self) {
        drop(self);
    }
}

/// Serves a connection until either side is through with it.
async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    if shared.faults().silences_connection() {
        return stay_silent(stream).await;
    }
    if let Some(connection) = Connection::accept(stream, shared.tls()).await {
        shared.ledger.client(connection.client.as_deref());
        connection.serve(|end, request| handle(Arc::clone(&shared), end, request)).await;
    }
}
