//! Connections over SSH: the URL decides, the key is a reference, and the server's key is known beforehand.

use suitesync_contract::{Credentials, Provider, SecretRef, UrlType};

use super::{check_errors, config, folder, load_from, problems, write};
use crate::config::{ConnectionType, HostKeysConfig};

const FINGERPRINT: &str = "SHA256:uNiVztksCsDhcc0u9e8BrgJXnYuVNiHRcuKyfSbjLDs";
const KEY: &str = "private_key = { env = \"PAT\" }";

/// A connection with this URL and these lines.
fn at(url: &str, lines: &str) -> String {
    format!("[[connection]]\nname = \"c\"\nurl = \"{url}\"\n{lines}\n")
}

/// A connection over SSH with these credentials.
fn with(credentials: &str) -> String {
    at("git@git.example.org:qa/shop.git", &format!("[connection.credentials]\n{credentials}"))
}

/// The same with a key of its own and these lines.
fn with_key(lines: &str) -> String {
    with(&format!("{KEY}\n{lines}"))
}

#[test]
fn every_form_of_an_ssh_url_is_a_connection_over_ssh() {
    let check = |url: &str, lines: &str, provider, url_type| {
        let config = config(&at(url, &format!("{lines}\n[connection.credentials]\n{KEY}")));
        let connection = &config.connections["c"];
        assert_eq!((connection.connection_type, connection.provider), (ConnectionType::Ssh, provider), "{url}");
        assert_eq!(connection.url_type, url_type, "{url}");
    };
    check("git@git.example.org:qa/shop.git", "", Provider::Git, UrlType::Repository);
    check(
        "ssh://git@git.example.org:2222/qa/shop.git",
        "connection_type = \"ssh\"",
        Provider::Git,
        UrlType::Repository,
    );
    let (azure, repository) = (Provider::AzureRepos, "test_repository = \"checkout\"");
    check("git@ssh.dev.azure.com:v3/contoso/payments/checkout", "", azure, UrlType::Repository);
    check("ssh://git@ssh.dev.azure.com:22/v3/contoso/payments", repository, azure, UrlType::Project);
    check("git@ssh.dev.azure.com:v3/contoso", "test_repository = \"p/checkout\"", azure, UrlType::Organization);
    check("ssh://contoso@vs-ssh.visualstudio.com/payments/_ssh/checkout", "", azure, UrlType::Repository);
}

#[test]
fn a_connection_type_that_is_not_the_urls_is_refused_with_what_to_write() {
    let azure =
        at("https://dev.azure.com/contoso/payments", "connection_type = \"ssh\"\ntest_repository = \"checkout\"");
    check_errors(&azure, &["`connection_type` is `ssh`, but the URL is of https"]);
    let over_ssh =
        at("git@git.example.org:qa/shop.git", &format!("connection_type = \"http\"\n[connection.credentials]\n{KEY}"));
    check_errors(&over_ssh, &["`connection_type` is `http`, but the URL is of ssh"]);
}

#[test]
fn key_and_passphrase_are_references() {
    let config = config(&with_key("passphrase = { env = \"PHRASE\" }"));
    let expect = Credentials::PrivateKey {
        private_key: SecretRef::Env("PAT".to_owned()),
        passphrase: Some(SecretRef::Env("PHRASE".to_owned())),
    };
    assert_eq!(config.connections["c"].credentials, Some(expect));
    assert_eq!(config.connections["c"].probed_repository.user(), Some("git"));
}

#[test]
fn a_connection_over_ssh_needs_a_key() {
    check_errors(&at("git@git.example.org:qa/shop.git", ""), &["a connection over ssh lacks [connection.credentials]"]);
    check_errors(&with(""), &["[connection.credentials] lacks `private_key`"]);
    check_errors(&with("passphrase = { env = \"PAT\" }"), &["[connection.credentials] lacks `private_key`"]);
    check_errors(
        &with("private_key = \"\"\"-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\"\"\""),
        &["`private_key` holds a value where the source of a secret is wanted"],
    );
}

#[test]
fn keys_of_the_other_way_to_connect_are_refused_with_where_they_belong() {
    let mixed =
        with(&format!("{KEY}\nhost_keys = [\"{FINGERPRINT}\"]\nusername = \"me\"\npassword = {{ env = \"PAT\" }}"));
    let over_ssh = |key: &str| format!("`{key}` is for connections over http, and this one is over ssh");
    check_errors(&mixed, &[&over_ssh("username"), &over_ssh("password")]);
    let https = at("https://git.example.org/t.git", &format!("[connection.credentials]\n{KEY}"));
    check_errors(&https, &["`private_key` is for connections over ssh, and this one is over http"]);
}

