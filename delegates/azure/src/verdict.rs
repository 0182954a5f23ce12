//! What an answer means: a good one, another version to ask for, or a failure with its class.
//!
//! Good is a 2xx with JSON and nothing else: Azure shows its sign-in page with 203, with 200 and by redirects. No
//! redirect is followed.

use reqwest::header::LOCATION;
use reqwest::{StatusCode, Url};
use suitesync_contract::{Failure, FailureClass};
use suitesync_reach::{
    Place, ProviderCode, Refusal, Sent, ServiceError, is_html, is_sign_in, media_type, refused, shown, shown_origin,
};

use crate::exchange::Answer;
use crate::version::VersionRefusal;

#[derive(Debug)]
pub(crate) enum Verdict {
    Accepted,
    OtherVersion(VersionRefusal),
    Refused(Failure),
}

pub(crate) fn judge(place: &Place, asked: &Url, answer: &Answer) -> Verdict {
    let status = answer.status;
    if status.is_redirection() {
        return Verdict::Refused(redirected(place, asked, answer));
    }
    let is_page = status.is_success() && is_html(&answer.headers);
    if is_page || status == StatusCode::NON_AUTHORITATIVE_INFORMATION {
        let cause = format!("it answered with a sign-in page (http {})", status.as_u16());
        return Verdict::Refused(place.repository_failure(FailureClass::AuthRejected, "read", cause));
    }
    if !status.is_success() {
        return judge_refusal(place, answer);
    }
    let media_type = media_type(&answer.headers);
    if media_type.eq_ignore_ascii_case("application/json") {
        return Verdict::Accepted;
    }
    let cause = format!("it answered with content of type `{}`, not with JSON", shown(media_type.as_bytes()));
    Verdict::Refused(place.repository_failure(FailureClass::Protocol, "read", cause))
}

fn judge_refusal(place: &Place, answer: &Answer) -> Verdict {
    let told = ServiceError::of(&answer.headers, &answer.body);
    if let Some(refusal) = told.as_ref().and_then(version_refusal) {
        return Verdict::OtherVersion(refusal);
    }
    let refusal =
        Refusal { status: answer.status, headers: &answer.headers, body: &answer.body, sent: Sent::Credentials };
    let failure = refused(place, &refusal);
    let text = told.as_ref().map_or(&answer.body[..], |told| told.message().as_bytes());
    Verdict::Refused(match never_signed_in(text) {
        true => failure.with_hint("sign in once on the web as the user that the token belongs to"),
        false => failure,
    })
}

/// What an error says about the version that was asked for.
fn version_refusal(told: &ServiceError) -> Option<VersionRefusal> {
    match told.type_key()? {
        "VssVersionOutOfRangeException" => Some(VersionRefusal::OutOfRange),
        "VssInvalidPreviewVersionException" => Some(VersionRefusal::PreviewRequired),
        _ => None,
    }
}

/// The user of the token has never been seen by this organization.
fn never_signed_in(text: &[u8]) -> bool {
    let code = ProviderCode::at_start_of(text);
    code.is_some() && code == ProviderCode::at_start_of(b"TF401444")
}

fn redirected(place: &Place, asked: &Url, answer: &Answer) -> Failure {
    let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let Some(to) = location.and_then(|text| asked.join(text).ok()) else {
        let cause = format!("it redirected (http {}) without saying where", answer.status.as_u16());
        return place.repository_failure(FailureClass::Protocol, "read", cause);
    };
    if is_sign_in(&to) {
        let cause = "it redirected to a sign-in page";
        return place.repository_failure(FailureClass::AuthRejected, "read", cause);
    }
    let cause = if to.origin() == asked.origin() {
        format!("it redirects to `{}`, another place of the same host", shown(to.path().as_bytes()))
    } else {
        format!("it redirects to {}, another origin", shown_origin(&to))
    };
    place.repository_failure(FailureClass::RedirectRefused, "read", cause)
}
