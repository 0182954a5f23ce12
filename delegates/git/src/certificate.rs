//! What a certificate says: its names, its issuer and how long it is still good.

use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

/// Longest chain that is followed; real ones hold two to four certificates.
const MAX_CHAIN: usize = 16;
/// Names of a certificate that are shown when none of them fits.
const MAX_NAMES: usize = 3;
const SECONDS_PER_DAY: i64 = 86_400;

/// The name of the first issuer, going up from the server's own certificate, that the server did not send: the one
/// whose certificate has to be trusted.
pub(crate) fn missing_issuer(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Option<String> {
    let mut current = parse(end_entity)?;
    for _ in 0..MAX_CHAIN {
        if current.issuer() == current.subject() {
            break;
        }
        let above = intermediates.iter().filter_map(parse).find(|parent| parent.subject() == current.issuer());
        match above {
            Some(parent) => current = parent,
            None => break,
        }
    }
    Some(name(current.issuer()))
}

/// The issuer of a certificate, for people.
pub(crate) fn issuer(certificate: &CertificateDer<'_>) -> Option<String> {
    parse(certificate).map(|certificate| name(certificate.issuer()))
}

/// The DNS names and addresses that a certificate was issued for, the first few.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Some(certificate) = parse(certificate) else { return Vec::new() };
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    extension.value.general_names.iter().filter_map(general_name).take(MAX_NAMES).collect()
}

/// Whole days until the first certificate of a chain runs out, negative once it has. `now` is in Unix seconds.
pub(crate) fn days_left(chain: &[CertificateDer<'_>], now: i64) -> Option<i64> {
    let ends = chain.iter().filter_map(parse).map(|certificate| certificate.validity().not_after.timestamp());
    ends.min().map(|end| (end - now).div_euclid(SECONDS_PER_DAY))
}

/// Whether `now`, in Unix seconds, lies within the certificate's validity; `None` if it cannot be read.
pub(crate) fn validity(certificate: &CertificateDer<'_>) -> Option<(i64, i64)> {
    let certificate = parse(certificate)?;
    Some((certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp()))
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(certificate.as_ref()).ok().map(|(_, certificate)| certificate)
}

/// The common name where there is one: that is what people know an authority by.
fn name(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().find_map(|part| part.as_str().ok()).map(str::to_owned);
    let text = common.unwrap_or_else(|| name.to_string());
    crate::place::shown(text.as_bytes())
}

fn general_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(crate::place::shown(name.as_bytes())),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|octets| std::net::IpAddr::from(octets).to_string());
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|octets| std::net::IpAddr::from(octets).to_string())).ok()
}
