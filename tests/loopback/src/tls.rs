//! TLS as the servers here offer it: which certificate, which versions, and whose clients.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::authority::Authority;
use crate::error::LoopbackError;
use crate::identity::ServerIdentity;

/// Which versions of TLS a server agrees to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersions {
    #[default]
    Both,
    Only12,
    Only13,
}

impl TlsVersions {
    fn supported(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Both => vec![&version::TLS12, &version::TLS13],
            Self::Only12 => vec![&version::TLS12],
            Self::Only13 => vec![&version::TLS13],
        }
    }
}

/// What a server asks of TLS beside its own certificate, which may change.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsTerms {
    pub(crate) versions: TlsVersions,
    /// Clients have to show a certificate that this authority has issued.
    pub(crate) client_authority: Option<Authority>,
}

impl TlsTerms {
    pub(crate) fn configuration(&self, identity: &ServerIdentity) -> Result<Arc<ServerConfig>, LoopbackError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions.supported())
            .map_err(|source| LoopbackError::Tls { source })?;
        let verifier = self.client_authority.as_ref().map(|authority| verifier(authority, provider)).transpose()?;
        let builder = match verifier {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier),
        };
        let mut config = builder
            .with_single_cert(identity.certificates(), identity.private_key())
            .map_err(|source| LoopbackError::Tls { source })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// The common name of a certificate's subject.
pub(crate) fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
    Some(name.to_owned())
}

fn verifier(
    authority: &Authority,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, LoopbackError> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate()).map_err(|source| LoopbackError::Tls { source })?;
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| LoopbackError::Tls { source: rustls::Error::General(error.to_string()) })
}
