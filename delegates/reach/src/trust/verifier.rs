//! Verifies a server's certificate as webpki does, and tells what webpki does not: which issuer is missing, and which
//! names a certificate is for, as they are written.
//!
//! A certificate that the operator added is trusted for itself too: a server's self-signed certificate marked as an
//! authority, which many tools make, is refused by webpki in that place but accepted by Git and curl.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::certificate;

/// The chain ends at an issuer that is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the issuer `{issuer}` is not trusted")]
pub(crate) struct UntrustedIssuer {
    pub issuer: String,
}

/// The certificate is for other names than the server's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the certificate was issued for other names")]
pub(crate) struct ForeignNames {
    pub names: Vec<String>,
}

/// The key is shorter than any that a signature is verified with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the certificate's key has {bits} bits only")]
pub(crate) struct ShortKey {
    pub bits: usize,
}

/// What `ring` wants of an RSA key, and the whole industry (NIST SP 800-57).
const MIN_RSA_BITS: usize = 2048;

#[derive(Debug)]
pub(super) struct Verifier {
    /// `None` where not a single root is known: then nothing is trusted but the added certificates themselves.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    additional: Arc<[CertificateDer<'static>]>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        additional: Arc<[CertificateDer<'static>]>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, rustls::Error> {
        let build = |roots| WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
        let webpki = if roots.is_empty() {
            None
        } else {
            Some(build(roots).map_err(|error| rustls::Error::Other(OtherError(Arc::new(error))))?)
        };
        Ok(Self { webpki, additional, provider })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.additional.iter().any(|added| added.as_ref() == end_entity.as_ref()) {
            return verify_added(end_entity, server_name, now).map_err(|error| told(error, end_entity, intermediates));
        }
        let verified = match &self.webpki {
            Some(webpki) => webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        verified.map_err(|error| told(error, end_entity, intermediates))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
            .map_err(|error| told_of_key(error, certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
            .map_err(|error| told_of_key(error, certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Name and validity of a certificate that the operator vouches for.
fn verify_added(
    end_entity: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
    let (not_before, not_after) = certificate::validity(end_entity).ok_or(CertificateError::BadEncoding)?;
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if seconds < not_before {
        return Err(CertificateError::NotValidYet.into());
    }
    if seconds > not_after {
        return Err(CertificateError::Expired.into());
    }
    Ok(ServerCertVerified::assertion())
}

/// The error with what the certificates themselves say about it, where they can be read.
fn told(error: rustls::Error, end_entity: &CertificateDer<'_>, above: &[CertificateDer<'_>]) -> rustls::Error {
    let rustls::Error::InvalidCertificate(cause) = &error else { return error };
    let other = if is_about_names(cause) {
        certificate::names(end_entity).map(|names| OtherError(Arc::new(ForeignNames { names })))
    } else if is_about_trust(cause, end_entity) {
        let issuer = certificate::missing_issuer(end_entity, above);
        issuer.map(|issuer| OtherError(Arc::new(UntrustedIssuer { issuer })))
    } else {
        None
    };
    other.map_or(error, |other| CertificateError::Other(other).into())
}

fn is_about_names(cause: &CertificateError) -> bool {
    matches!(cause, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
}

/// A server's own certificate, marked as an authority, is as good as any other once it was added.
fn is_about_trust(cause: &CertificateError, end_entity: &CertificateDer<'_>) -> bool {
    let is_authority = |fault: &webpki::Error| *fault == webpki::Error::CaUsedAsEndEntity;
    let CertificateError::Other(other) = cause else {
        return matches!(cause, CertificateError::UnknownIssuer | CertificateError::BadSignature);
    };
    other.0.downcast_ref().is_some_and(is_authority) && certificate::is_self_issued(end_entity)
}

/// A signature in the handshake that was not verified, with what the key itself says about it.
fn told_of_key(error: rustls::Error, certificate: &CertificateDer<'_>) -> rustls::Error {
    let is_signature = error == rustls::Error::InvalidCertificate(CertificateError::BadSignature);
    match certificate::rsa_bits(certificate).filter(|bits| is_signature && *bits < MIN_RSA_BITS) {
        Some(bits) => CertificateError::Other(OtherError(Arc::new(ShortKey { bits }))).into(),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    use super::*;

    /// What most tools make: a server's own certificate, marked as an authority.
    fn self_signed() -> CertificateDer<'static> {
        let mut params = CertificateParams::new(["git.example.org".to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Our Git Server");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn verify(added: &[CertificateDer<'static>], shown: &CertificateDer<'_>, name: &str) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        added.iter().for_each(|added| roots.add(added.clone()).unwrap());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier::new(Arc::new(roots), added.to_vec().into(), provider).unwrap();
        let name = ServerName::try_from(name).unwrap();
        verifier.verify_server_cert(shown, &[], &name, &[], UnixTime::now()).map(drop)
    }

    fn other<T: std::error::Error + 'static>(error: &rustls::Error) -> Option<&T> {
        let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = error else { return None };
        other.0.downcast_ref()
    }

    #[test]
    fn a_certificate_that_was_added_is_trusted_for_its_own_name_only() {
        let own = self_signed();
        assert_eq!(verify(std::slice::from_ref(&own), &own, "git.example.org"), Ok(()));
        let error = verify(std::slice::from_ref(&own), &own, "other.example.org").unwrap_err();
        let names = other::<ForeignNames>(&error).map(|foreign| foreign.names.as_slice());
        assert_eq!(names, Some(["git.example.org".to_owned()].as_slice()), "{error:?}");
    }

    #[test]
    fn a_self_signed_certificate_that_was_not_added_is_its_own_missing_issuer() {
        let own = self_signed();
        for added in [vec![], vec![self_signed()]] {
            let error = verify(&added, &own, "git.example.org").unwrap_err();
            let issuer = other::<UntrustedIssuer>(&error).map(|untrusted| untrusted.issuer.as_str());
            assert_eq!(issuer, Some("Our Git Server"), "{error:?}");
        }
    }
}
