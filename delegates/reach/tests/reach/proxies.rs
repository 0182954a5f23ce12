//! Requests through a proxy: they arrive, and what stands in their way is told.

use suitesync_contract::{Failure, FailureClass};
use suitesync_loopback::{Authority, Login, ProxyFault, ProxyOptions, RawAnswer};
use suitesync_reach::{NoProxy, Proxy, ProxySettings, Refusal, Route, Sent, Trust, refused};

use crate::support::{NAME, PASSWORD, USER, World, delegate, parsed, proxy_as, proxy_at, raw};

/// A failure names the target, the proxy and the delegate, and never who we are to the proxy.
fn check_told(failure: &Failure, class: FailureClass, proxy: &str, cause: &str) {
    assert_eq!(failure.class, class, "{failure}");
    let way = format!("from delegate dc1 through proxy {}: ", proxy.trim_start_matches("http://"));
    assert!(failure.message.contains(NAME) && failure.message.contains(&way), "{failure}");
    assert!(failure.message.contains(cause), "{failure}");
    for secret in [PASSWORD, "c3ZjOm"] {
        assert!(!failure.message.contains(secret) && !failure.hint.contains(secret), "{failure}");
    }
}

/// A request and a connection test fail alike at a proxy with a fault.
async fn check_fault(fault: ProxyFault, class: FailureClass, cause: &str) {
    let world = World::new();
    let proxy = world.proxy(ProxyOptions::new());
    proxy.set_fault(fault);
    let route = world.through(proxy_at(&proxy.url()));
    check_told(&world.ask(&route, &world.url()).await.unwrap_err(), class, &proxy.url(), cause);
    let walked = world.handshake(&route, &world.url()).await.unwrap_err();
    check_told(&walked, class, &proxy.url(), cause);
}

#[tokio::test]
async fn https_goes_through_a_tunnel_by_name() {
    let world = World::new();
    let proxy = world.proxy(ProxyOptions::new());
    let status = world.ask(&world.through(proxy_at(&proxy.url())), &world.url()).await;
    assert_eq!(status, Ok(404));
    assert_eq!(proxy.tunnels(), [format!("{NAME}:{}", world.server.address().port())]);
    assert_eq!(world.server.request_count(), 1);
}

#[tokio::test]
async fn https_goes_through_a_proxy_that_speaks_tls_itself() {
    let world = World::new();
    let proxy = world.tls_proxy(&world.authority);
    let route = world.through(proxy_at(&proxy.url()));
    assert_eq!(world.ask(&route, &world.url()).await, Ok(404));
    let secured = world.handshake(&route, &world.url()).await.unwrap();
    assert!(secured.detail.starts_with("TLS 1.3, issued by Loopback Test CA"), "{}", secured.detail);
    assert_eq!(proxy.tunnels().len(), 2);
}

#[tokio::test]
async fn plain_http_is_passed_on_with_the_credentials_of_the_proxy() {
    let world = World::new();
    let server = world.plain_server();
    let proxy = world.proxy(ProxyOptions::new().user(USER, PASSWORD));
    let url = parsed(&server.url("/contoso/checkout"));
    assert_eq!(world.ask(&world.through(proxy_as(&proxy.url(), PASSWORD)), &url).await, Ok(404));
    assert!(proxy.requests().iter().any(|request| request.path.starts_with("http://127.0.0.1")));
    assert!(server.requests().iter().all(|request| request.header("proxy-authorization").is_none()));
}

#[tokio::test]
async fn a_407_to_plain_http_tells_whether_credentials_were_sent() {
    let world = World::new();
    let server = world.plain_server();
    let proxy = world.proxy(ProxyOptions::new().user(USER, PASSWORD));
    let url = parsed(&server.url("/contoso/checkout"));
    for (proxy, expect) in [
        (proxy_at(&proxy.url()), "the proxy asks for credentials and none are set, http 407"),
        (proxy_as(&proxy.url(), "wrong"), "the proxy rejected the credentials that were sent, http 407"),
    ] {
        let client = world.client(&world.through(proxy));
        let answer = client.http().get(url.request_url()).send().await.unwrap();
        let (status, headers, sent) = (answer.status(), answer.headers(), Sent::NoCredentials);
        let failure = refused(&client.place(&url, &delegate()), &Refusal { status, headers, body: b"", sent });
        assert_eq!(failure.class, FailureClass::ProxyAuth);
        assert!(failure.message.ends_with(expect), "{failure}");
    }
}

#[tokio::test]
async fn exempt_servers_are_reached_directly() {
    let world = World::new();
    let proxy = world.proxy(ProxyOptions::new());
    let url = proxy.url();
    let settings = ProxySettings { url: &url, username: None, password: None };
    let route = world.through(Proxy::new(settings, NoProxy::parse("127.0.0.0/8").unwrap()).unwrap());
    let direct = parsed(&world.server.url("/contoso/checkout"));
    assert_eq!(world.ask(&route, &direct).await, Ok(404));
    assert_eq!(proxy.connections(), 0);
    assert_eq!(world.dial(&route, &direct).await.unwrap().detail(), world.server.address().to_string());
}

