//! What rustls says about a server, told to a person.

use chrono::{DateTime, Utc};
use rustls::CertificateError;
use rustls_pki_types::UnixTime;
use suitesync_contract::{Failure, FailureClass};

use crate::place::{Place, shown};
use crate::trust::UntrustedIssuer;

const VERB: &str = "trust";

pub(crate) fn failure(place: &Place, error: &rustls::Error) -> Failure {
    match error {
        rustls::Error::InvalidCertificate(cause) => certificate(place, cause),
        rustls::Error::InvalidMessage(_) => place
            .host_failure(FailureClass::TlsOther, "speak TLS with", "what it sends is not TLS")
            .with_hint("check the port of the URL: it may be one that speaks plain HTTP or another protocol"),
        rustls::Error::AlertReceived(alert) => {
            let cause = format_args!("it refused the handshake with alert {alert:?}");
            place.host_failure(FailureClass::TlsOther, "speak TLS with", cause)
        }
        other => place.host_failure(FailureClass::TlsOther, "speak TLS with", shown(other.to_string().as_bytes())),
    }
}

fn certificate(place: &Place, cause: &CertificateError) -> Failure {
    match cause {
        CertificateError::ExpiredContext { not_after, .. } => {
            let text = format!("its certificate, or one that it is built on, ran out on {}", date(*not_after));
            place.host_failure(FailureClass::TlsExpired, VERB, text)
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            let text = format!("its certificate is valid only from {}", date(*not_before));
            place.host_failure(FailureClass::TlsExpired, VERB, text)
        }
        CertificateError::Expired => place.host_failure(FailureClass::TlsExpired, VERB, "its certificate ran out"),
        CertificateError::NotValidYet => {
            place.host_failure(FailureClass::TlsExpired, VERB, "its certificate is not valid yet")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().take(MAX_NAMES).map(|name| shown(name.as_bytes())).collect();
            let text = format!("its certificate was issued for other names: {}", names.join(", "));
            place.host_failure(FailureClass::TlsHostname, VERB, text)
        }
        CertificateError::NotValidForName => {
            place.host_failure(FailureClass::TlsHostname, VERB, "its certificate was issued for other names")
        }
        CertificateError::Other(other) => match other.0.downcast_ref::<UntrustedIssuer>() {
            Some(UntrustedIssuer { issuer }) => untrusted(place, issuer),
            None => place.host_failure(FailureClass::TlsUntrusted, VERB, shown(other.to_string().as_bytes())),
        },
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            place.host_failure(FailureClass::TlsUntrusted, VERB, "the issuer of its certificate is not trusted")
        }
        other => place.host_failure(FailureClass::TlsOther, VERB, shown(other.to_string().as_bytes())),
    }
}

/// Names of a certificate that are shown when none of them fits.
const MAX_NAMES: usize = 3;

fn untrusted(place: &Place, issuer: &str) -> Failure {
    let text = format!("the issuer `{issuer}` of its certificate is not trusted");
    place
        .host_failure(FailureClass::TlsUntrusted, VERB, text)
        .with_hint(format!("put the certificate of `{issuer}` into `additional_certs_path`"))
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    DateTime::<Utc>::from_timestamp(seconds, 0)
        .map_or_else(|| "an unknown day".to_owned(), |day| day.format("%Y-%m-%d").to_string())
}
