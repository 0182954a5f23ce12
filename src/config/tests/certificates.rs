//! Certificates to trust, from a file or a folder.

use super::{CONNECTION, LINK, folder, load_from, write};
use crate::config::read_certificates;

/// A self-signed certificate of no one.
pub(super) const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBizCCATGgAwIBAgIUAntVZmPhOxiinenikKD7swaOxZcwCgYIKoZIzj0EAwIw\n\
GjEYMBYGA1UEAwwPRXhhbXBsZSBUZXN0IENBMCAXDTI2MTEyMTIzMTE1N1oYDzIx\n\
MjYxMDI4MjMxMTU3WjAaMRgwFgYDVQQDDA9FeGFtcGxlIFRlc3QgQ0EwWTATBgcq\n\
hkjOPQIBBggqhkjOPQMBBwNCAASq34C1ApfMfl2aprakNzXS8vRXkvdD6sSk4w+t\n\
JEhNF1IwbaVVgZzuSQxkkIiL+WjkqCZAyU/J9k6UVymMYqdqo1MwUTAdBgNVHQ4E\n\
FgQUlvmg4ovS9LRxZIO+buub5EBQMYowHwYDVR0jBBgwFoAUlvmg4ovS9LRxZIO+\n\
buub5EBQMYowDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiAl8XXH\n\
wT02BIhmx5CfjNltDxd5IcKfkIRzuQwjaPCb/QIhAMsMbmJP7s4gmoIASwCm6jI6\n\
uzwPjiw8pnNkamGGwwGN\n\
-----END CERTIFICATE-----\n\
";

/// Looks like a key; nothing of it may be taken over.
pub(super) const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

#[test]
fn certificates_are_taken_over_and_nothing_else() {
    let folder = folder(&[("ca.pem", &format!("# our CA\n{KEY}{CERTIFICATE}{CERTIFICATE}"))]);
    let pem = read_certificates(&folder.path().join("ca.pem")).unwrap();
    assert_eq!(pem, CERTIFICATE.repeat(2));
}

#[test]
fn a_folder_counts_by_the_endings_of_its_files() {
    let folder = folder(&[
        ("ca/a.crt", CERTIFICATE),
        ("ca/b.CER", CERTIFICATE),
        ("ca/notes.txt", "x"),
        ("ca/c.pem", CERTIFICATE),
    ]);
    assert_eq!(read_certificates(&folder.path().join("ca")).unwrap(), CERTIFICATE.repeat(3));
}

#[test]
fn paths_without_certificates_are_refused() {
    let broken = CERTIFICATE.replace("MII", "AAA");
    let folder = folder(&[("empty.pem", ""), ("key.pem", KEY), ("broken.pem", &broken), ("ca/notes.txt", "x")]);
    let check = |name: &str, expect: &str| {
        let message = read_certificates(&folder.path().join(name)).unwrap_err().to_string();
        assert!(message.starts_with(expect) || message.ends_with(expect), "{name}: {message}");
    };
    check("empty.pem", "holds no certificate in PEM");
    check("key.pem", "holds no certificate in PEM");
    check("ca", "holds no certificate in PEM");
    check("broken.pem", "cannot be used");
    check("missing.pem", "failed to read");
}

#[test]
fn a_bad_path_is_an_error_where_it_is_written() {
    let main = format!("{CONNECTION}additional_certs_path = \"none.pem\"\n{LINK}");
    let folder = folder(&[("suitesync.toml", &main)]);
    let found = load_from(folder.path()).diagnostics;
    assert_eq!((found.len(), found[0].line, found[0].column), (1, 8, 25));
    assert!(found[0].message.starts_with("failed to read "));
}

#[test]
fn a_path_in_the_environment_is_the_delegates_default() {
    let folder = folder(&[("suitesync.toml", ""), ("ca.pem", CERTIFICATE)]);
    let load = |name: &str| {
        let path = folder.path().join(name).display().to_string();
        let environment = crate::config::Environment::of([("HOME", "/home/me"), ("ADDITIONAL_CERTS_PATH", &path)]);
        crate::config::load(&crate::config::Location::new(folder.path().join("suitesync.toml")), &environment)
    };
    let delegates = load("ca.pem").config.unwrap().delegates;
    assert_eq!(delegates[0].additional_certs.as_ref().unwrap().pem, CERTIFICATE);
    assert!(load("none.pem").diagnostics[0].message.ends_with("which ADDITIONAL_CERTS_PATH names"));
}

#[test]
fn the_hash_follows_the_certificates() {
    let main = format!("{CONNECTION}additional_certs_path = \"ca.pem\"\n{LINK}");
    let folder = folder(&[("suitesync.toml", &main), ("ca.pem", CERTIFICATE)]);
    let before = load_from(folder.path());
    assert!(before.watched.contains(&folder.path().join("ca.pem")));
    write(folder.path(), "ca.pem", &CERTIFICATE.repeat(2));
    assert_ne!(load_from(folder.path()).content_hash, before.content_hash);
}
