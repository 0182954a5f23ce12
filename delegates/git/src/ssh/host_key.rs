//! Which keys a server may show: pinned ones, those of a `known_hosts` file, or those that a provider publishes.
//!
//! Nothing is learnt on first use and there is no switch to accept any key. Several pins are any of them, so that the
//! next key of a server can be pinned before it is changed.

use std::fmt;

use sha2::{Digest, Sha256};
use suitesync_contract::{HostKeys, Origin};

use super::fingerprint::{KeyKind, PublicKey};
use super::known_hosts::KnownKeys;

/// Azure DevOps Services, under the address of today and the one before, and the fingerprint that Microsoft publishes
/// for both (learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate).
const AZURE_HOSTS: [&str; 2] = ["ssh.dev.azure.com", "vs-ssh.visualstudio.com"];
const AZURE_FINGERPRINT: &str = "SHA256:ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6Og";

/// The families of keys, the best first. RSA keys sign with SHA-2 and never with SHA-1.
const KINDS: [KeyKind; 3] = [KeyKind::Ed25519, KeyKind::Ecdsa, KeyKind::Rsa];

/// What is accepted of one server.
#[derive(Debug, Clone)]
pub(crate) struct HostKeyPolicy {
    host: String,
    port: u16,
    keys: HostKeys,
}

/// What a policy comes to once its files are read.
#[derive(Debug, Clone)]
pub(super) struct Expectation {
    pins: Vec<String>,
    known: KnownKeys,
    published: Option<&'static str>,
}

/// Why a key is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vouched {
    Pinned,
    KnownHosts,
    Published,
}

/// Why a key is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// Nothing is known of the server.
    Unknown {
        shown: String,
    },
    /// Other keys are known.
    Mismatch {
        shown: String,
        expected: Vec<String>,
    },
    Revoked {
        shown: String,
    },
}

impl HostKeyPolicy {
    pub(crate) fn new(origin: &Origin, keys: HostKeys) -> Self {
        Self { host: origin.host.clone(), port: origin.port, keys }
    }

    /// Tells policies apart without holding on to their texts.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let known_hosts = self.keys.known_hosts.as_deref().unwrap_or_default();
        for text in std::iter::once(known_hosts).chain(self.keys.fingerprints.iter().map(String::as_str)) {
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        }
        digest.finalize().into()
    }

    pub(super) fn read(&self) -> Expectation {
        let text = self.keys.known_hosts.as_deref().unwrap_or_default();
        let known = KnownKeys::read(text, &self.host, self.port);
        let pins: Vec<_> = self.keys.fingerprints.iter().map(|pin| normal(pin)).collect();
        let is_azure = AZURE_HOSTS.contains(&self.host.as_str());
        let published = (is_azure && pins.is_empty() && known.trusted.is_empty()).then_some(AZURE_FINGERPRINT);
        Expectation { pins, known, published }
    }
}

impl Expectation {
    pub(super) fn judge(&self, shown: &PublicKey) -> Result<Vouched, Distrust> {
        let fingerprint = shown.fingerprint();
        if self.known.revoked.contains(shown) {
            return Err(Distrust::Revoked { shown: shown.to_string() });
        }
        if self.pins.contains(&fingerprint) {
            return Ok(Vouched::Pinned);
        }
        if self.known.trusted.contains(shown) {
            return Ok(Vouched::KnownHosts);
        }
        if self.published == Some(fingerprint.as_str()) {
            return Ok(Vouched::Published);
        }
        let expected = self.expected();
        let shown = shown.to_string();
        if expected.is_empty() { Err(Distrust::Unknown { shown }) } else { Err(Distrust::Mismatch { shown, expected }) }
    }

    /// The algorithms to agree on, one list for each try. A server shows the first of its keys that is asked for, so
    /// those come first that are known; what a pin is the hash of is not, and every family has to be tried.
    pub(super) fn algorithms(&self) -> Vec<String> {
        let mut kinds = KINDS.to_vec();
        kinds.sort_by_key(|kind| !self.known.trusted.iter().any(|key| key.kind() == *kind));
        if self.published.is_some() {
            kinds.sort_by_key(|kind| *kind != KeyKind::Rsa);
        }
        let all = kinds.iter().map(|kind| algorithms(*kind)).collect::<Vec<_>>().join(",");
        let others = kinds.iter().filter(|_| !self.pins.is_empty()).map(|kind| algorithms(*kind).to_owned());
        std::iter::once(all).chain(others).collect()
    }

