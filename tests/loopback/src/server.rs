//! The server's life: listen, accept, change its mind while it runs, stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::authority::ServerIdentity;
use crate::connection;
use crate::error::LoopbackError;
use crate::fault::Fault;
use crate::ledger::RequestRecord;
use crate::options::{Login, ServerOptions};
use crate::shared::Shared;

/// What a path keeps as it is (RFC 3986, unreserved) and its slashes.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Between two tries to accept when the system is out of something, such as file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A Git server on 127.0.0.1, on a thread of its own; it ends when it is stopped or dropped.
#[derive(Debug)]
pub struct GitServer {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl GitServer {
    /// Listens at once: the first connection may be made as soon as this returns.
    pub fn start(options: ServerOptions) -> Result<Self, LoopbackError> {
        let scheme = if options.identity.is_some() { "https" } else { "http" };
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|source| LoopbackError::Thread { source })?;
        let (listener, address) =
            listen(&runtime, options.port).map_err(|source| LoopbackError::Listen { port: options.port, source })?;
        let shared = Arc::new(Shared::new(options)?);
        let serving = accept(Arc::clone(&shared), listener);
        let thread = thread::Builder::new()
            .name("loopback-git".to_owned())
            .spawn(move || runtime.block_on(serving))
            .map_err(|source| LoopbackError::Thread { source })?;
        Ok(Self { address, scheme, shared, thread: Some(thread) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a decoded path such as `/contoso/my project/_git/checkout`.
    pub fn url(&self, path: &str) -> String {
        self.url_at(&self.address.ip().to_string(), path)
    }

    /// The same under another name for this host.
    pub fn url_at(&self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{}", self.scheme, self.address.port(), utf8_percent_encode(path, PATH))
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

impl Drop for GitServer {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic over there has been printed; here it changes nothing any more.
            let _ = thread.join();
        }
    }
}

fn listen(runtime: &Runtime, port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    while let Some(accepted) = shared.stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                shared.ledger.connection();
                shared.track(connection::serve(Arc::clone(&shared), stream));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(listener);
    shared.wait_for_tasks().await;
}
