//! What rustls says about a server, told to a person.

use chrono::{DateTime, Utc};
use rustls::{AlertDescription, CertificateError, PeerIncompatible};
use rustls_pki_types::UnixTime;
use suitesync_contract::{Failure, FailureClass};

use crate::identity::Presented;
use crate::place::{Place, shown};
use crate::trust::{ForeignNames, ShortKey, UntrustedIssuer};

/// Names of a certificate that are shown when none of them fits.
const MAX_NAMES: usize = 3;
const VERSIONS_HINT: &str = "have TLS 1.2 or 1.3 enabled on the server: older versions are not secure";

/// A class, what was tried, and a cause that speaks of the server as `it`.
#[derive(Debug)]
pub(crate) struct Told {
    pub class: FailureClass,
    pub verb: &'static str,
    pub cause: String,
    pub hint: Option<String>,
}

impl Told {
    fn trust(class: FailureClass, cause: impl Into<String>) -> Self {
        Self { class, verb: "trust", cause: cause.into(), hint: None }
    }

    fn speak(cause: impl Into<String>) -> Self {
        Self { class: FailureClass::TlsOther, verb: "speak TLS with", cause: cause.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn at(self, place: &Place) -> Failure {
        let failure = place.host_failure(self.class, self.verb, self.cause);
        match self.hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

/// Reads an error of a handshake, or of what came right after it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum grows with rustls; what is not named is told by rustls")]
pub(crate) fn told(error: &rustls::Error, presented: Presented) -> Told {
    match error {
        rustls::Error::InvalidCertificate(cause) => certificate(cause),
        rustls::Error::AlertReceived(alert) => refusal(*alert, presented),
        rustls::Error::InvalidMessage(_) => Told::speak("what it sends is not TLS")
            .hint("check the port of the URL: it may be one that speaks plain HTTP or another protocol"),
        rustls::Error::PeerIncompatible(cause) => incompatible(cause),
        other => Told::speak(shown(other.to_string().as_bytes())),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum grows with rustls; the rest is about details of offers")]
fn incompatible(cause: &PeerIncompatible) -> Told {
    match cause {
        PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => {
            Told::speak("it speaks neither TLS 1.2 nor 1.3").hint(VERSIONS_HINT)
        }
        other => Told::speak(format!("it has nothing in common with TLS as it is safe today ({other:?})")),
    }
}

/// The server ended the handshake, or the connection right after it, with an alert (RFC 8446, section 6.2).
fn refusal(alert: AlertDescription, presented: Presented) -> Told {
    let is_unsaid = presented == Presented::NothingThoughAsked && alert == AlertDescription::HandshakeFailure;
    if is_about_our_certificate(alert) || is_unsaid {
        return unidentified(alert, presented);
    }
    if alert == AlertDescription::ProtocolVersion {
        return Told::speak("it refuses both TLS 1.2 and 1.3").hint(VERSIONS_HINT);
    }
    Told::speak(format!("it refused the handshake with alert {alert:?}"))
}

/// No server has a reason to speak of certificates but ours.
fn is_about_our_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}

fn unidentified(alert: AlertDescription, presented: Presented) -> Told {
    let told = |class, cause| Told { class, verb: "sign in to", cause, hint: None };
    match presented {
        Presented::Nothing | Presented::NothingThoughAsked => {
            let cause = format!("it asks for a client certificate and none is set (alert {alert:?})");
            told(FailureClass::AuthMissing, cause)
                .hint("set `client_certificate` and `client_key` under `[connection.tls]`")
        }
        Presented::Certificate => {
            let cause = format!("it rejected the client certificate (alert {alert:?})");
            told(FailureClass::AuthRejected, cause).hint(
                "check that the `client_certificate` of `[connection.tls]` has not run out and is followed by what it \
                 is built on, and that the server trusts its issuer",
            )
        }
    }
}

fn certificate(cause: &CertificateError) -> Told {
    if let Some(UntrustedIssuer { issuer }) = other(cause) {
        let cause = format!("the issuer `{issuer}` of its certificate is not trusted");
        let hint = format!("put the certificate of `{issuer}` into `additional_certs_path`");
        return Told::trust(FailureClass::TlsUntrusted, cause).hint(hint);
    }
    if let Some(ForeignNames { names }) = other(cause) {
        return Told::trust(FailureClass::TlsHostname, foreign(names));
    }
    if let Some(ShortKey { bits }) = other(cause) {
        return Told::trust(FailureClass::TlsOther, format!("the key of its certificate has {bits} bits only"))
            .hint("have the server's certificate issued anew, with a key of at least 2048 bits");
    }
    if let Some(fault) = other(cause) {
        return misshapen(fault);
    }
    told_by_rustls(cause)
}

/// A certificate that is not accepted whoever issued it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum grows with webpki; the rest is told by webpki's names")]
fn misshapen(fault: &webpki::Error) -> Told {
    let told = |cause: &str| Told::trust(FailureClass::TlsOther, cause);
    match fault {
        webpki::Error::UnsupportedCertVersion => told("its certificate is not of version 3 of X.509")
            .hint("have the server's certificate issued anew as version 3, with its host as a `subjectAltName`"),
        webpki::Error::CaUsedAsEndEntity => told("its certificate is marked as that of an authority (`CA:TRUE`)").hint(
            "have the server's certificate issued anew with `CA:FALSE`, or put that certificate itself into \
             `additional_certs_path`",
        ),
        webpki::Error::UnsupportedCriticalExtension => {
            told("its certificate has a critical extension that is not known")
                .hint("have the server's certificate issued anew, with that extension left out or not critical")
        }
        other => {
            let cause = format!("its certificate, or one that it is built on, is not as it has to be ({other:?})");
            told(&cause).hint("have the server's certificate issued anew")
        }
    }
}

fn other<T: std::error::Error + 'static>(cause: &CertificateError) -> Option<&T> {
    let CertificateError::Other(other) = cause else { return None };
    other.0.downcast_ref()
}

fn foreign(names: &[String]) -> String {
    if names.is_empty() {
        return "its certificate names no host that it is for".to_owned();
    }
    let more = if names.len() > MAX_NAMES { ", …" } else { "" };
    let names: Vec<_> = names.iter().take(MAX_NAMES).map(String::as_str).collect();
    format!("its certificate was issued for other names: {}{more}", names.join(", "))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum grows with rustls; what is not named is told by rustls")]
fn told_by_rustls(cause: &CertificateError) -> Told {
    let (class, text) = match cause {
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            return Told::trust(
                FailureClass::TlsOther,
                "its certificate, or one that it is built on, is signed in a way that is not secure",
            )
            .hint("have the server's certificate issued anew, signed with SHA-256");
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            return Told::trust(FailureClass::TlsOther, "its certificate is not for servers")
                .hint("have the server's certificate issued anew with `serverAuth` in its `extendedKeyUsage`");
        }
        CertificateError::BadSignature => {
            (FailureClass::TlsOther, "it does not sign with the key of its certificate".to_owned())
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            let text = format!("its certificate, or one that it is built on, ran out on {}", date(*not_after));
            (FailureClass::TlsExpired, text)
        }
        CertificateError::Expired => (FailureClass::TlsExpired, "its certificate ran out".to_owned()),
        CertificateError::NotValidYetContext { not_before, .. } => {
            (FailureClass::TlsExpired, format!("its certificate is valid only from {}", date(*not_before)))
        }
        CertificateError::NotValidYet => (FailureClass::TlsExpired, "its certificate is not valid yet".to_owned()),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            (FailureClass::TlsHostname, "its certificate was issued for other names".to_owned())
        }
        CertificateError::UnknownIssuer => {
            (FailureClass::TlsUntrusted, "the issuer of its certificate is not trusted".to_owned())
        }
        _ => (FailureClass::TlsOther, shown(cause.to_string().as_bytes())),
    };
    Told::trust(class, text)
}

fn date(time: UnixTime) -> String {
    let day = i64::try_from(time.as_secs()).ok().and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0));
    day.map_or_else(|| "an unknown day".to_owned(), |day| day.format("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: rustls::Error, presented: Presented, expect: FailureClass) {
        assert_eq!(told(&error, presented).class, expect, "{error:?} {presented:?}");
    }

    #[test]
    fn alerts_about_certificates_are_about_ours() {
        use AlertDescription as Alert;
        let check = |alert, presented, expect| check(rustls::Error::AlertReceived(alert), presented, expect);
        check(Alert::CertificateRequired, Presented::Nothing, FailureClass::AuthMissing);
        check(Alert::BadCertificate, Presented::NothingThoughAsked, FailureClass::AuthMissing);
        check(Alert::HandshakeFailure, Presented::NothingThoughAsked, FailureClass::AuthMissing);
        check(Alert::HandshakeFailure, Presented::Nothing, FailureClass::TlsOther);
        for alert in [Alert::UnknownCA, Alert::BadCertificate, Alert::CertificateExpired, Alert::AccessDenied] {
            check(alert, Presented::Certificate, FailureClass::AuthRejected);
        }
        check(Alert::HandshakeFailure, Presented::Certificate, FailureClass::TlsOther);
        check(Alert::InternalError, Presented::Certificate, FailureClass::TlsOther);
    }

    #[test]
    fn a_server_of_the_past_is_told_what_is_needed() {
        let old = [
            rustls::Error::AlertReceived(AlertDescription::ProtocolVersion),
            rustls::Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
        ];
        for error in old {
            let told = told(&error, Presented::Nothing);
            assert_eq!((told.class, told.hint.as_deref()), (FailureClass::TlsOther, Some(VERSIONS_HINT)));
        }
    }

    #[test]
    fn names_are_shown_as_they_are_written_and_not_by_the_dozen() {
        let names = ["a.example", "*.b.example", "10.1.2.3", "d.example"].map(str::to_owned);
        let shown = "its certificate was issued for other names: a.example, *.b.example, 10.1.2.3, …";
        assert_eq!(foreign(&names), shown);
        assert_eq!(foreign(&[]), "its certificate names no host that it is for");
    }
}
