//! The part of the way that belongs to a proxy, and what its failures mean. Whatever goes wrong before the tunnel
//! stands is the proxy's: `proxy`, `proxy_auth`, or `timeout` where it accepts a connection and stays silent.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::ServerName;
use suitesync_contract::{Failure, FailureClass, Scheme};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::{Dial, Stream, racing};
use crate::classify::system::exhausted;
use crate::classify::{self, answer, challenge, system_words, tls};
use crate::identity::Presented;
use crate::place::Place;
use crate::proxy::{self, Proxy, ProxyScheme, TunnelError};
use crate::resolver;

pub(super) async fn resolve(proxy: &Proxy, place: &Place, limit: Duration) -> Result<Vec<SocketAddr>, Failure> {
    let failed = |cause: &dyn Display| {
        let cause = format!("the name of the proxy cannot be resolved: {cause}");
        failed(place, cause).with_hint("check the proxy's host name and the resolver of this host")
    };
    match timeout(limit, resolver::resolve(proxy.host(), proxy.port())).await {
        Ok(resolved) => resolved.map_err(|error| {
            let exhausted = error.0.as_ref().and_then(|error| exhausted(place, "resolve", error));
            exhausted.unwrap_or_else(|| failed(&error.cause()))
        }),
        Err(_) => Err(failed(&"the resolver did not answer in time")),
    }
}

/// As far as the proxy goes: to itself for plain HTTP, to the server for everything else.
pub(super) async fn connect(
    dial: &Dial<'_>,
    proxy: &Proxy,
    addresses: &[SocketAddr],
) -> Result<(SocketAddr, Stream), Failure> {
    let (place, limit) = (dial.place(), dial.limit());
    let unreached = |cause: &dyn Display| failed(&place, format!("the proxy cannot be reached: {cause}"));
    let unconnected = |error: io::Error| {
        if error.kind() == io::ErrorKind::TimedOut {
            return unreached(&format_args!("it took longer than {} s", limit.as_secs()));
        }
        exhausted(&place, "reach", &error).unwrap_or_else(|| unreached(&system_words(&error)))
    };
    let stream = racing::connect(addresses, limit).await.map_err(unconnected)?;
    let peer = stream.peer_addr().map_err(unconnected)?;
    let mut stream = match proxy.scheme() {
        ProxyScheme::Plain => Either::Left(stream),
        ProxyScheme::Tls => Either::Right(Box::new(secured(dial, proxy, stream).await?)),
    };
    if dial.origin.scheme != Scheme::Http {
        let target = proxy::authority(&dial.origin.host, dial.origin.port);
        let opened = timeout(limit, proxy::open(&mut stream, &target, proxy.authorization())).await;
        let opened = opened.map_err(|_| silent(&place, limit, "when it was asked for a tunnel"))?;
        opened.map_err(|error| no_tunnel(&place, &target, &error))?;
    }
    Ok((peer, stream))
}

async fn secured(dial: &Dial<'_>, proxy: &Proxy, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
    let (place, limit) = (dial.place(), dial.limit());
    let name = ServerName::try_from(proxy.host().to_owned()).map_err(|error| failed(&place, error))?;
    let connector = TlsConnector::from(Arc::clone(dial.client.tls()));
    match timeout(limit, connector.connect(name, stream)).await {
        Ok(shaken) => shaken.map_err(|error| insecure(&place, &error)),
        Err(_) => Err(silent(&place, limit, "in the TLS handshake")),
    }
}

/// TLS with the proxy itself failed.
fn insecure(place: &Place, error: &io::Error) -> Failure {
    let Some(refusal) = classify::find::<rustls::Error>(error) else {
        return failed(place, format!("the proxy broke off the TLS handshake: {}", system_words(error)));
    };
    let told = tls::told(refusal, Presented::Nothing);
    let failure = failed(place, format!("the proxy's TLS is not accepted: {}", told.cause));
    match (&told.hint, refusal) {
        (_, rustls::Error::InvalidMessage(_)) => {
            failure.with_hint("write the proxy's URL with `http://` if it is one that speaks plain HTTP")
        }
        (Some(hint), _) => failure.with_hint(hint),
        (None, _) => failure,
    }
}

fn no_tunnel(place: &Place, target: &str, error: &TunnelError) -> Failure {
    match error {
        TunnelError::Unauthorized { status, challenges } => {
            let foreign = challenge::foreign_in(challenges.iter().map(String::as_str));
            answer::unauthorized_by_proxy(place, *status, foreign.as_deref())
        }
        TunnelError::Unreached(_) => failed(place, error).with_hint(format!(
            "check that {target} is up and that the proxy knows its name and may reach it, or name the host in `no_proxy`"
        )),
        TunnelError::Refused(_) => failed(place, error)
            .with_hint(format!("have the proxy allow CONNECT to {target}, or name the host in `no_proxy`")),
        TunnelError::NotHttp => {
            failed(place, error).with_hint("check the proxy's port, and whether it is to be reached by `https://`")
        }
        TunnelError::Broken(cause) => failed(place, format!("{error}: {}", system_words(cause))),
        TunnelError::Closed => failed(place, error),
    }
}

fn failed(place: &Place, cause: impl Display) -> Failure {
    place.host_failure(FailureClass::Proxy, "reach", cause)
}

fn silent(place: &Place, limit: Duration, when: &str) -> Failure {
    let cause = format!("the proxy stayed silent for {} s {when}", limit.as_secs());
    place
        .host_failure(FailureClass::Timeout, "reach", cause)
        .with_hint("check the load of the proxy; it is tried again by itself")
}
