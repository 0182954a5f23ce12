//! Servers that will do and those that will not, logins, and two of the same name.

mod credentials;

use std::sync::Arc;

use nkeys::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use suitesync_contract::Facts;
use suitesync_loopback::{Authority, IssueOptions, NatsOptions};
use suitesync_remote::{BusSettings, BusState, Fleet, Login, RemoteError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::support::{PATIENCE, Site, bus, carry, connected, counting, no_tls, probe, probe_report, trusting};

/// Why NATS is not at hand.
async fn why_away(mut state: watch::Receiver<BusState>) -> Arc<RemoteError> {
    let away = state.wait_for(|state| matches!(state, BusState::Away(_)));
    match &*tokio::time::timeout(PATIENCE, away).await.unwrap().unwrap() {
        BusState::Away(error) => Arc::clone(error),
        BusState::Connecting | BusState::Connected => unreachable!("it was waited for"),
    }
}

/// What an agent says that would connect like this.
async fn refusal(site: &Site, bus: BusSettings) -> Arc<RemoteError> {
    let fleet = Fleet::begin(bus, site.settings());
    why_away(fleet.state()).await
}

/// A server that greets as this version.
async fn greeting_as(version: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let greeting = format!(
                "INFO {{\"server_id\":\"N\",\"version\":\"{version}\",\"host\":\"127.0.0.1\",\"port\":4222,\
                 \"headers\":true,\"max_payload\":1048576,\"jetstream\":true,\"proto\":1}}\r\nPONG\r\n"
            );
            client.write_all(greeting.as_bytes()).await.unwrap();
            // Held until the client leaves.
            let _ = client.read_to_end(&mut Vec::new()).await;
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_server_is_refused_with_its_version() {
    let (site, port) = (Site::new(), greeting_as("2.10.29").await);
    let error = refusal(&site, bus(format!("nats://127.0.0.1:{port}"))).await;
    let expect = format!("failed to use NATS at 127.0.0.1:{port}: it is version 2.10.29, at least 2.11 is needed");
    assert_eq!(error.to_string(), expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_jetstream_is_told_apart() {
    let site = Site::with(&NatsOptions { without_jetstream: true, ..NatsOptions::default() });
    let error = refusal(&site, site.bus()).await;
    assert!(matches!(*error, RemoteError::NoJetStream { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told_with_its_address() {
    let mut site = Site::new();
    site.nats.kill();
    let error = refusal(&site, site.bus()).await;
    assert!(matches!(*error, RemoteError::Connect { .. }), "{error}");
    assert!(error.to_string().contains(&format!("127.0.0.1:{}", site.nats.port())), "{error}");
}

/// A server that knows one NKey, and the seed of that.
fn with_nkey() -> (Site, String) {
    let user = KeyPair::new_user();
    let configuration = format!("authorization {{ users = [ {{ nkey: {} }} ] }}", user.public_key());
    let site = Site::with(&NatsOptions { configuration, ..NatsOptions::default() });
    (site, user.seed().unwrap())
}

/// A round trip with this login on both sides.
async fn check_login(site: &Site, login: Login) {
    let settings = BusSettings { login, ..site.bus() };
    check_bus(site, settings).await;
}

async fn check_bus(site: &Site, settings: BusSettings) {
    let fleet = Fleet::begin(settings.clone(), site.settings());
    let _station = site.station_over(settings, "dc1", counting().0);
    connected(&fleet, "dc1").await;
    assert_eq!(carry(&fleet, "dc1", probe(1)).await, Ok(Facts::Probe(probe_report())));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_nkey_logs_in() {
    let (site, seed) = with_nkey();
    check_login(&site, Login::Nkey(format!("{seed}\n").into())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_nkey_is_rejected_and_not_shown() {
    let (site, _) = with_nkey();
    let seed = KeyPair::new_user().seed().unwrap();
    let settings = BusSettings { login: Login::Nkey(seed.clone().into()), ..site.bus() };
    let error = refusal(&site, settings.clone()).await;
    assert!(matches!(*error, RemoteError::Rejected { .. }), "{error:?}");
    assert!(!format!("{error:?} {settings:?}").contains(&seed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credentials_file_logs_in() {
    let made = credentials::Credentials::new();
    let site = Site::with(&NatsOptions { configuration: made.configuration, ..NatsOptions::default() });
    check_login(&site, Login::Credentials(made.file.into())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credentials_file_that_is_none_is_told() {
    let site = Site::new();
    let settings = BusSettings { login: Login::Credentials("nonsense".to_owned().into()), ..site.bus() };
    let error = refusal(&site, settings).await;
    assert!(matches!(*error, RemoteError::Login(_)), "{error:?}");
}

fn with_tls() -> (Site, Authority) {
    let authority = Authority::new("Contoso Root").unwrap();
    let identity = authority.issue(&IssueOptions::default()).unwrap();
    let site = Site::with(&NatsOptions { identity: Some(identity), ..NatsOptions::default() });
    (site, authority)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_where_it_is_given() {
    let (site, authority) = with_tls();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    check_bus(&site, BusSettings { tls: trusting(roots), ..site.bus() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_nobody_gave_is_a_fault_of_tls() {
    let (site, _) = with_tls();
    let error = refusal(&site, BusSettings { tls: no_tls(), ..site.bus() }).await;
    assert!(matches!(*error, RemoteError::Tls { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_of_the_same_name_is_refused_and_the_first_goes_on() {
    let site = Site::new();
    let first = site.fleet();
    first.left().await;
    let error = refusal(&site, site.bus()).await;
    assert!(matches!(*error, RemoteError::OtherAgent { .. }), "{error:?}");
    let _station = site.station("dc1", counting().0);
    connected(&first, "dc1").await;
    assert_eq!(carry(&first, "dc1", probe(1)).await, Ok(Facts::Probe(probe_report())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_delegate_of_the_same_name_is_refused_and_the_first_goes_on() {
    let (site, elsewhere) = (Site::new(), tempfile::tempdir().unwrap());
    let (executor, count) = counting();
    let (fleet, _first) = site.pair(executor).await;
    let second = crate::support::serve(site.bus(), "dc1", elsewhere.path(), counting().0);
    let error = why_away(second.station.state()).await;
    assert!(matches!(*error, RemoteError::OtherDelegate { .. }), "{error:?}");
    carry(&fleet, "dc1", probe(1)).await.unwrap();
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_waits_for_an_agent_that_was_never_there() {
    let site = Site::new();
    let station = site.station("dc1", counting().0);
    let error = why_away(station.station.state()).await;
    assert!(matches!(*error, RemoteError::NoAgent { .. }), "{error:?}");
    connected(&site.fleet(), "dc1").await;
}
