//! Servers that ask for a certificate of ours.

use suitesync_contract::FailureClass;
use suitesync_loopback::{Authority, ProxyOptions, TlsVersions};
use suitesync_reach::{ClientIdentity, Route};

use crate::support::{World, parsed, proxy_at};

/// The server tells its verdict within the handshake or, since TLS 1.3, after it.
const VERSIONS: [TlsVersions; 2] = [TlsVersions::Only12, TlsVersions::Only13];

/// A server that lets in whoever `authority` vouches for.
fn world(authority: &Authority, versions: TlsVersions) -> World {
    World::with(|options| options.client_authority(authority.clone()).tls_versions(versions))
}

fn issued_by(authority: &Authority) -> ClientIdentity {
    let issued = authority.issue_client("delegate dc1").unwrap();
    ClientIdentity::from_pem(issued.certificate_pem(), issued.key_pem()).unwrap()
}

/// A request and the step `tls` of a connection test end alike.
async fn check(world: &World, identity: Option<ClientIdentity>, expect: Result<(), FailureClass>) {
    let url = parsed(&world.server.url("/contoso/checkout"));
    let route = Route { identity, ..world.direct() };
    for came in [world.ask(&route, &url).await.map(drop), world.handshake(&route, &url).await.map(drop)] {
        assert_eq!(came.clone().map_err(|failure| failure.class), expect, "{came:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_the_right_authority_is_let_in() {
    let authority = Authority::new("Clients CA").unwrap();
    for versions in VERSIONS {
        check(&world(&authority, versions), Some(issued_by(&authority)), Ok(())).await;
    }
}

#[tokio::test]
async fn a_missing_certificate_is_told_every_time() {
    let authority = Authority::new("Clients CA").unwrap();
    for versions in VERSIONS {
        let world = world(&authority, versions);
        for _ in 0..10 {
            check(&world, None, Err(FailureClass::AuthMissing)).await;
        }
    }
}

#[tokio::test]
async fn a_foreign_certificate_is_told_every_time() {
    let (authority, foreign) = (Authority::new("Clients CA").unwrap(), Authority::new("Foreign CA").unwrap());
    for versions in VERSIONS {
        let world = world(&authority, versions);
        for _ in 0..10 {
            check(&world, Some(issued_by(&foreign)), Err(FailureClass::AuthRejected)).await;
        }
    }
}

#[tokio::test]
async fn the_hint_names_the_keys_to_set() {
    let world = world(&Authority::new("Clients CA").unwrap(), TlsVersions::Both);
    let url = parsed(&world.server.url("/contoso/checkout"));
    let failure = world.ask(&world.direct(), &url).await.unwrap_err();
    assert!(failure.message.contains("it asks for a client certificate and none is set"), "{failure}");
    assert!(failure.hint.contains("`client_certificate`") && failure.hint.contains("`[connection.tls]`"));
}

#[tokio::test]
async fn a_certificate_is_shown_through_a_proxy_too() {
    let authority = Authority::new("Clients CA").unwrap();
    let world = world(&authority, TlsVersions::Both);
    let proxy = world.proxy(ProxyOptions::new());
    let through = world.through(proxy_at(&proxy.url()));
    let missing = world.ask(&through, &world.url()).await.unwrap_err();
    assert_eq!(missing.class, FailureClass::AuthMissing, "{missing}");
    let route = Route { identity: Some(issued_by(&authority)), ..through };
    assert_eq!(world.ask(&route, &world.url()).await, Ok(404));
}
