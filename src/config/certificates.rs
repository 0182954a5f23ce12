//! Reads certificates from a PEM file, those to trust from a folder of them, too.
//!
//! Only certificates are taken over: a private key that shares the file goes nowhere.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Endings of the files that count in a folder.
const ENDINGS: [&str; 3] = ["pem", "crt", "cer"];

/// Largest file that is read: many times the bundle of all public authorities.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// Characters a line of PEM, by RFC 7468.
const PEM_LINE: usize = 64;

/// Why there are no certificates to be had from a path.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    #[error("failed to read {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is larger than 8 MiB", path.display())]
    TooLarge { path: PathBuf },
    #[error("{} is no proper PEM", path.display())]
    Malformed { path: PathBuf },
    #[error("certificate {number} in {} cannot be used", path.display())]
    Unusable { path: PathBuf, number: usize },
    #[error("{} holds no certificate in PEM", path.display())]
    Empty { path: PathBuf },
}

impl CertificatesError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Unreadable { source, .. } => format!("{source}; the agent's user must be able to read it"),
            Self::TooLarge { .. } => "name a file that holds the issuer's certificates only".to_owned(),
            Self::Malformed { .. } | Self::Unusable { .. } => "have the certificate exported again, as PEM".to_owned(),
            Self::Empty { .. } => {
                "a PEM file with `-----BEGIN CERTIFICATE-----`, or a folder of *.pem, *.crt or *.cer files".to_owned()
            }
        }
    }
}

/// All certificates of a file, or of the files of a folder in the order of their names, as PEM.
pub fn read_certificates(path: &Path) -> Result<String, CertificatesError> {
    let mut pem = String::new();
    for file in files(path)? {
        append(&file, &mut pem)?;
    }
    if pem.is_empty() {
        return Err(CertificatesError::Empty { path: path.to_owned() });
    }
    Ok(pem)
}

/// The certificates of one file in their order: our own, and what it is built on.
pub(super) fn read_chain(path: &Path) -> Result<String, CertificatesError> {
    let mut pem = String::new();
    append(path, &mut pem)?;
    if pem.is_empty() { Err(CertificatesError::Empty { path: path.to_owned() }) } else { Ok(pem) }
}

/// The file itself, or the files of the folder that count.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, CertificatesError> {
    let unreadable = |source| CertificatesError::Unreadable { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries: Result<Vec<_>, _> = std::fs::read_dir(path).map_err(unreadable)?.collect();
    let mut files: Vec<_> =
        entries.map_err(unreadable)?.into_iter().map(|entry| entry.path()).filter(|f| counts(f)).collect();
    files.sort();
    Ok(files)
}

fn counts(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) && file.is_file()
}

fn append(file: &Path, pem: &mut String) -> Result<(), CertificatesError> {
    let path = || file.to_owned();
    let unreadable = |source| CertificatesError::Unreadable { path: path(), source };
    let metadata = std::fs::metadata(file).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(io::Error::other("it is not a file")));
    }
    if metadata.len() > MAX_FILE {
        return Err(CertificatesError::TooLarge { path: path() });
    }
    let content = std::fs::read(file).map_err(unreadable)?;
    for (index, certificate) in CertificateDer::pem_slice_iter(&content).enumerate() {
        let certificate = certificate.map_err(|_| CertificatesError::Malformed { path: path() })?;
        let usable = RootCertStore::empty().add(certificate.clone());
        usable.map_err(|_| CertificatesError::Unusable { path: path(), number: index + 1 })?;
        append_pem(&certificate, pem);
    }
    Ok(())
}

fn append_pem(certificate: &CertificateDer<'_>, pem: &mut String) {
    pem.push_str("-----BEGIN CERTIFICATE-----\n");
    for (index, character) in STANDARD.encode(certificate).chars().enumerate() {
        if index > 0 && index % PEM_LINE == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END CERTIFICATE-----\n");
}
