//! Name resolution, TCP and TLS by hand, for the connection test.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use chrono::Utc;
use rustls::ProtocolVersion;
use rustls_pki_types::ServerName;
use suitesync_contract::{Failure, FailureClass};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::certificate;
use crate::classify::{self, Phase};
use crate::remote::Remote;
use crate::resolver;

/// Addresses shown; large services have dozens.
const MAX_SHOWN: usize = 4;

pub(crate) struct Connected {
    pub(crate) peer: SocketAddr,
    stream: TcpStream,
}

pub(crate) struct Secured {
    pub(crate) detail: String,
    pub(crate) days_left: Option<i64>,
}

pub(crate) async fn resolve(remote: &Remote) -> Result<Vec<SocketAddr>, Failure> {
    let origin = remote.url().origin();
    match timeout(limit(remote), resolver::resolve(&origin.host, origin.port)).await {
        Ok(resolved) => resolved.map_err(|error| classify::unresolvable(remote.place(), &error)),
        Err(_) => Err(remote.place().host_failure(FailureClass::Dns, "resolve", "the resolver did not answer in time")),
    }
}

pub(crate) fn listed(addresses: &[SocketAddr]) -> String {
    let shown: Vec<_> = addresses.iter().take(MAX_SHOWN).map(|address| address.ip().to_string()).collect();
    let more = if addresses.len() > MAX_SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Tries one address after the other, as the client does.
pub(crate) async fn connect(remote: &Remote, addresses: &[SocketAddr]) -> Result<Connected, Failure> {
    let place = remote.place();
    let connected = timeout(limit(remote), TcpStream::connect(addresses)).await;
    let failed = |error: io::Error| classify::transport(place, &error, Phase::Connecting);
    let Ok(connected) = connected else { return Err(too_slow(remote, "connect to")) };
    let stream = connected.map_err(failed)?;
    let peer = stream.peer_addr().map_err(failed)?;
    Ok(Connected { peer, stream })
}

pub(crate) async fn handshake(remote: &Remote, connected: Connected) -> Result<Secured, Failure> {
    let place = remote.place();
    let name = ServerName::try_from(remote.url().origin().host.clone())
        .map_err(|error| place.host_failure(FailureClass::TlsHostname, "trust", error))?;
    let connector = TlsConnector::from(Arc::clone(&remote.http().client().tls));
    let Ok(shaken) = timeout(limit(remote), connector.connect(name, connected.stream)).await else {
        return Err(too_slow(remote, "speak TLS with"));
    };
    let stream = shaken.map_err(|error| classify::transport(place, &error, Phase::Connecting))?;
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    let days_left = certificate::days_left(chain, Utc::now().timestamp());
    Ok(Secured {
        detail: described(session.protocol_version(), days_left, chain.first().and_then(certificate::issuer)),
        days_left,
    })
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

fn too_slow(remote: &Remote, verb: &str) -> Failure {
    let cause = format_args!("it took longer than {} s", limit(remote).as_secs());
    remote.place().host_failure(FailureClass::Timeout, verb, cause)
}

fn limit(remote: &Remote) -> std::time::Duration {
    remote.http().client().limits.connect
}
