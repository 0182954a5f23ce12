//! From an address to a connection that will do.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_nats::jetstream::context::ContextBuilder;
use async_nats::{ConnectOptions, Event};
use suitesync_contract::DelegateName;
use tokio_util::sync::CancellationToken;

use super::cause::of_connecting;
use super::version::is_enough;
use super::{ANSWER_WITHIN, Bus, BusSettings, Login, Names, RemoteError};

/// For the connection with TLS and login.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Between signs of life of the server. A line that is dead shows after three of them, before a lease is over.
const PING_EVERY: Duration = Duration::from_secs(2);

impl Bus {
    /// Connects once. `role` is what the server's own lists show us as.
    pub(crate) async fn connect(settings: &BusSettings, agent: &DelegateName, role: &str) -> Result<Self, RemoteError> {
        let server = server_of(&settings.url)?;
        let lost = CancellationToken::new();
        let options = options(settings, role, lost.clone())?;
        let client = options
            .connect(&settings.url)
            .await
            .map_err(|error| of_connecting(server.clone(), CONNECT_WITHIN.as_secs(), error))?;
        let greeting = client.server_info();
        if !is_enough(&greeting.version) {
            let found = greeting.version.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(RemoteError::Old { server, found });
        }
        if !greeting.jetstream {
            return Err(RemoteError::NoJetStream { server });
        }
        let jetstream =
            ContextBuilder::new().timeout(ANSWER_WITHIN).backpressure_on_inflight(true).build(client.clone());
        Ok(Self { client, jetstream, names: Names::of(agent), lost, is_refusing: AtomicBool::new(false) })
    }
}

/// Host and port, without whatever else the address holds.
fn server_of(address: &str) -> Result<String, RemoteError> {
    let url = url::Url::parse(address).map_err(|_| RemoteError::Address)?;
    let host = url.host_str().filter(|_| matches!(url.scheme(), "tls" | "nats")).ok_or(RemoteError::Address)?;
    let is_bare = url.username().is_empty() && url.password().is_none();
    if is_bare { Ok(format!("{host}:{}", url.port().unwrap_or(4222))) } else { Err(RemoteError::Address) }
}

fn options(settings: &BusSettings, role: &str, lost: CancellationToken) -> Result<ConnectOptions, RemoteError> {
    let options = ConnectOptions::new()
        .name(role)
        .connection_timeout(CONNECT_WITHIN)
        .request_timeout(Some(ANSWER_WITHIN))
        .ping_interval(PING_EVERY)
        .tls_client_config(settings.tls.clone())
        // Others of a cluster are found by the address that was given.
        .ignore_discovered_servers()
        // A lost connection is over; the one try that the library makes comes to nothing, as nobody holds its client.
        .max_reconnects(1)
        .event_callback(move |event| {
            if matches!(event, Event::Disconnected | Event::Closed) {
                lost.cancel();
            }
            std::future::ready(())
        });
    match &settings.login {
        Login::Nobody => Ok(options),
        Login::Nkey(seed) => Ok(options.nkey(seed.trim().to_owned())),
        Login::Credentials(content) => {
            options.credentials(content).map_err(|_| RemoteError::Login("the content of a `.creds` file"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expect: Option<&str>) {
        assert_eq!(server_of(address).ok().as_deref(), expect, "{address}");
    }

    #[test]
    fn an_address_is_a_host_with_a_port_and_holds_no_login() {
        check("tls://nats.example.org:4223", Some("nats.example.org:4223"));
        check("nats://[::1]", Some("[::1]:4222"));
        check("https://nats.example.org", None);
        check("nats.example.org:4222", None);
        check("tls://someone:secret@nats.example.org", None);
    }
}
