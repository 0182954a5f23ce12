//! Notes whether a server asked for our certificate in a handshake.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

#[derive(Debug)]
pub(super) struct Asked {
    answer: Arc<dyn ResolvesClientCert>,
    asked: AtomicBool,
}

impl Asked {
    /// Answers as `answer` does. Good for one handshake.
    pub(super) fn around(answer: Arc<dyn ResolvesClientCert>) -> Self {
        Self { answer, asked: AtomicBool::new(false) }
    }

    pub(super) fn was(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.answer.resolve(issuers, schemes)
    }

    fn has_certs(&self) -> bool {
        self.answer.has_certs()
    }
}
