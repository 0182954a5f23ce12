//! Over SSH: kinds and forms of keys, and both ways to know the server.

use suitesync_loopback::{SshAlgorithms, SshKey, SshKeyFormat, SshKeyKind, SshOptions, SshServer};

use super::{check_synced, site_with_shop};
use crate::support::connection::Connection;

/// How the key is kept, and who the server is known as.
struct Terms {
    kind: SshKeyKind,
    format: SshKeyFormat,
    passphrase: Option<&'static str>,
    algorithms: SshAlgorithms,
    knowledge: Knowledge,
}

#[derive(Clone, Copy)]
enum Knowledge {
    KnownHosts,
    Pins,
}

fn check(terms: &Terms) {
    let (site, commit) = site_with_shop();
    let key = SshKey::generate(terms.kind, terms.format, terms.passphrase).unwrap();
    let options = SshOptions::new(site.path("repositories")).authorize(&key).algorithms(terms.algorithms);
    let server = SshServer::start(options.host_keys([SshKeyKind::Rsa])).unwrap();
    let known = match terms.knowledge {
        Knowledge::KnownHosts => {
            format!("known_hosts = {:?}", site.secret_file("known_hosts", &server.known_hosts("127.0.0.1")))
        }
        Knowledge::Pins => {
            let next = format!("SHA256:{}", "A".repeat(43));
            format!("host_keys = {:?}", [next, server.host_key_fingerprints().remove(0).1])
        }
    };
    let passphrase = terms.passphrase.map_or(String::new(), |passphrase| {
        format!(", passphrase = {{ file = {:?} }}", site.secret_file("passphrase", passphrase))
    });
    let file = site.secret_file("key", key.private_text());
    let connection = Connection::new("way", &server.url("/shop.git")).key_in(&file, &(known + &passphrase));
    check_synced(&site, "", &connection, &commit);
}

#[test]
fn a_key_of_ed25519_with_known_hosts() {
    check(&Terms {
        kind: SshKeyKind::Ed25519,
        format: SshKeyFormat::OpenSsh,
        passphrase: None,
        algorithms: SshAlgorithms::Current,
        knowledge: Knowledge::KnownHosts,
    });
}

#[test]
fn a_key_of_ed25519_with_a_passphrase_and_pins() {
    check(&Terms {
        kind: SshKeyKind::Ed25519,
        format: SshKeyFormat::OpenSsh,
        passphrase: Some("open sesame"),
        algorithms: SshAlgorithms::Current,
        knowledge: Knowledge::Pins,
    });
}

#[test]
fn an_rsa_key_in_pem_with_a_passphrase_where_only_sha_2_is_spoken() {
    check(&Terms {
        kind: SshKeyKind::Rsa,
        format: SshKeyFormat::Pem,
        passphrase: Some("open sesame"),
        algorithms: SshAlgorithms::Azure,
        knowledge: Knowledge::KnownHosts,
    });
}

#[test]
fn an_rsa_key_in_openssh_s_form_with_pins() {
    check(&Terms {
        kind: SshKeyKind::Rsa,
        format: SshKeyFormat::OpenSsh,
        passphrase: None,
        algorithms: SshAlgorithms::Azure,
        knowledge: Knowledge::Pins,
    });
}