#[tokio::test]
async fn a_proxy_is_signed_in_to() {
    let world = World::new();
    let proxy = world.proxy(ProxyOptions::new().user(USER, PASSWORD));
    let ask = async |proxy| world.ask(&world.through(proxy), &world.url()).await;
    assert_eq!(ask(proxy_as(&proxy.url(), PASSWORD)).await, Ok(404));
    let rejected = ask(proxy_as(&proxy.url(), "wrong")).await.unwrap_err();
    check_told(&rejected, FailureClass::ProxyAuth, &proxy.url(), "rejected the credentials that were sent");
    let missing = ask(proxy_at(&proxy.url())).await.unwrap_err();
    check_told(&missing, FailureClass::ProxyAuth, &proxy.url(), "asks for credentials and none are set");
    assert!(missing.hint.contains("`username` and `password`"), "{}", missing.hint);
}

#[tokio::test]
async fn a_new_password_of_the_proxy_takes_effect_at_once() {
    let world = World::new();
    let proxy = world.proxy(ProxyOptions::new().user(USER, PASSWORD));
    let ask = async |password| world.ask(&world.through(proxy_as(&proxy.url(), password)), &world.url()).await;
    assert_eq!(ask(PASSWORD).await, Ok(404));
    proxy.set_login(Login::User { name: USER.to_owned(), password: "another".to_owned() });
    assert_eq!(ask("another").await, Ok(404));
    assert_eq!(proxy.tunnels().len(), 2);
}

#[tokio::test]
async fn a_refused_tunnel_is_told_with_its_status() {
    check_fault(ProxyFault::Status(403), FailureClass::Proxy, "the proxy refused the tunnel with http 403").await;
}

#[tokio::test]
async fn a_server_that_the_proxy_cannot_reach_is_no_word_against_the_tunnel() {
    let cause = "the proxy cannot reach the server behind it, http 503";
    check_fault(ProxyFault::Status(503), FailureClass::Proxy, cause).await;
    let cause = "the proxy asks for credentials and none are set, http 401";
    check_fault(ProxyFault::Status(401), FailureClass::ProxyAuth, cause).await;
}

#[tokio::test]
async fn a_proxy_that_hangs_up_is_told() {
    check_fault(ProxyFault::CloseAtOnce, FailureClass::Proxy, "the proxy").await;
    check_fault(ProxyFault::Reset, FailureClass::Proxy, "the proxy").await;
}

#[tokio::test]
async fn a_silent_proxy_is_told_from_a_silent_server() {
    let asked = "the proxy stayed silent for 2 s when it was asked for a tunnel";
    check_fault(ProxyFault::SilentAfterRequest, FailureClass::Timeout, asked).await;
    check_fault(ProxyFault::SilentTunnel, FailureClass::Timeout, "failed to speak TLS with git.example.org").await;
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told() {
    let world = World::new();
    let stopped = world.proxy(ProxyOptions::new());
    let url = stopped.url();
    stopped.stop();
    for (url, cause) in [
        (url.as_str(), "cannot be reached: connection refused"),
        ("http://no-proxy.invalid:3128", "cannot be resolved"),
    ] {
        let route = world.through(proxy_at(url));
        check_told(&world.ask(&route, &world.url()).await.unwrap_err(), FailureClass::Proxy, url, cause);
        check_told(&world.dial(&route, &world.url()).await.unwrap_err(), FailureClass::Proxy, url, cause);
    }
}

#[tokio::test]
async fn what_is_no_proxy_is_told() {
    let world = World::new();
    let raw = raw(RawAnswer::garbage());
    let url = format!("http://{}", raw.address());
    let failure = world.ask(&world.through(proxy_at(&url)), &world.url()).await.unwrap_err();
    check_told(&failure, FailureClass::Proxy, &url, "does not answer in HTTP");
}

#[tokio::test]
async fn an_untrusted_proxy_is_told_from_an_untrusted_server() {
    let (world, other) = (World::new(), Authority::new("Another CA").unwrap());
    let proxy = world.tls_proxy(&other);
    let failure = world.ask(&world.through(proxy_at(&proxy.url())), &world.url()).await.unwrap_err();
    let address = proxy.address().to_string();
    check_told(&failure, FailureClass::Proxy, &address, "the issuer `Another CA` of its certificate is not trusted");

    let trust = Trust::with_additional([other.pem()]).unwrap();
    let route = Route { proxy: Some(proxy_at(&proxy.url())), ..Route::new(trust) };
    let failure = world.ask(&route, &world.url()).await.unwrap_err();
    check_told(&failure, FailureClass::TlsUntrusted, &address, "failed to trust git.example.org");
    assert!(failure.hint.contains("Loopback Test CA"), "{}", failure.hint);
}

#[tokio::test]
async fn a_plain_proxy_behind_an_https_url_is_told() {
    let world = World::new();
    let proxy = world.proxy(ProxyOptions::new());
    let url = proxy.url().replace("http://", "https://");
    let failure = world.ask(&world.through(proxy_at(&url)), &world.url()).await.unwrap_err();
    check_told(&failure, FailureClass::Proxy, &proxy.url(), "what it sends is not TLS");
    assert!(failure.hint.contains("`http://`"), "{}", failure.hint);
}