#[test]
fn fingerprints_are_checked_and_kept_without_padding() {
    let pinned = config(&with_key(&format!("host_keys = [\"{FINGERPRINT}\", \"{FINGERPRINT}=\"]")));
    let expect = HostKeysConfig::Pinned(vec![FINGERPRINT.to_owned(); 2]);
    assert_eq!(pinned.connections["c"].host_keys, expect);
    let check = |list: &str, message: &str| check_errors(&with_key(&format!("host_keys = {list}")), &[message]);
    check("[]", "`host_keys` is empty");
    check("[\"SHA256:short\"]", "a fingerprint in `host_keys` is not the SHA-256 of a key");
    check("[\"97:70:33:82\"]", "a fingerprint in `host_keys` does not begin with `SHA256:`");
    check("[\"MD5:97:70:33:82\"]", "a fingerprint in `host_keys` is of MD5, which can be forged");
    let both = problems(&with_key(&format!("host_keys = [\"{FINGERPRINT}\"]\nknown_hosts = \"/etc/hosts\"")));
    assert!(both.contains("`known_hosts` and `host_keys` exclude each other"), "{both}");
}

#[test]
fn known_hosts_are_read_with_the_configuration_and_watched() {
    let folder = folder(&[("suitesync.toml", &with_key("known_hosts = \"known\"")), ("known", "# none\n\n")]);
    assert!(load_from(folder.path()).diagnostics.iter().any(|d| d.message.ends_with("holds no host key")));
    let content = "git.example.org ssh-ed25519 AAAA\n";
    write(folder.path(), "known", content);
    let loaded = load_from(folder.path());
    let path = folder.path().join("known");
    assert!(loaded.watched.contains(&path));
    let expect = HostKeysConfig::KnownHosts { path, content: content.to_owned() };
    assert_eq!(loaded.config.unwrap().connections["c"].host_keys, expect);
    write(folder.path(), "known", &content.repeat(2));
    assert_ne!(load_from(folder.path()).content_hash, loaded.content_hash);
}

#[test]
fn keys_of_authorities_in_known_hosts_are_a_warning() {
    let check = |content: &str, expect: usize| {
        let folder = folder(&[("suitesync.toml", &with_key("known_hosts = \"known\"")), ("known", content)]);
        let loaded = load_from(folder.path());
        let warned =
            loaded.diagnostics.iter().filter(|d| !d.is_error() && d.message.contains("`@cert-authority` lines"));
        assert_eq!(warned.map(|d| (d.line, d.column)).collect::<Vec<_>>(), vec![(6, 15); expect], "{content:?}");
    };
    check("git.example.org ssh-ed25519 AAAA\n@cert-authority *.example.org ssh-ed25519 AAAA\n", 1);
    check("git.example.org ssh-ed25519 AAAA\n# @cert-authority\n", 0);
}

#[test]
fn known_hosts_that_cannot_be_read_are_an_error_where_they_are_written() {
    let check = |name: &str, prepare: &dyn Fn(&std::path::Path), expect: &str| {
        let folder = folder(&[("suitesync.toml", &with_key("known_hosts = \"known\""))]);
        prepare(&folder.path().join(name));
        let found = load_from(folder.path()).diagnostics;
        let fault = found.iter().find(|d| d.is_error()).unwrap();
        assert_eq!((fault.line, fault.column), (6, 15), "{fault:?}");
        assert!(format!("{} {}", fault.message, fault.help.as_deref().unwrap()).contains(expect), "{fault:?}");
    };
    check("other", &|_| (), "No such file");
    check("known", &|path| std::fs::create_dir(path).unwrap(), "it is not a file");
    check("known", &|path| std::fs::write(path, vec![b'x'; 1024 * 1024 + 1]).unwrap(), "is larger than 1 MiB");
    check("known", &|path| std::fs::write(path, b"\xff\xfe").unwrap(), "UTF-8");
}

#[test]
fn a_host_of_which_no_key_is_known_is_a_warning() {
    let warned = |text: &str| problems(text).contains("warning 3:7 no key of `git.example.org` is known");
    assert!(warned(&with_key("")));
    assert!(!warned(&with_key(&format!("host_keys = [\"{FINGERPRINT}\"]"))));
    let azure = at("git@ssh.dev.azure.com:v3/contoso/payments/checkout", &format!("[connection.credentials]\n{KEY}"));
    assert!(!problems(&azure).contains("no key of"));
}

#[test]
fn a_web_url_below_an_ssh_connection_is_the_same_repository() {
    let link = "[[link]]\nname = \"l\"\nconnection = \"c\"\nurl = \"https://dev.azure.com/contoso/payments/_git/checkout?path=%2Ftests&version=GBmain\"\n";
    let connection = at(
        "git@ssh.dev.azure.com:v3/contoso/payments",
        &format!("test_repository = \"checkout\"\n[connection.credentials]\n{KEY}"),
    );
    let config = config(&format!("{connection}{link}"));
    let (link, connection) = (&config.links["l"], &config.connections["c"]);
    assert_eq!(link.repository.identity(), connection.probed_repository.identity());
    assert_eq!(link.repository.to_string(), "ssh://ssh.dev.azure.com/v3/contoso/payments/checkout");
    assert_eq!((link.directory.as_str(), link.reference.to_string().as_str()), ("tests", "branch `main`"));
}
