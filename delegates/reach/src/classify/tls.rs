//! What rustls says about a server, told to a person.

use chrono::{DateTime, Utc};
use rustls::CertificateError;
use rustls_pki_types::UnixTime;
use suitesync_contract::{Failure, FailureClass};

use crate::place::{Place, shown};
use crate::trust::UntrustedIssuer;

/// Names of a certificate that are shown when none of them fits.
const MAX_NAMES: usize = 3;

pub(crate) fn failure(place: &Place, error: &rustls::Error) -> Failure {
    if let rustls::Error::InvalidCertificate(cause) = error {
        return certificate(place, cause);
    }
    let failed = |cause: String| place.host_failure(FailureClass::TlsOther, "speak TLS with", cause);
    if let rustls::Error::AlertReceived(alert) = error {
        return failed(format!("it refused the handshake with alert {alert:?}"));
    }
    if let rustls::Error::InvalidMessage(_) = error {
        return failed("what it sends is not TLS".to_owned())
            .with_hint("check the port of the URL: it may be one that speaks plain HTTP or another protocol");
    }
    failed(shown(error.to_string().as_bytes()))
}

fn certificate(place: &Place, cause: &CertificateError) -> Failure {
    if let Some(issuer) = untrusted_issuer(cause) {
        return distrusted(
            place,
            FailureClass::TlsUntrusted,
            format!("the issuer `{issuer}` of its certificate is not trusted"),
        )
        .with_hint(format!("put the certificate of `{issuer}` into `additional_certs_path`"));
    }
    let (class, text) = told(cause).unwrap_or_else(|| (FailureClass::TlsOther, shown(cause.to_string().as_bytes())));
    distrusted(place, class, text)
}

fn distrusted(place: &Place, class: FailureClass, cause: String) -> Failure {
    place.host_failure(class, "trust", cause)
}

fn untrusted_issuer(cause: &CertificateError) -> Option<&str> {
    let CertificateError::Other(other) = cause else { return None };
    other.0.downcast_ref::<UntrustedIssuer>().map(|untrusted| untrusted.issuer.as_str())
}

/// The causes that have classes of their own.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum grows with rustls; what is not named is told by rustls")]
fn told(cause: &CertificateError) -> Option<(FailureClass, String)> {
    let (class, text) = match cause {
        CertificateError::ExpiredContext { not_after, .. } => {
            let text = format!("its certificate, or one that it is built on, ran out on {}", date(*not_after));
            (FailureClass::TlsExpired, text)
        }
        CertificateError::Expired => (FailureClass::TlsExpired, "its certificate ran out".to_owned()),
        CertificateError::NotValidYetContext { not_before, .. } => {
            (FailureClass::TlsExpired, format!("its certificate is valid only from {}", date(*not_before)))
        }
        CertificateError::NotValidYet => (FailureClass::TlsExpired, "its certificate is not valid yet".to_owned()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().take(MAX_NAMES).map(|name| shown(name.as_bytes())).collect();
            (FailureClass::TlsHostname, format!("its certificate was issued for other names: {}", names.join(", ")))
        }
        CertificateError::NotValidForName => {
            (FailureClass::TlsHostname, "its certificate was issued for other names".to_owned())
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_) => {
            (FailureClass::TlsUntrusted, "the issuer of its certificate is not trusted".to_owned())
        }
        _ => return None,
    };
    Some((class, text))
}

fn date(time: UnixTime) -> String {
    let day = i64::try_from(time.as_secs()).ok().and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0));
    day.map_or_else(|| "an unknown day".to_owned(), |day| day.format("%Y-%m-%d").to_string())
}
