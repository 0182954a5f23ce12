//! Who is believed over TLS, and who is sent credentials.

use suitesync_contract::{FailureClass, HostKeys, Provider, RepoUrl};
use suitesync_git::{PlainHttp, RemoteSettings};
use suitesync_loopback::{Authority, IssueOptions};
use suitesync_reach::{Route, TimeLimits, Trust};

use crate::support::{PATH, TOKEN, World, delegate, start, token};

#[tokio::test]
async fn an_unknown_authority_is_named() {
    let world = World::with_commit();
    let remote = world.remote_under(&Trust::system(), &world.server.url(PATH), Provider::Git, Some(token(TOKEN)));
    let failure = world.main(&remote).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::TlsUntrusted, "{failure}");
    assert!(failure.message.contains("Loopback Test CA"), "{failure}");
    assert!(failure.hint.contains("`additional_certs_path`"), "{}", failure.hint);
    assert_eq!(world.server.request_count(), 0);
}

#[tokio::test]
async fn another_authority_of_the_same_name_is_not_believed() {
    let world = World::with_commit();
    let other = Authority::new("Loopback Test CA").unwrap();
    let trust = Trust::with_additional([other.pem()]).unwrap();
    let remote = world.remote_under(&trust, &world.server.url(PATH), Provider::Git, Some(token(TOKEN)));
    let failure = world.main(&remote).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::TlsUntrusted, "{failure}");
    assert_eq!(world.server.request_count(), 0);
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_end() {
    let world = World::new(&IssueOptions::expired(), TimeLimits::default());
    let failure = world.main(&world.remote()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::TlsExpired, "{failure}");
    assert!(failure.message.contains("ran out on 20"), "{failure}");
}

#[tokio::test]
async fn a_certificate_of_another_host_is_told_with_its_names() {
    let world = World::new(&IssueOptions::for_names(["git.example.org"]), TimeLimits::default());
    let failure = world.main(&world.remote()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::TlsHostname, "{failure}");
    assert!(failure.message.contains("git.example.org"), "{failure}");
}

#[tokio::test]
async fn a_new_trust_takes_effect_at_once() {
    let world = World::with_commit();
    let url = world.server.url(PATH);
    let remote = |trust: &Trust| world.remote_under(trust, &url, Provider::Git, Some(token(TOKEN)));
    assert!(world.main(&remote(&world.trust())).await.is_ok());
    assert!(world.main(&remote(&Trust::system())).await.is_err());
    assert!(world.main(&remote(&world.trust())).await.is_ok());
}

#[tokio::test]
async fn a_server_without_tls_behind_an_https_url_is_told() {
    let world = World::with_commit();
    let plain = suitesync_loopback::ServerOptions::new(world.folder.path().join("served"));
    let plain = start(plain);
    let url = plain.url(PATH).replace("http://", "https://");
    let failure = world.main(&world.remote_at(&url, Provider::Git, None)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::TlsOther, "{failure}");
}

#[tokio::test]
async fn credentials_do_not_travel_over_plain_http_unless_allowed() {
    let world = World::empty();
    let url = RepoUrl::parse("http://git.example.org/a/b", Provider::Git).unwrap().repository;
    let remote = |plain_http| {
        let (url, authorization, host_keys) = (url.clone(), Some(token(TOKEN)), HostKeys::default());
        let settings = RemoteSettings { url, authorization, plain_http, host_keys, delegate: delegate() };
        world.remotes.remote(world.clients.client(&Route::new(world.trust())).unwrap(), settings)
    };
    assert!(remote(PlainHttp::Allowed).is_ok());
    let failure = remote(PlainHttp::Refused).unwrap_err();
    assert_eq!(failure.class, FailureClass::AuthMissing);
    assert!(failure.hint.contains("allow_plain_http") && !failure.to_string().contains(TOKEN), "{failure}");
}
