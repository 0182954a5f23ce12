//! `[connection.tls]`: a certificate of our own with its key.

use suitesync_contract::SecretRef;

use super::certificates::{CERTIFICATE, KEY};
use super::{CONNECTION, LINK, folder, load_from, write};
use crate::config::Loaded;

/// A configuration with these lines about TLS, beside a certificate and a key.
fn load(lines: &str) -> (tempfile::TempDir, Loaded) {
    let main = format!("{CONNECTION}[connection.tls]\n{lines}\n{LINK}");
    let folder = folder(&[("suitesync.toml", &main), ("own.pem", &format!("{CERTIFICATE}{KEY}")), ("own.key", KEY)]);
    let loaded = load_from(folder.path());
    (folder, loaded)
}

fn check_error(lines: &str, expect: &str) {
    let (_folder, loaded) = load(lines);
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.message.as_str()).collect();
    assert!(matches!(errors[..], [error] if error.ends_with(expect)), "{errors:?}");
}

#[test]
fn the_certificate_is_read_and_the_key_is_a_reference() {
    let (folder, loaded) = load("client_certificate = \"own.pem\"\nclient_key = \"own.key\"");
    let config = loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let own = config.connections["contoso"].client_certificate.as_ref().unwrap();
    assert_eq!(own.chain.pem, CERTIFICATE, "nothing of the key is taken over");
    assert_eq!(own.key, SecretRef::File(folder.path().join("own.key").display().to_string()));
    let (_folder, loaded) = load("client_certificate = \"own.pem\"\nclient_key = { env = \"PAT\" }");
    let own = loaded.config.unwrap().connections["contoso"].client_certificate.clone().unwrap();
    assert_eq!(own.key, SecretRef::Env("PAT".to_owned()));
}

#[test]
fn one_without_the_other_is_refused() {
    check_error("client_certificate = \"own.pem\"", "[connection.tls] has `client_certificate` but lacks `client_key`");
    check_error("client_key = \"own.key\"", "[connection.tls] has `client_key` but lacks `client_certificate`");
}

#[test]
fn what_is_no_certificate_or_no_path_is_refused() {
    let key = "client_key = { env = \"PAT\" }";
    check_error(&format!("client_certificate = \"none.pem\"\n{key}"), "none.pem");
    check_error(&format!("client_certificate = \"own.key\"\n{key}"), "holds no certificate in PEM");
    let literal = "client_certificate = \"own.pem\"\nclient_key = \"\"\"-----BEGIN PRIVATE KEY-----\nhunter2\"\"\"";
    check_error(literal, "`client_key` holds a value where the source of a secret is wanted");
    let (_folder, loaded) = load(literal);
    let shown: String = loaded.diagnostics.iter().map(|d| format!("{d:?}\n{}\n", d.render())).collect();
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_new_certificate_changes_the_hash() {
    let (folder, before) = load("client_certificate = \"own.pem\"\nclient_key = \"own.key\"");
    assert!(before.watched.contains(&folder.path().join("own.pem")));
    write(folder.path(), "own.pem", &CERTIFICATE.repeat(2));
    assert_ne!(load_from(folder.path()).content_hash, before.content_hash);
}

#[test]
fn a_connection_over_ssh_has_none() {
    let text = "[[connection]]\nname = \"c\"\nurl = \"git@git.example.org:t.git\"\n\
                credentials = { private_key = { env = \"PAT\" } }\ntls = { client_key = { env = \"PAT\" } }\n";
    let found = super::problems(text);
    assert!(found.contains("error 5:7 [connection.tls] is for connections over http"), "{found}");
}
