//! Keys of hosts and users, and what clients make of them.

use std::fs;

use suitesync_loopback::{SshAlgorithms, SshKey, SshKeyFormat, SshKeyKind, SshServer};

use crate::ssh::site::SshSite;
use crate::support::{REPOSITORY, stderr};

#[test]
fn keys_are_written_in_the_form_that_is_asked_for() {
    let check = |kind: SshKeyKind, format: SshKeyFormat, passphrase: Option<&str>, first_line: &str| {
        let key = SshKey::generate(kind, format, passphrase).unwrap();
        assert_eq!(key.private_text().lines().next(), Some(first_line));
        let words: Vec<&str> = key.public_line().split(' ').collect();
        assert_eq!((words.len(), words[2]), (3, "loopback"));
        assert!(!format!("{key:?}").contains("PRIVATE"));
    };

    check(SshKeyKind::Ed25519, SshKeyFormat::OpenSsh, None, "-----BEGIN OPENSSH PRIVATE KEY-----");
    check(SshKeyKind::Rsa, SshKeyFormat::OpenSsh, Some("open sesame"), "-----BEGIN OPENSSH PRIVATE KEY-----");
    check(SshKeyKind::Rsa, SshKeyFormat::Pem, None, "-----BEGIN RSA PRIVATE KEY-----");
    check(SshKeyKind::Ecdsa, SshKeyFormat::Pem, None, "-----BEGIN EC PRIVATE KEY-----");
    check(SshKeyKind::Rsa, SshKeyFormat::Pkcs8, None, "-----BEGIN PRIVATE KEY-----");
    check(SshKeyKind::Rsa, SshKeyFormat::Pkcs8, Some("open sesame"), "-----BEGIN ENCRYPTED PRIVATE KEY-----");
}

#[test]
fn keys_of_every_kind_log_in() {
    let check = |kind: SshKeyKind| {
        let site = SshSite::with_key(kind);
        let server = SshServer::start(site.options()).unwrap();
        assert!(site.list(&server, REPOSITORY).status.success(), "{}", server.log());
        assert!(server.log().contains(&site.key.fingerprint()), "{}", server.log());
    };

    check(SshKeyKind::Ed25519);
    check(SshKeyKind::Rsa);
    check(SshKeyKind::Ecdsa);
}

#[test]
fn a_changed_host_key_is_met_on_the_same_port() {
    let site = SshSite::new();
    let server = SshServer::start(site.options().host_keys([SshKeyKind::Ed25519])).unwrap();
    assert!(site.list(&server, REPOSITORY).status.success());
    let changed = SshKey::generate(SshKeyKind::Ed25519, SshKeyFormat::OpenSsh, None).unwrap();

    server.set_host_key(&changed).unwrap();

    let refused = stderr(&site.list(&server, REPOSITORY));
    assert!(refused.contains("REMOTE HOST IDENTIFICATION HAS CHANGED"), "{refused}");
    assert!(refused.contains(&changed.fingerprint()), "{refused}");
    assert_eq!(server.host_key_fingerprints(), [(SshKeyKind::Ed25519, changed.fingerprint())]);
}

#[test]
fn a_host_that_is_not_known_is_refused() {
    let site = SshSite::new();
    let server = SshServer::start(site.options()).unwrap();
    fs::write(site.site.folder.path().join("known_hosts"), "").unwrap();

    let refused = stderr(&site.list(&server, REPOSITORY));

    assert!(refused.contains("Host key verification failed"), "{refused}");
}

#[test]
fn a_server_of_retired_algorithms_has_nothing_in_common_with_a_client_of_today() {
    let site = SshSite::with_key(SshKeyKind::Rsa);
    let options = site.options().host_keys([SshKeyKind::Rsa]).algorithms(SshAlgorithms::RetiredOnly);
    let server = SshServer::start(options).unwrap();
    assert!(stderr(&site.list(&server, REPOSITORY)).contains("no matching"));

    let retired = ["-oKexAlgorithms=+diffie-hellman-group14-sha1", "-oHostKeyAlgorithms=+ssh-rsa"];
    let answered = site.ssh(&server, &[retired[0], retired[1], "-oPubkeyAcceptedAlgorithms=ssh-rsa"], &[]);

    assert!(stderr(&answered).contains("Shell access is not supported"), "{}{}", stderr(&answered), server.log());
}
