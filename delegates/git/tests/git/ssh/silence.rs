//! Listeners that are silent, half silent or no SSH servers: each costs its own link, and a time limit.

use std::time::{Duration, Instant};

use suitesync_contract::{FailureClass, HostKeys};
use suitesync_loopback::{RawAnswer, RawServer, SshFault};
use suitesync_reach::TimeLimits;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::world::{PATH, SshWorld, as_key};
use crate::support::SHORT;

const SOON: Duration = Duration::from_secs(4);

async fn check(answer: RawAnswer, class: FailureClass) {
    let world = SshWorld::with(|options| options, SHORT);
    let name = format!("{answer:?}");
    let raw = std::thread::spawn(|| RawServer::start(answer)).join().unwrap().unwrap();
    let url = format!("ssh://git@127.0.0.1:{}{PATH}", raw.address().port());
    let remote = world.remote_at(&url, as_key(&world.key, None), world.known_hosts());
    let started = Instant::now();
    let failure = world.main(&remote).await.unwrap_err();
    assert_eq!(failure.class, class, "{name}: {failure}");
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_listener_that_says_nothing_is_left() {
    check(RawAnswer::Silence, FailureClass::Timeout).await;
}

#[tokio::test]
async fn a_server_that_only_introduces_itself_is_left() {
    check(RawAnswer::ssh_banner(), FailureClass::Timeout).await;
}

#[tokio::test]
async fn what_does_not_speak_ssh_is_told_with_a_hint_at_the_port() {
    check(RawAnswer::garbage(), FailureClass::Protocol).await;
    check(RawAnswer::http(), FailureClass::Protocol).await;
    check(RawAnswer::tls_version_refused(), FailureClass::Protocol).await;
    check(RawAnswer::Greeting(b"220 mail.example.org ESMTP\r\n".to_vec()), FailureClass::Protocol).await;
}

#[tokio::test]
async fn a_connection_that_is_closed_or_reset_at_once_is_a_failed_connection() {
    check(RawAnswer::Close, FailureClass::Connect).await;
    check(RawAnswer::Reset, FailureClass::Connect).await;
}

#[tokio::test]
async fn a_silent_command_costs_its_own_link_only() {
    let world = SshWorld::with(|options| options, SHORT);
    world.main(&world.remote()).await.unwrap();
    world.server.set_fault(&SshFault::Silent).unwrap();
    let failure = world.main(&world.remote()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Timeout, "{failure}");
    world.server.clear_fault();
    assert!(world.main(&world.remote()).await.is_ok());
}

/// Passes connections on; the first one only until `stalled` is set, and then nothing goes through and nothing ends.
async fn relay(to: std::net::SocketAddr, stalled: CancellationToken) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut stalled = Some(stalled);
        while let Ok((mut near, _)) = listener.accept().await {
            let stalled = stalled.take().unwrap_or_default();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    () = stalled.cancelled() => std::future::pending().await,
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn a_kept_session_on_a_dead_line_is_made_anew() {
    let world = SshWorld::with(|options| options, TimeLimits { connect: Duration::from_secs(1), ..SHORT });
    let stalled = CancellationToken::new();
    let port = relay(world.server.address(), stalled.clone()).await;
    let fingerprints = world.server.host_key_fingerprints().into_iter().map(|(_, fingerprint)| fingerprint).collect();
    let url = format!("ssh://{}@127.0.0.1:{port}{PATH}", world.server.user());
    let host_keys = HostKeys { known_hosts: None, fingerprints };
    let remote = world.remote_at(&url, as_key(&world.key, None), host_keys);
    assert!(world.main(&remote).await.is_ok());
    stalled.cancel();
    assert!(world.main(&remote).await.is_ok());
    assert_eq!(world.server.connections(), 2);
}
