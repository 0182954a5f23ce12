//! What a certificate says: its issuer, the names it is for, and how long it is still good.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Name;

/// Longest chain that is followed; real ones hold two to four certificates.
const MAX_CHAIN: usize = 16;
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

/// The host names and addresses that a certificate is for, as people write them; empty if it names none.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> Option<Vec<String>> {
    let certificate = parse(certificate)?;
    let extension = certificate.subject_alternative_name().ok()?;
    let names = extension.map(|extension| extension.value.general_names.iter().filter_map(alternative).collect());
    Some(names.unwrap_or_default())
}

/// Whole days until the first certificate of a chain runs out, negative once it has. `now` is in Unix seconds.
pub(crate) fn days_left(chain: &[CertificateDer<'_>], now: i64) -> Option<i64> {
    let ends = chain.iter().filter_map(parse).map(|certificate| certificate.validity().not_after.timestamp());
    ends.min().map(|end| (end - now).div_euclid(SECONDS_PER_DAY))
}

/// From when and until when a certificate is good, in Unix seconds.
pub(crate) fn validity(certificate: &CertificateDer<'_>) -> Option<(i64, i64)> {
    let certificate = parse(certificate)?;
    Some((certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp()))
}

/// The bits of an RSA key; nothing for keys of other kinds.
pub(crate) fn rsa_bits(certificate: &CertificateDer<'_>) -> Option<usize> {
    match parse(certificate)?.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => Some(key.key_size()),
        Ok(_) | Err(_) => None,
    }
}

/// Whether a certificate names itself as its issuer.
pub(crate) fn is_self_issued(certificate: &CertificateDer<'_>) -> bool {
    parse(certificate).is_some_and(|certificate| certificate.issuer() == certificate.subject())
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

fn alternative(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::DNSName(name) = name {
        return Some(crate::place::shown(name.as_bytes()));
    }
    let GeneralName::IPAddress(bytes) = name else { return None };
    address(bytes).map(|address| address.to_string())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))).ok()
}
