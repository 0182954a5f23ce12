//! Servers that refuse, lie, stall and break off: each has its class, and none costs more than its limit.

use std::time::{Duration, Instant};

use suitesync_contract::{Failure, FailureClass, Provider};
use suitesync_loopback::{Fault, Login, ServerOptions};

use crate::support::{PATH, TOKEN, World, start, token};

fn page(code: u16) -> Fault {
    let headers = vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())];
    Fault::Status { code, headers, body: b"<html><title>Sign In</title></html>".to_vec() }
}

fn text(code: u16, headers: &[(&str, &str)], body: &str) -> Fault {
    let headers = headers.iter().chain(&[("content-type", "text/plain")]);
    let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Fault::Status { code, headers, body: body.as_bytes().to_vec() }
}

/// What a poll of a faulty server under a provider fails with.
async fn failure_of(fault: Fault, provider: Provider) -> Failure {
    let world = World::impatient();
    world.server.set_fault("", fault);
    let url = match provider {
        Provider::Git => world.server.url(PATH),
        Provider::AzureRepos => world.server.url("/contoso/payments/_git/checkout"),
    };
    let failure = world.main(&world.remote_at(&url, provider, Some(token(TOKEN)))).await.unwrap_err();
    let host = format!("127.0.0.1:{}", world.server.address().port());
    assert!(failure.message.contains(&host) && failure.message.contains("delegate local"), "{failure}");
    assert!(!failure.to_string().contains(TOKEN), "{failure}");
    failure
}

async fn check(fault: Fault, expect: FailureClass) {
    let failure = failure_of(fault.clone(), Provider::Git).await;
    assert_eq!(failure.class, expect, "{fault:?}: {failure}");
}

async fn check_azure(fault: Fault, expect: FailureClass) {
    let failure = failure_of(fault.clone(), Provider::AzureRepos).await;
    assert_eq!(failure.class, expect, "{fault:?}: {failure}");
}

#[tokio::test]
async fn a_wrong_token_is_rejected_and_none_is_missing() {
    let world = World::with_commit();
    let wrong = world.main(&world.remote_as(Some(token("wrong")))).await.unwrap_err();
    let none = world.main(&world.remote_as(None)).await.unwrap_err();
    assert_eq!((wrong.class, none.class), (FailureClass::AuthRejected, FailureClass::AuthMissing));
    assert!(!wrong.to_string().contains("wrong\""));
    assert_eq!(world.server.request_count(), 2);
}

#[tokio::test]
async fn a_token_that_is_revoked_between_polls_is_rejected_with_one_request() {
    let world = World::with_commit();
    world.main(&world.remote()).await.unwrap();
    world.server.set_login(Login::Token("another".to_owned()));
    world.server.reset_counters();
    let failure = world.main(&world.remote()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::AuthRejected);
    assert_eq!(world.server.request_count(), 1);
}

#[tokio::test]
async fn pages_for_people_are_a_failed_sign_in_on_azure_and_no_git_elsewhere() {
    for code in [200, 203] {
        check(page(code), FailureClass::NotGit).await;
        check_azure(page(code), FailureClass::AuthRejected).await;
    }
    check(Fault::Redirect("/_signin?realm=x".to_owned()), FailureClass::NotGit).await;
    check_azure(Fault::Redirect("/_signin?realm=x".to_owned()), FailureClass::AuthRejected).await;
    let elsewhere = "https://spsprod.vssps.example.org/_signin?realm=x";
    check_azure(Fault::Redirect(elsewhere.to_owned()), FailureClass::AuthRejected).await;
}

#[tokio::test]
async fn statuses_have_their_classes() {
    check(Fault::status(403), FailureClass::Forbidden).await;
    check(Fault::status(404), FailureClass::RepositoryNotFound).await;
    check(Fault::status(400), FailureClass::Protocol).await;
    check(Fault::status(407), FailureClass::ProxyAuth).await;
    check(Fault::status(503), FailureClass::ServerError).await;
    check(text(200, &[], "hello"), FailureClass::NotGit).await;
}

#[tokio::test]
async fn codes_of_azure_refine_the_status_and_are_shown() {
    check_azure(text(404, &[], "VS800075: The project does not exist."), FailureClass::ProjectNotFound).await;
    check_azure(text(400, &[], "TF401041: The Git protocol sent is not as expected."), FailureClass::Protocol).await;
    let failure = failure_of(text(404, &[], "TF401019: gone\nsecond line"), Provider::AzureRepos).await;
    assert_eq!(failure.class, FailureClass::RepositoryNotFound);
    assert!(failure.message.contains("TF401019: gone") && !failure.message.contains("second"), "{failure}");
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let failure = failure_of(text(429, &[("retry-after", "42")], "slow down"), Provider::Git).await;
    assert_eq!((failure.class, failure.retry_after), (FailureClass::RateLimited, Some(42)));
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_refused_and_that_origin_sees_nothing() {
    let world = World::with_commit();
    let other = start(ServerOptions::new(world.folder.path().join("served")));
    world.server.set_fault("", Fault::Redirect(other.url("/stolen/info/refs")));
    let failure = world.main(&world.remote()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::RedirectRefused, "{failure}");
    assert!(failure.message.contains(&other.address().port().to_string()), "{failure}");
    assert_eq!((other.connections(), other.request_count()), (0, 0));
}

#[tokio::test]
async fn a_circle_of_redirects_ends() {
    check(Fault::Redirect("/round/and/round".to_owned()), FailureClass::Protocol).await;
}

#[tokio::test]
async fn silence_and_dripping_end_at_the_time_limit() {
    let start = Instant::now();
    check(Fault::SilentAfterAccept, FailureClass::Timeout).await;
    check(Fault::SilentAfterRequest, FailureClass::Timeout).await;
    check(Fault::Drip { bytes_per_second: 10 }, FailureClass::Timeout).await;
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_server_that_thinks_within_the_limit_is_healthy() {
    let world = World::impatient();
    world.server.set_fault("", Fault::DelayFirstByte(Duration::from_millis(200)));
    assert!(world.main(&world.remote()).await.is_ok());
}

#[tokio::test]
async fn broken_connections_are_told() {
    check(Fault::Reset, FailureClass::Connect).await;
    check(Fault::CutAfter(10), FailureClass::Protocol).await;
}

#[tokio::test]
async fn nobody_listening_is_a_failure_to_connect() {
    let world = World::impatient();
    let url = world.server.url(PATH);
    let remote = world.remote_at(&url, Provider::Git, None);
    world.server.stop();
    let resolved = remote.resolve(&[suitesync_contract::RefSpec::Default], &world.cancel).await;
    assert_eq!(resolved.unwrap_err().class, FailureClass::Connect);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_as_dns() {
    let world = World::empty();
    let remote = world.remote_at("https://no-such-host.invalid/a/b", Provider::Git, None);
    let failure = world.main(&remote).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Dns, "{failure}");
    assert!(failure.message.contains("no-such-host.invalid"), "{failure}");
}
