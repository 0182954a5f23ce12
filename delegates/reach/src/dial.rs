//! Name resolution, TCP, the tunnel of a proxy and TLS by hand: for the connection test, for what is no HTTP, and to
//! find out why a request through a proxy failed.

mod asked;
mod bridge;
mod racing;
mod through;

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use rustls::{ClientConfig, ProtocolVersion};
use rustls_pki_types::ServerName;
use suitesync_contract::{Failure, FailureClass, Origin};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;
use tokio_util::task::TaskTracker;

use crate::certificate;
use crate::classify::{self, Phase};
use crate::client::Client;
use crate::identity::Presented;
use crate::place::Place;
use crate::proxy::Proxy;
use crate::resolver;
use asked::Asked;

/// Addresses shown; large services have dozens.
const MAX_SHOWN: usize = 4;
/// With TLS 1.3 a server judges our certificate after the handshake has ended for us. One round trip to anywhere: what
/// was not refused by then is taken for accepted, and told by the first request if it was not.
const VERDICT_WAIT: Duration = Duration::from_millis(500);

/// The way to a server, to be gone step by step; through the client's proxy where that applies.
#[derive(Debug, Clone, Copy)]
pub struct Dial<'a> {
    pub client: &'a Client,
    pub place: &'a Place,
    pub origin: &'a Origin,
}

/// Plain TCP to the server or a proxy, or TLS to a proxy.
type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A connection on which nothing was said yet but to a proxy.
#[derive(Debug)]
pub struct Connected {
    /// The server, or the proxy.
    pub peer: SocketAddr,
    stream: Stream,
    /// Host and port of the proxy.
    through: Option<String>,
    bridges: TaskTracker,
}

/// What a TLS handshake has shown.
#[derive(Debug)]
pub struct Secured {
    /// For people: version, issuer, days left.
    pub detail: String,
    /// Days until the first certificate of the chain runs out; negative once it has.
    pub days_left: Option<i64>,
}

impl Connected {
    /// For people: the address, and the proxy if there is one.
    pub fn detail(&self) -> String {
        let through = self.through.as_ref().map(|proxy| format!(", through proxy {proxy}")).unwrap_or_default();
        format!("{}{through}", self.peer)
    }

    /// The connection as a socket that does not block, for what speaks neither HTTP nor TLS on it. Call it within a
    /// runtime: where the proxy is reached over TLS, a task carries the bytes from and to the socket.
    pub fn into_socket(self) -> io::Result<OwnedFd> {
        match self.stream {
            Either::Left(stream) => Ok(stream.into_std()?.into()),
            Either::Right(stream) => bridge::socket(stream, &self.bridges),
        }
    }
}

impl<'a> Dial<'a> {
    /// The addresses of the server, or of the proxy: then it is the proxy that resolves the server's name.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, Failure> {
        if let Some(proxy) = self.proxy() {
            return through::resolve(proxy, &self.place(), self.limit()).await;
        }
        match timeout(self.limit(), resolver::resolve(&self.origin.host, self.origin.port)).await {
            Ok(resolved) => resolved.map_err(|error| classify::unresolvable(self.place, &error)),
            Err(_) => Err(self.place.host_failure(FailureClass::Dns, "resolve", "the resolver did not answer in time")),
        }
    }

    /// What was resolved, for people.
    pub fn resolved(&self, addresses: &[SocketAddr]) -> String {
        let whose = self.proxy().map(|proxy| format!(" (proxy {})", proxy.address())).unwrap_or_default();
        format!("{}{whose}", listed(addresses))
    }

    /// Tries the addresses as the client does, and has a proxy make a tunnel unless the server is to be spoken to in plain
    /// HTTP.
    pub async fn connect(&self, addresses: &[SocketAddr]) -> Result<Connected, Failure> {
        let bridges = self.client.bridges().clone();
        if let Some(proxy) = self.proxy() {
            let (peer, stream) = through::connect(self, proxy, addresses).await?;
            return Ok(Connected { peer, stream, through: Some(proxy.address()), bridges });
        }
        let failed = |error: io::Error| {
            let is_late = error.kind() == io::ErrorKind::TimedOut;
            if is_late { self.too_slow("connect to") } else { self.transport(&error, self.client.presented()) }
        };
        let stream = racing::connect(addresses, self.limit()).await.map_err(failed)?;
        let peer = stream.peer_addr().map_err(failed)?;
        Ok(Connected { peer, stream: Either::Left(stream), through: None, bridges })
    }

    /// TLS with the server. A server that asks for a certificate is given a moment to say what it thinks of ours.
    pub async fn handshake(&self, connected: Connected) -> Result<Secured, Failure> {
        let name = ServerName::try_from(self.origin.host.clone())
            .map_err(|error| self.place().host_failure(FailureClass::TlsHostname, "trust", error))?;
        let mut config = ClientConfig::clone(self.client.tls());
        let asked = Arc::new(Asked::around(Arc::clone(&config.client_auth_cert_resolver)));
        config.client_auth_cert_resolver = asked.clone();
        let shaken = timeout(self.limit(), TlsConnector::from(Arc::new(config)).connect(name, connected.stream));
        let failed = |error: io::Error| self.transport(&error, self.presented(&asked));
        let Ok(shaken) = shaken.await else { return Err(self.too_slow("speak TLS with")) };
        let mut stream = shaken.map_err(failed)?;
        if asked.was() {
            verdict(&mut stream).await.map_err(failed)?;
        }
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().unwrap_or_default();
        let days_left = certificate::days_left(chain, Utc::now().timestamp());
        Ok(Secured {
            detail: described(session.protocol_version(), days_left, chain.first().and_then(certificate::issuer)),
            days_left,
        })
    }

    pub(crate) fn proxy(&self) -> Option<&'a Proxy> {
        self.client.proxy_to(self.origin)
    }

    /// The place, with the proxy named.
    fn place(&self) -> Cow<'a, Place> {
        match self.proxy() {
            Some(proxy) => Cow::Owned(self.place.through(proxy)),
            None => Cow::Borrowed(self.place),
        }
    }

    fn presented(&self, asked: &Asked) -> Presented {
        match self.client.presented() {
            Presented::Certificate => Presented::Certificate,
            Presented::Nothing | Presented::NothingThoughAsked if asked.was() => Presented::NothingThoughAsked,
            Presented::Nothing | Presented::NothingThoughAsked => Presented::Nothing,
        }
    }

    fn transport(&self, error: &io::Error, presented: Presented) -> Failure {
        classify::transport(&self.place(), error, Phase::Connecting, presented)
    }

    fn too_slow(&self, verb: &str) -> Failure {
        let cause = format_args!("it took longer than {} s", self.limit().as_secs());
        self.place().host_failure(FailureClass::Timeout, verb, cause)
    }

    fn limit(&self) -> Duration {
        self.client.limits().connect
    }
}

/// Addresses for people.
fn listed(addresses: &[SocketAddr]) -> String {
    let shown: Vec<_> = addresses.iter().take(MAX_SHOWN).map(|address| address.ip().to_string()).collect();
    let more = if addresses.len() > MAX_SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Waits for a server's word against our certificate. A server that is content says nothing before it is asked.
async fn verdict(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    match timeout(VERDICT_WAIT, stream.read(&mut [0])).await {
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

fn described(version: Option<ProtocolVersion>, days_left: Option<i64>, issuer: Option<String>) -> String {
    let version = match version {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    let issuer = issuer.map(|issuer| format!(", issued by {issuer}")).unwrap_or_default();
    let days = days_left.map(|days| format!(", {days} days left")).unwrap_or_default();
    format!("{version}{issuer}{days}")
}
