//! Which certificate authorities are trusted: the distribution's own and those that the operator adds.
//!
//! The roots come from the distribution's bundle and from nowhere else: no environment variable can widen them, and
//! there is no switch to skip verification. Revocation is not checked, as Git and curl do not either: a certificate
//! that was withdrawn before its end is accepted until its issuer is taken away.

mod verifier;

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::fingerprint::Fingerprint;
use verifier::Verifier;
pub(crate) use verifier::{ForeignNames, ShortKey, UntrustedIssuer};

/// The bundles of Debian, RHEL (two places), SUSE (two places) and Alpine; the first that exists is the system's.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// System roots plus additional certificates.
#[derive(Clone)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    additional: Arc<[CertificateDer<'static>]>,
    fingerprint: Fingerprint,
}

/// Why a PEM text cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    #[error("failed to find a certificate in the PEM text; it must hold at least one `BEGIN CERTIFICATE` section")]
    NoCertificate,
    #[error("failed to read certificate {position} of the PEM text; export it again as PEM")]
    Unreadable {
        /// Counted from 1.
        position: usize,
    },
}

impl Trust {
    /// The system's roots alone.
    pub fn system() -> Self {
        let none: [CertificateDer<'static>; 0] = [];
        Self { roots: system_roots(), fingerprint: Fingerprint::of(&none), additional: Arc::from(none) }
    }

    /// The system's roots and every certificate of the PEM texts, each of which must hold at least one.
    pub fn with_additional<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, TrustError> {
        let mut additional = Vec::new();
        for text in texts {
            additional.extend(certificates(text)?);
        }
        let mut roots = RootCertStore::clone(&system_roots());
        for (position, certificate) in (1..).zip(&additional) {
            roots.add(certificate.clone()).map_err(|_| TrustError::Unreadable { position })?;
        }
        additional.sort_unstable_by(|one, other| one.as_ref().cmp(other.as_ref()));
        additional.dedup();
        let fingerprint = Fingerprint::of(&additional);
        Ok(Self { roots: Arc::new(roots), additional: additional.into(), fingerprint })
    }

    /// Of what is trusted besides the system's roots.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The settings of TLS connections under this trust to servers that ask for no certificate of ours.
    pub fn client_config(&self) -> Result<ClientConfig, rustls::Error> {
        Ok(self.tls_config()?.with_no_client_auth())
    }

    /// The settings of every TLS connection made under this trust, but for who we are.
    pub(crate) fn tls_config(&self) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = self.verifier(&provider)?;
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Verifier, rustls::Error> {
        Verifier::new(Arc::clone(&self.roots), Arc::clone(&self.additional), Arc::clone(provider))
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let additional = self.additional.len();
        f.debug_struct("Trust").field("roots", &self.roots.len()).field("additional", &additional).finish()
    }
}

/// The certificates of a PEM text, at least one.
pub(crate) fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let found: Result<Vec<_>, _> = (1..)
        .zip(CertificateDer::pem_slice_iter(text.as_bytes()))
        .map(|(position, certificate)| certificate.map_err(|_| TrustError::Unreadable { position }))
        .collect();
    found.and_then(|found| if found.is_empty() { Err(TrustError::NoCertificate) } else { Ok(found) })
}

/// The distribution's roots, parsed once for the whole process. A host without a bundle has none, and every server
/// then has to be vouched for by an additional certificate.
fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let mut roots = RootCertStore::empty();
        if let Some(text) = BUNDLES.iter().find_map(|path| std::fs::read(path).ok()) {
            roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&text).filter_map(Result::ok));
        }
        Arc::new(roots)
    };
    Arc::clone(ROOTS.get_or_init(read))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: TrustError) {
        assert_eq!(Trust::with_additional([text]).unwrap_err(), expect);
    }

    #[test]
    fn a_text_without_a_certificate_is_an_error() {
        check("", TrustError::NoCertificate);
        check("not PEM at all", TrustError::NoCertificate);
        check("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", TrustError::NoCertificate);
    }

    #[test]
    fn a_damaged_certificate_is_an_error_that_says_which() {
        check("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", TrustError::Unreadable { position: 1 });
        check("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", TrustError::Unreadable { position: 1 });
    }

    #[test]
    fn the_same_content_has_the_same_fingerprint_in_any_order() {
        let first = suitesync_loopback::Authority::new("first").unwrap();
        let second = suitesync_loopback::Authority::new("second").unwrap();
        let fingerprint = |texts: [&str; 2]| Trust::with_additional(texts).unwrap().fingerprint();
        assert_eq!(fingerprint([first.pem(), second.pem()]), fingerprint([second.pem(), first.pem()]));
        assert_ne!(fingerprint([first.pem(), second.pem()]), Trust::system().fingerprint());
    }
}