    fn expected(&self) -> Vec<String> {
        let known = self.known.trusted.iter().map(PublicKey::to_string);
        let published = self.published.iter().map(|fingerprint| format!("RSA {fingerprint}"));
        self.pins.iter().cloned().chain(known).chain(published).collect()
    }
}

/// The signature algorithms of a family.
fn algorithms(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Ed25519 => "ssh-ed25519",
        KeyKind::Ecdsa => "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521",
        KeyKind::Rsa => "rsa-sha2-512,rsa-sha2-256",
        KeyKind::Other => "",
    }
}

/// A pin as OpenSSH shows it, however it was copied.
fn normal(pin: &str) -> String {
    pin.trim().trim_end_matches('=').to_owned()
}

impl fmt::Display for Vouched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pinned => "pinned",
            Self::KnownHosts => "in known_hosts",
            Self::Published => "published by Microsoft",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, body: &str) -> PublicKey {
        PublicKey::of_fields(&[name.as_bytes(), body.as_bytes()])
    }

    fn expectation(host: &str, known_hosts: Option<&str>, pins: &[String]) -> Expectation {
        let origin = Origin { scheme: suitesync_contract::Scheme::Ssh, host: host.to_owned(), port: 22 };
        let keys = HostKeys { known_hosts: known_hosts.map(str::to_owned), fingerprints: pins.to_vec() };
        HostKeyPolicy::new(&origin, keys).read()
    }

    #[test]
    fn any_of_several_pins_will_do() {
        let (old, new) = (key("ssh-rsa", "old"), key("ssh-ed25519", "new"));
        let both = expectation("h", None, &[old.fingerprint(), format!(" {}= ", new.fingerprint())]);
        assert_eq!((both.judge(&old), both.judge(&new)), (Ok(Vouched::Pinned), Ok(Vouched::Pinned)));
        let other = key("ssh-rsa", "other");
        let expected = vec![old.fingerprint(), new.fingerprint()];
        assert_eq!(both.judge(&other), Err(Distrust::Mismatch { shown: other.to_string(), expected }));
    }

    #[test]
    fn a_server_of_which_nothing_is_known_is_not_trusted() {
        let shown = key("ssh-rsa", "a");
        let nothing = expectation("h", None, &[]);
        assert_eq!(nothing.judge(&shown), Err(Distrust::Unknown { shown: shown.to_string() }));
    }

    #[test]
    fn the_published_key_counts_only_on_azures_own_hosts_and_where_nothing_is_set() {
        let published = |host: &str, pins: &[String]| expectation(host, None, pins).published;
        assert_eq!(published("ssh.dev.azure.com", &[]), Some(AZURE_FINGERPRINT));
        assert_eq!(published("vs-ssh.visualstudio.com", &[]), Some(AZURE_FINGERPRINT));
        assert_eq!(published("ssh.dev.azure.com.example.org", &[]), None);
        assert_eq!(published("ssh.dev.azure.com", &["SHA256:mine".to_owned()]), None);
    }

    #[test]
    fn families_that_are_known_are_asked_for_first_and_sha1_never() {
        let check = |expectation: &Expectation, expect: &[&str]| assert_eq!(expectation.algorithms(), expect);
        let (ed25519, ecdsa, rsa) =
            (algorithms(KeyKind::Ed25519), algorithms(KeyKind::Ecdsa), algorithms(KeyKind::Rsa));
        check(&expectation("h", None, &[]), &[&[ed25519, ecdsa, rsa].join(",")]);
        check(&expectation("ssh.dev.azure.com", None, &[]), &[&[rsa, ed25519, ecdsa].join(",")]);
        let pinned = expectation("h", None, &["SHA256:x".to_owned()]);
        check(&pinned, &[&[ed25519, ecdsa, rsa].join(","), ed25519, ecdsa, rsa]);
        assert!(!pinned.algorithms().concat().contains("ssh-rsa"));
    }
}
