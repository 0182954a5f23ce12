//! What Azure says with a refusal: the envelope of its errors, or the header that stands for it.
//!
//! The kind of an error (`typeKey`), the status and the code at the beginning of the text decide; its words, which are
//! translated and reworded, are only ever shown.

use percent_encoding::percent_decode;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use suitesync_contract::FailureClass;

use super::answer::ProviderCode;

/// Holds the text of the error, percent-encoded; it is there when the body is a page or empty as well.
const SERVICE_ERROR: &str = "x-tfs-serviceerror";
/// A permission was looked up and is not there.
const ACCESS_CHECK: &str = "AccessCheckException";

/// An error as the server tells it.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceError {
    #[serde(default)]
    message: String,
    /// The name of the exception.
    #[serde(default)]
    type_key: Option<String>,
    #[serde(skip)]
    source: Source,
}

/// Where an error was told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Source {
    #[default]
    Body,
    Header,
}

impl ServiceError {
    /// What is told with an answer; nothing where it is a mere status or a page.
    pub fn of(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let envelope = || serde_json::from_slice::<Self>(body).ok();
        let told = |told: &Self| !told.message.is_empty() || told.type_key.is_some();
        envelope().filter(told).or_else(|| {
            let text = percent_decode(headers.get(SERVICE_ERROR)?.as_bytes()).decode_utf8_lossy();
            Some(Self { message: text.into_owned(), type_key: None, source: Source::Header })
        })
    }

    /// The name of the exception.
    pub fn type_key(&self) -> Option<&str> {
        self.type_key.as_deref()
    }

    /// For people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The class of an error of a known kind.
    pub fn class(&self, status: StatusCode) -> Option<FailureClass> {
        if status == StatusCode::UNAUTHORIZED && self.is_access_check() {
            // A token that is not known fails before any permission is looked up: this one is known, and has run out.
            return Some(FailureClass::AuthExpired);
        }
        match self.type_key.as_deref() {
            Some("GitRepositoryNotFoundException") => Some(FailureClass::RepositoryNotFound),
            Some("ProjectDoesNotExistException" | "ProjectDoesNotExistWithNameException") => {
                Some(FailureClass::ProjectNotFound)
            }
            Some("GitNeedsPermissionException") => Some(FailureClass::Forbidden),
            Some("UnauthorizedRequestException") => Some(FailureClass::AuthRejected),
            Some(ACCESS_CHECK) if status == StatusCode::FORBIDDEN => Some(FailureClass::Forbidden),
            Some(_) | None => self.code().and_then(ProviderCode::class),
        }
    }

    /// Whether a permission was looked up. All other refusals begin with a code; where the header stands alone, that
    /// is how they are told apart.
    fn is_access_check(&self) -> bool {
        match self.source {
            Source::Body => self.type_key.as_deref() == Some(ACCESS_CHECK) && self.code().is_none(),
            Source::Header => self.code().is_none(),
        }
    }

    fn code(&self) -> Option<ProviderCode<'_>> {
        ProviderCode::at_start_of(self.message.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(header: Option<&'static str>, body: &str) -> Option<ServiceError> {
        let headers: HeaderMap =
            header.iter().map(|text| (SERVICE_ERROR.parse().unwrap(), text.parse().unwrap())).collect();
        ServiceError::of(&headers, body.as_bytes())
    }

    #[test]
    fn the_envelope_comes_before_the_header_and_a_page_says_nothing() {
        let check = |header, body, expect: Option<&str>| {
            assert_eq!(told(header, body).map(|told| told.message).as_deref(), expect, "{header:?} {body}");
        };
        check(Some("from%20the%20header"), r#"{"message":"from the body","typeKey":"X"}"#, Some("from the body"));
        check(Some("from%20the%20header"), "<html></html>", Some("from the header"));
        check(Some("from%20the%20header"), "{}", Some("from the header"));
        check(None, r#"{"count":0,"value":[]}"#, None);
        check(None, "<html></html>", None);
        check(None, "", None);
    }
}
