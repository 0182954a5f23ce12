//! Certificates with their keys: what a server presents, and what a client shows of itself.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The length of a line in PEM (RFC 7468).
const PEM_LINE: usize = 64;

/// A certificate and its key, as a server presents them.
#[derive(Clone)]
pub struct ServerIdentity {
    /// The server's own certificate first, then those of the authorities up to the root, without it.
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl ServerIdentity {
    pub(crate) fn new(chain: Vec<CertificateDer<'static>>, key: Vec<u8>) -> Self {
        Self { chain, key }
    }

    /// The server's own certificate alone: what a server sends that nobody gave its intermediate to.
    #[must_use]
    pub fn without_chain(mut self) -> Self {
        self.chain.truncate(1);
        self
    }

    /// The certificates in the order in which they are sent.
    pub fn certificate_pem(&self) -> String {
        self.chain.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect()
    }

    pub fn key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.key)
    }

    pub(crate) fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()))
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ServerIdentity").finish_non_exhaustive()
    }
}

/// A client's certificate and its key.
#[derive(Clone)]
pub struct ClientIdentity {
    certificate_pem: String,
    key_pem: String,
}

impl ClientIdentity {
    pub(crate) fn new(certificate_pem: String, key_pem: String) -> Self {
        Self { certificate_pem, key_pem }
    }

    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ClientIdentity").finish_non_exhaustive()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for (index, letter) in STANDARD.encode(der).chars().enumerate() {
        if index > 0 && index % PEM_LINE == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text + &format!("\n-----END {label}-----\n")
}
