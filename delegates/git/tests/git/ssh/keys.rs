//! Keys of every kind and format, and what is said of those that are no use.

use suitesync_contract::{FailureClass, Provider, RepoUrl};
use suitesync_git::{Authorization, PlainHttp, RemoteSettings};
use suitesync_loopback::{SshKey, SshKeyFormat, SshKeyKind};
use suitesync_reach::{Route, Trust};

use super::world::{PATH, SshWorld, as_key, key};
use crate::support::{delegate, token};

const PASSPHRASE: &str = "correct horse";

async fn check_lets_in(world: &SshWorld, kind: SshKeyKind, format: SshKeyFormat, passphrase: Option<&str>) {
    let key = SshKey::generate(kind, format, passphrase).unwrap();
    world.server.authorize(&key).unwrap();
    let polled = world.main(&world.remote_as(as_key(&key, passphrase))).await;
    assert!(polled.is_ok(), "{kind:?} {format:?} {passphrase:?}: {polled:?}");
}

#[tokio::test]
async fn keys_of_every_kind_and_format_let_us_in_with_and_without_passphrase() {
    let world = SshWorld::new();
    for kind in [SshKeyKind::Ed25519, SshKeyKind::Rsa, SshKeyKind::Ecdsa] {
        for format in [SshKeyFormat::OpenSsh, SshKeyFormat::Pem, SshKeyFormat::Pkcs8] {
            check_lets_in(&world, kind, format, None).await;
            check_lets_in(&world, kind, format, Some(PASSPHRASE)).await;
        }
    }
    assert!(!world.server.log().contains("signature algorithm ssh-rsa "));
}

#[tokio::test]
async fn a_rejected_key_is_named_with_the_login_and_only_it_was_offered() {
    let world = SshWorld::new();
    let stranger = key(SshKeyKind::Rsa);
    let failure = world.main(&world.remote_as(as_key(&stranger, None))).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::AuthRejected);
    let said = format!("the key RSA {} was rejected for login {}", stranger.fingerprint(), world.server.user());
    assert!(failure.message.contains(&said), "{failure}");
    assert!(failure.hint.contains("use an Ed25519 or ECDSA key"), "{}", failure.hint);
    assert_eq!(world.server.log().matches("Failed publickey").count(), 1, "{}", world.server.log());
}

/// The key is of no use: that is said plainly and without the secret, and before it is offered.
async fn check_unusable(world: &SshWorld, private_key: &str, passphrase: Option<&str>, said: &str) {
    let (private_key, passphrase) = (private_key.to_owned(), passphrase.map(str::to_owned));
    let remote = world.remote_as(Authorization::PrivateKey { private_key, passphrase });
    let failure = world.main(&remote).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::SecretUnavailable, "{failure}");
    assert!(failure.message.contains(said), "{failure}");
    assert!(!failure.message.contains("hunter2"), "{failure}");
    assert!(!world.server.log().contains("publickey for"), "nothing is offered: {said}");
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_told_before_anything_is_offered() {
    let world = SshWorld::new();
    let locked = |kind, format| SshKey::generate(kind, format, Some(PASSPHRASE)).unwrap();
    let openssh = locked(SshKeyKind::Ed25519, SshKeyFormat::OpenSsh);
    let pem = locked(SshKeyKind::Rsa, SshKeyFormat::Pem);
    for key in [&openssh, &pem] {
        check_unusable(&world, key.private_text(), None, "no passphrase is set").await;
        check_unusable(&world, key.private_text(), Some("wrong"), "cannot be opened with the passphrase").await;
    }
    check_unusable(&world, pem.public_line(), None, "holds a public key, not a private one").await;
    check_unusable(&world, "hunter2", None, "holds no private key").await;
    let mut damaged = key(SshKeyKind::Ed25519).private_text().to_owned();
    damaged.replace_range(200..220, "AAAAAAAAAAAAAAAAAAAA");
    check_unusable(&world, &damaged, None, "is damaged").await;
}

#[test]
fn credentials_that_do_not_fit_the_transport_are_refused() {
    let world = SshWorld::new();
    let check = |url: &str, authorization, expect: &str| {
        let url = RepoUrl::parse(url, Provider::Git).unwrap().repository;
        let (plain_http, host_keys) = (PlainHttp::Refused, world.known_hosts());
        let settings = RemoteSettings { url, authorization, plain_http, host_keys, delegate: delegate() };
        let client = world.clients.client(&Route::new(Trust::system())).unwrap();
        let failure = world.remotes.remote(client, settings).unwrap_err();
        assert_eq!(failure.class, FailureClass::AuthMissing);
        assert!(failure.message.contains(expect), "{failure}");
    };
    let ssh = world.server.url(PATH);
    check(&ssh, None, "ssh needs a private key");
    check(&ssh, Some(token("pat")), "ssh needs a private key");
    check("https://git.example.org/a/b", Some(as_key(&world.key, None)), "a private key is used over ssh only");
}
