//! What a handshake shows of a server, and how its faults are told.

use std::time::{Duration, SystemTime};

use suitesync_contract::FailureClass;
use suitesync_loopback::{IssueOptions, RawAnswer, ServerOptions, TlsVersions};

use crate::support::{World, parsed, raw, start};

#[tokio::test]
async fn names_of_a_certificate_are_shown_as_they_are_written() {
    let world = World::new();
    let names = IssueOptions::for_names(["git.example.org", "*.corp.example", "10.1.2.3"]);
    let identity = world.authority.issue(&names).unwrap();
    let server = start(ServerOptions::new("/nowhere").identity(identity));
    let failure = world.ask(&world.direct(), &parsed(&server.url("/a/b"))).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::TlsHostname, "{failure}");
    let shown = "its certificate was issued for other names: git.example.org, *.corp.example, 10.1.2.3";
    assert!(failure.message.ends_with(shown), "{failure}");
}

#[tokio::test]
async fn a_server_with_old_versions_only_is_told_what_is_needed() {
    let world = World::new();
    let server = raw(RawAnswer::tls_version_refused());
    let url = parsed(&format!("https://{}/a/b", server.address()));
    for failure in [
        world.ask(&world.direct(), &url).await.unwrap_err(),
        world.handshake(&world.direct(), &url).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(failure.class, FailureClass::TlsOther, "{failure}");
        assert!(failure.hint.contains("TLS 1.2 or 1.3"), "{}", failure.hint);
    }
}

#[tokio::test]
async fn both_versions_are_spoken_and_shown() {
    for (versions, expect) in [(TlsVersions::Only12, "TLS 1.2, "), (TlsVersions::Only13, "TLS 1.3, ")] {
        let world = World::with(|options| options.tls_versions(versions));
        let url = parsed(&world.server.url("/a/b"));
        let secured = world.handshake(&world.direct(), &url).await.unwrap();
        assert!(secured.detail.starts_with(expect) && secured.detail.ends_with(" days left"), "{}", secured.detail);
    }
}

#[tokio::test]
async fn days_left_are_those_of_the_certificate_that_ends_first() {
    let not_after = SystemTime::now() + Duration::from_secs(10 * 86_400 + 3600);
    let options = IssueOptions { not_after, ..IssueOptions::default() };
    let world = World::new();
    let intermediate = world.authority.intermediate("Intermediate CA").unwrap();
    let identity = intermediate.issue(&options).unwrap();
    let server = start(ServerOptions::new("/nowhere").identity(identity));
    let secured = world.handshake(&world.direct(), &parsed(&server.url("/a/b"))).await.unwrap();
    assert_eq!(secured.days_left, Some(10), "{}", secured.detail);
}
