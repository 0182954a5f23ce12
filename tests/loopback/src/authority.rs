//! Certificate authorities in memory: good, expired and wrong-host certificates, intermediates, clients.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::CertificateDer;

use crate::error::LoopbackError;
use crate::identity::{ClientIdentity, ServerIdentity};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Long enough that no test or demo sees it end, short enough for clients that refuse long-lived certificates.
const VALIDITY: Duration = DAY.saturating_mul(365);

/// An authority of its own, unknown to every system until its PEM is added to the trusted ones.
#[derive(Clone)]
pub struct Authority {
    name: String,
    pem: String,
    certificate: CertificateDer<'static>,
    /// What a server has to send along with a certificate from here: nothing of a root.
    chain: Vec<CertificateDer<'static>>,
    issuer: Arc<Issuer<'static, KeyPair>>,
}

impl Authority {
    /// A new authority with a new key; `name` is the common name that clients show as the issuer.
    pub fn new(name: &str) -> Result<Self, LoopbackError> {
        Self::signed(name, Vec::new(), |params, key| params.self_signed(key))
    }

    /// A new authority below this one. Servers send its certificate along with those that it issues.
    pub fn intermediate(&self, name: &str) -> Result<Self, LoopbackError> {
        let mut made = Self::signed(name, self.chain.clone(), |params, key| params.signed_by(key, &self.issuer))?;
        made.chain.insert(0, made.certificate.clone());
        Ok(made)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The authority's certificate, for files of additional certificates.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// A certificate with its key, signed by this authority.
    pub fn issue(&self, options: &IssueOptions) -> Result<ServerIdentity, LoopbackError> {
        let subject = options.names.first().map_or("nobody", String::as_str);
        let (certificate, key) = self.leaf(subject, options, ExtendedKeyUsagePurpose::ServerAuth)?;
        let chain = [vec![certificate.der().clone()], self.chain.clone()].concat();
        Ok(ServerIdentity::new(chain, key.serialize_der()))
    }

    /// A client's certificate with its key; `name` is its common name.
    pub fn issue_client(&self, name: &str) -> Result<ClientIdentity, LoopbackError> {
        let options = IssueOptions::for_names(Vec::<String>::new());
        let (certificate, key) = self.leaf(name, &options, ExtendedKeyUsagePurpose::ClientAuth)?;
        Ok(ClientIdentity::new(certificate.pem(), key.serialize_pem()))
    }

    fn signed(
        name: &str,
        chain: Vec<CertificateDer<'static>>,
        sign: impl FnOnce(&CertificateParams, &KeyPair) -> Result<Certificate, rcgen::Error>,
    ) -> Result<Self, LoopbackError> {
        let failed = |source| LoopbackError::Certificate { subject: name.to_owned(), source };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = params_for(name, Vec::new(), &IssueOptions::default()).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = sign(&params, &key).map_err(failed)?;
        Ok(Self {
            name: name.to_owned(),
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            chain,
            issuer: Arc::new(Issuer::new(params, key)),
        })
    }

    fn leaf(
        &self,
        subject: &str,
        options: &IssueOptions,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<(Certificate, KeyPair), LoopbackError> {
        let failed = |source| LoopbackError::Certificate { subject: subject.to_owned(), source };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = params_for(subject, options.names.clone(), options).map_err(failed)?;
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok((certificate, key))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Authority").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a certificate is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueOptions {
    /// DNS names or IP addresses; the first one is the common name too.
    pub names: Vec<String>,
    pub not_before: SystemTime,
    pub not_after: SystemTime,
}

impl IssueOptions {
    /// In force now, for these names instead of the loopback ones.
    pub fn for_names<Name: Into<String>>(names: impl IntoIterator<Item = Name>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// For the loopback names, over since yesterday.
    pub fn expired() -> Self {
        let yesterday = SystemTime::now() - DAY;
        Self { not_before: yesterday - VALIDITY, not_after: yesterday, ..Self::default() }
    }
}

impl Default for IssueOptions {
    /// For `localhost` and `127.0.0.1`, in force since yesterday and for a year.
    fn default() -> Self {
        let now = SystemTime::now();
        Self {
            names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            not_before: now - DAY,
            not_after: now + VALIDITY,
        }
    }
}

fn params_for(subject: &str, names: Vec<String>, options: &IssueOptions) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, subject);
    params.not_before = options.not_before.into();
    params.not_after = options.not_after.into();
    Ok(params)
}
