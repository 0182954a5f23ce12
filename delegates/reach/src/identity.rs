//! Who we are to a server that asks for a certificate (mutual TLS).
//!
//! One limit: the HTTP client has a single set of TLS settings, so that a proxy reached over `https` that asks for a
//! certificate is shown this one too. Such proxies are rare, and a certificate is no secret.

use std::fmt;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::{self, PemObject};
use zeroize::Zeroizing;

use crate::fingerprint::Fingerprint;
use crate::trust::{TrustError, certificates};

/// How PEM marks a private key that is encrypted: PKCS#8 by the name of its section, the older forms by a header
/// (RFC 1421, section 4.6.1.1).
const ENCRYPTED: [&str; 2] = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"];

/// A certificate of our own with its private key.
#[derive(Clone)]
pub struct ClientIdentity {
    certified: Arc<CertifiedKey>,
}

/// What was shown to a server that may ask for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presented {
    /// None is set; whether the server asked is not known.
    Nothing,
    /// None is set, and the server did ask.
    NothingThoughAsked,
    /// Ours, if the server asked.
    Certificate,
}

/// Why a certificate and a key are no identity. Nothing of the key is ever in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    #[error(transparent)]
    Certificate(#[from] TrustError),
    #[error(
        "failed to find a private key in the PEM text; it must hold a `BEGIN PRIVATE KEY`, `BEGIN RSA PRIVATE KEY` \
         or `BEGIN EC PRIVATE KEY` section"
    )]
    NoKey,
    #[error("failed to use the private key: it is encrypted; keep it decrypted where only the service can read it")]
    EncryptedKey,
    #[error("failed to read the private key of the PEM text; it must be RSA, ECDSA or Ed25519")]
    UnreadableKey,
    #[error("failed to use the private key: it is not the one of the first certificate")]
    Mismatch,
}

impl ClientIdentity {
    /// `chain` is our certificate and then what it is built on, `key` its private key (PKCS#8, PKCS#1 or SEC1).
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, IdentityError> {
        let chain = certificates(chain)?;
        let key = Zeroizing::new(private_key(key)?);
        let signing = rustls::crypto::ring::sign::any_supported_type(&key).map_err(|_| IdentityError::UnreadableKey)?;
        let certified = CertifiedKey::new(chain, signing);
        match certified.keys_match() {
            Ok(()) => Ok(Self { certified: Arc::new(certified) }),
            Err(rustls::Error::InconsistentKeys(_)) => Err(IdentityError::Mismatch),
            Err(_) => Err(TrustError::Unreadable { position: 1 }.into()),
        }
    }

    /// Of the certificates alone: the key is the one that belongs to the first of them.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certified.cert)
    }

    pub(crate) fn resolver(&self) -> Arc<dyn ResolvesClientCert> {
        Arc::new(SingleCertAndKey::from(Arc::clone(&self.certified)))
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificates = self.certified.cert.len();
        f.debug_struct("ClientIdentity").field("certificates", &certificates).field("key", &"[secret]").finish()
    }
}

fn private_key(text: &str) -> Result<PrivateKeyDer<'static>, IdentityError> {
    if text.lines().any(|line| ENCRYPTED.contains(&line.trim())) {
        return Err(IdentityError::EncryptedKey);
    }
    let read = PrivateKeyDer::from_pem_slice(text.as_bytes());
    let is_absent = |error: &pem::Error| matches!(error, pem::Error::NoItemsFound);
    read.map_err(|error| if is_absent(&error) { IdentityError::NoKey } else { IdentityError::UnreadableKey })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};
    use suitesync_loopback::{SshKey, SshKeyFormat, SshKeyKind};

    use super::*;

    fn issued(key: &KeyPair) -> String {
        CertificateParams::new(["delegate.example.org".to_owned()]).unwrap().self_signed(key).unwrap().pem()
    }

    fn check_refused(chain: &str, key: &str, expect: IdentityError) {
        assert_eq!(ClientIdentity::from_pem(chain, key).unwrap_err(), expect);
    }

    #[test]
    fn keys_of_several_kinds_are_read() {
        for key in [KeyPair::generate().unwrap(), KeyPair::generate_for(&PKCS_ED25519).unwrap()] {
            assert!(ClientIdentity::from_pem(&issued(&key), &key.serialize_pem()).is_ok());
        }
    }

    #[test]
    fn the_key_of_another_certificate_is_refused_whatever_its_form() {
        let chain = issued(&KeyPair::generate().unwrap());
        check_refused(&chain, &KeyPair::generate().unwrap().serialize_pem(), IdentityError::Mismatch);
        for (kind, format, section) in [
            (SshKeyKind::Rsa, SshKeyFormat::Pem, "BEGIN RSA PRIVATE KEY"),
            (SshKeyKind::Ecdsa, SshKeyFormat::Pem, "BEGIN EC PRIVATE KEY"),
            (SshKeyKind::Rsa, SshKeyFormat::Pkcs8, "BEGIN PRIVATE KEY"),
        ] {
            let key = SshKey::generate(kind, format, None).unwrap();
            assert!(key.private_text().contains(section));
            check_refused(&chain, key.private_text(), IdentityError::Mismatch);
        }
    }

    #[test]
    fn an_encrypted_key_is_refused_as_such_in_both_forms() {
        let chain = issued(&KeyPair::generate().unwrap());
        let modern = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n\
                   -----END RSA PRIVATE KEY-----\n";
        check_refused(&chain, modern, IdentityError::EncryptedKey);
        check_refused(&chain, old, IdentityError::EncryptedKey);
    }

    #[test]
    fn what_is_missing_or_damaged_is_named() {
        let key = KeyPair::generate().unwrap();
        let damaged = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        check_refused(&issued(&key), "", IdentityError::NoKey);
        check_refused(&issued(&key), &issued(&key), IdentityError::NoKey);
        check_refused(&issued(&key), damaged, IdentityError::UnreadableKey);
        check_refused("", &key.serialize_pem(), TrustError::NoCertificate.into());
        let damaged = damaged.replace("PRIVATE KEY", "CERTIFICATE");
        check_refused(&damaged, &key.serialize_pem(), TrustError::Unreadable { position: 1 }.into());
    }

    #[test]
    fn the_key_is_not_shown() {
        let key = KeyPair::generate().unwrap();
        let identity = ClientIdentity::from_pem(&issued(&key), &key.serialize_pem()).unwrap();
        assert_eq!(format!("{identity:?}"), r#"ClientIdentity { certificates: 1, key: "[secret]" }"#);
    }
}
