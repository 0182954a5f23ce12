//! Which servers are trusted, and that nothing of ours is said to any other.

use std::io::Write;
use std::process::Command;

use suitesync_contract::{FailureClass, HostKeys};
use suitesync_loopback::{SshAlgorithms, SshKeyKind};
use suitesync_reach::TimeLimits;

use super::world::{PATH, SshWorld, as_key, key};

fn pinned(fingerprints: &[String]) -> HostKeys {
    HostKeys { known_hosts: None, fingerprints: fingerprints.to_vec() }
}

fn file(text: impl Into<String>) -> HostKeys {
    HostKeys { known_hosts: Some(text.into()), fingerprints: Vec::new() }
}

async fn check_trusted(world: &SshWorld, host_keys: HostKeys) {
    let polled = world.main(&world.remote_trusting(host_keys.clone())).await;
    assert!(polled.is_ok(), "{host_keys:?}: {polled:?}");
}

/// The server is not trusted, the message holds `said`, and nobody has tried to log in.
async fn check_refused(world: &SshWorld, host_keys: HostKeys, class: FailureClass, said: &[String]) {
    let failure = world.main(&world.remote_trusting(host_keys)).await.unwrap_err();
    assert_eq!(failure.class, class, "{failure}");
    for text in said {
        assert!(failure.message.contains(text) || failure.hint.contains(text), "{text}: {failure} ({})", failure.hint);
    }
    assert!(!world.server.log().contains("publickey for"), "{}", world.server.log());
}

/// The lines with their names hashed, as OpenSSH does it.
fn hashed(world: &SshWorld, lines: &str) -> String {
    let path = world.folder.path().join("known_hosts");
    std::fs::File::create(&path).unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(Command::new("ssh-keygen").arg("-H").arg("-f").arg(&path).output().unwrap().status.success());
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn servers_in_known_hosts_are_trusted_plain_hashed_and_among_others() {
    let world = SshWorld::new();
    let lines = world.server.known_hosts("127.0.0.1");
    check_trusted(&world, file(&lines)).await;
    check_trusted(&world, file(hashed(&world, &lines))).await;
    check_trusted(&world, file(format!("# a comment\nother.example.org {}\n{lines}", "ssh-rsa AAAA"))).await;
    let without_port = lines.replace(&format!("[127.0.0.1]:{}", world.server.address().port()), "127.0.0.1");
    check_trusted(&world, file(without_port)).await;
}

#[tokio::test]
async fn a_file_with_one_of_the_servers_keys_is_enough_whichever_it_is() {
    let world = SshWorld::new();
    for line in world.server.known_hosts("127.0.0.1").lines() {
        check_trusted(&world, file(line)).await;
    }
}

#[tokio::test]
async fn any_key_of_the_server_may_be_pinned_beside_the_next_one() {
    let world = SshWorld::new();
    let next = key(SshKeyKind::Ed25519);
    for (_, fingerprint) in world.server.host_key_fingerprints() {
        check_trusted(&world, pinned(&[next.fingerprint(), fingerprint])).await;
    }
    world.server.set_host_key(&next).unwrap();
    world.server.close_connections();
    check_trusted(&world, pinned(&[next.fingerprint()])).await;
}

#[tokio::test]
async fn an_unknown_server_is_refused_with_its_fingerprint_and_how_to_pin_it() {
    let world = SshWorld::with(|options| options.host_keys([SshKeyKind::Ed25519]), TimeLimits::default());
    let (_, shown) = world.server.host_key_fingerprints().remove(0);
    let said = [format!("it shows ED25519 {shown}"), format!("host_keys = [\"{shown}\"]")];
    check_refused(&world, HostKeys::default(), FailureClass::HostKeyUnknown, &said).await;
    let other = world.server.known_hosts("other.example.org");
    check_refused(&world, file(other), FailureClass::HostKeyUnknown, &said).await;
}

#[tokio::test]
async fn a_changed_key_is_refused_with_both_fingerprints() {
    let world = SshWorld::with(|options| options.host_keys([SshKeyKind::Ed25519]), TimeLimits::default());
    let (before, expected) = (world.known_hosts(), world.server.host_keys().remove(0).fingerprint());
    let now = key(SshKeyKind::Ed25519);
    world.server.set_host_key(&now).unwrap();
    let said = [format!("shows ED25519 {}", now.fingerprint()), format!("expected was ED25519 {expected}")];
    check_refused(&world, before, FailureClass::HostKeyMismatch, &said).await;
    let said = [now.fingerprint(), expected.clone()];
    check_refused(&world, pinned(&[expected]), FailureClass::HostKeyMismatch, &said).await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_even_where_it_is_pinned() {
    let world = SshWorld::with(|options| options.host_keys([SshKeyKind::Rsa]), TimeLimits::default());
    let line = world.server.known_hosts("127.0.0.1");
    let (_, fingerprint) = world.server.host_key_fingerprints().remove(0);
    let host_keys =
        HostKeys { known_hosts: Some(format!("{line}@revoked {line}")), fingerprints: vec![fingerprint.clone()] };
    check_refused(&world, host_keys, FailureClass::HostKeyMismatch, &["revoked".to_owned(), fingerprint]).await;
}

#[tokio::test]
async fn a_server_like_azures_is_reached_with_sha2_signatures() {
    let user = key(SshKeyKind::Rsa);
    let azure = |options: suitesync_loopback::SshOptions| {
        options.algorithms(SshAlgorithms::Azure).host_keys([SshKeyKind::Rsa]).authorize(&user)
    };
    let world = SshWorld::with(azure, TimeLimits::default());
    let remote = world.remote_at(&world.server.url(PATH), as_key(&user, None), world.known_hosts());
    assert!(world.main(&remote).await.is_ok());
}

#[tokio::test]
async fn a_server_with_retired_algorithms_alone_is_told_apart() {
    let retired = |options: suitesync_loopback::SshOptions| {
        options.algorithms(SshAlgorithms::RetiredOnly).host_keys([SshKeyKind::Rsa])
    };
    let world = SshWorld::with(retired, TimeLimits::default());
    check_refused(&world, world.known_hosts(), FailureClass::SshAlgorithms, &["no algorithm".to_owned()]).await;
}
