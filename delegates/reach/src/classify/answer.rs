//! From an HTTP answer that is not what Git would say to a [`Failure`].
//!
//! Status and content type decide. Azure's own codes (`TF401019`, `VS800075`) at the beginning of a body are a
//! structured code as well and refine what the status says; the rest of a body is only ever shown.

use chrono::Utc;
use reqwest::header::{CONTENT_TYPE, HeaderMap, PROXY_AUTHENTICATE, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{StatusCode, Url};
use suitesync_contract::{Failure, FailureClass, Provider};

use super::challenge;
use super::retry_after::retry_after;
use super::service_error::ServiceError;
use crate::place::{Place, shown};

/// Where a server takes neither of the schemes that credentials are sent by.
const SIGN_IN_HINT: &str = "have the server take Basic or Bearer, or connect by SSH";

/// What was sent along with the request that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Credentials,
    NoCredentials,
}

/// An answer that was not accepted.
#[derive(Debug)]
pub struct Refusal<'a> {
    pub status: StatusCode,
    pub headers: &'a HeaderMap,
    /// The beginning of the body.
    pub body: &'a [u8],
    pub sent: Sent,
}

/// Azure's code of an error, such as `TF401019`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderCode<'a>(&'a str);

impl<'a> ProviderCode<'a> {
    /// The code that a text begins with: `TF` or `VS` and four to seven digits.
    pub fn at_start_of(text: &'a [u8]) -> Option<Self> {
        let text = text.trim_ascii_start();
        let digits = text.strip_prefix(b"TF").or_else(|| text.strip_prefix(b"VS"))?;
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let code = text.get(..count + 2).filter(|_| (4..=7).contains(&count))?;
        std::str::from_utf8(code).ok().map(Self)
    }

    pub fn class(self) -> Option<FailureClass> {
        match self.0 {
            "TF401019" => Some(FailureClass::RepositoryNotFound),
            "TF200016" | "VS800075" => Some(FailureClass::ProjectNotFound),
            "TF401027" => Some(FailureClass::Forbidden),
            "TF400813" | "TF401444" => Some(FailureClass::AuthRejected),
            "TF400733" => Some(FailureClass::RateLimited),
            "TF401041" => Some(FailureClass::Protocol),
            "TF10216" => Some(FailureClass::ServerError),
            _ => None,
        }
    }
}

/// Whether an answer is a page for people.
pub fn is_html(headers: &HeaderMap) -> bool {
    media_type(headers).eq_ignore_ascii_case("text/html")
}

/// The content type without its parameters; empty if there is none.
pub fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// Whether a redirect leads to where people sign in, as Azure's do.
pub fn is_sign_in(url: &Url) -> bool {
    const PAGE: &str = "_signin";
    let is_page = |segment: &str| segment.get(..PAGE.len()).is_some_and(|start| start.eq_ignore_ascii_case(PAGE));
    url.path_segments().is_some_and(|mut segments| segments.any(is_page))
}

/// Where a redirect leads, for people: an address without a host that is asked over HTTP is told by its scheme.
pub fn shown_origin(url: &Url) -> String {
    let origin = url.origin();
    if origin.is_tuple() { origin.ascii_serialization() } else { format!("an address of `{}`", url.scheme()) }
}

/// A page for people where Git was expected: Azure signs people in, others show their pages.
pub fn page(place: &Place, what: &str) -> Failure {
    let class = match place.provider() {
        Provider::AzureRepos => FailureClass::AuthRejected,
        Provider::Git => FailureClass::NotGit,
    };
    place.repository_failure(class, "talk Git with", what)
}

/// Classifies an answer with another status than 200.
pub fn refused(place: &Place, refusal: &Refusal<'_>) -> Failure {
    if refusal.status == StatusCode::NON_AUTHORITATIVE_INFORMATION {
        return page(place, "it answered with a sign-in page (http 203)");
    }
    let told = match place.provider() {
        Provider::AzureRepos => ServiceError::of(refusal.headers, refusal.body),
        Provider::Git => None,
    };
    let known = match &told {
        Some(told) => told.class(refusal.status),
        None => ProviderCode::at_start_of(refusal.body).and_then(ProviderCode::class),
    };
    let class = known.unwrap_or_else(|| class_of(refusal.status, refusal.sent));
    let foreign = match refusal.status {
        StatusCode::UNAUTHORIZED => challenge::foreign(refusal.headers, &WWW_AUTHENTICATE),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => challenge::foreign(refusal.headers, &PROXY_AUTHENTICATE),
        _ => None,
    };
    let failure = match (class, foreign) {
        (FailureClass::ProxyAuth, foreign) => {
            return unauthorized_by_proxy(place, refusal.status.as_u16(), foreign.as_deref());
        }
        (FailureClass::AuthRejected | FailureClass::AuthMissing, Some(schemes)) => {
            let cause = format_args!("it takes none of our ways to sign in, only {schemes}, http 401");
            place.repository_failure(class, "read", cause).with_hint(SIGN_IN_HINT)
        }
        _ => place.repository_failure(class, "read", cause(class, refusal, told.as_ref())),
    };
    let failure = if class == FailureClass::Forbidden { failure.with_hint(scope_hint(place)) } else { failure };
    let wait = refusal.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    match wait.and_then(|text| retry_after(text, Utc::now())) {
        Some(seconds) => failure.with_retry_after(seconds),
        None => failure,
    }
}

fn class_of(status: StatusCode, sent: Sent) -> FailureClass {
    match (status, sent) {
        (StatusCode::UNAUTHORIZED, Sent::Credentials) => FailureClass::AuthRejected,
        (StatusCode::UNAUTHORIZED, Sent::NoCredentials) => FailureClass::AuthMissing,
        (StatusCode::FORBIDDEN, _) => FailureClass::Forbidden,
        (StatusCode::NOT_FOUND | StatusCode::GONE, _) => FailureClass::RepositoryNotFound,
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, _) => FailureClass::ProxyAuth,
        (StatusCode::REQUEST_TIMEOUT, _) => FailureClass::Timeout,
        (StatusCode::TOO_MANY_REQUESTS, _) => FailureClass::RateLimited,
        (status, _) if status.is_server_error() => FailureClass::ServerError,
        _ => FailureClass::Protocol,
    }
}

/// What reading takes.
fn scope_hint(place: &Place) -> &'static str {
    match place.provider() {
        Provider::AzureRepos => {
            "give the token the scope `Code (Read)`, and the user that it belongs to the right to read the repository"
        }
        Provider::Git => "give the token or its user the right to read the repository",
    }
}

/// What the class means here, the status, and what the server has to say unless it is a page.
fn cause(class: FailureClass, refusal: &Refusal<'_>, told: Option<&ServiceError>) -> String {
    let meaning = match (class, refusal.sent) {
        (FailureClass::RepositoryNotFound, _) => "it is missing, disabled, or not to be seen with these credentials, ",
        (FailureClass::AuthRejected, _) => "the credentials were rejected, ",
        (FailureClass::AuthMissing, _) => "it asks for credentials and none are set, ",
        (FailureClass::Forbidden, Sent::Credentials) => "the credentials lack the right to read it, ",
        (FailureClass::RateLimited, _) => "the server limits the rate of requests, ",
        _ => "",
    };
    let said = match told {
        Some(told) => shown(told.message().as_bytes()),
        None if is_html(refusal.headers) => String::new(),
        None => shown(refusal.body),
    };
    let separator = if said.is_empty() { "" } else { ": " };
    format!("{meaning}http {}{separator}{said}", refusal.status.as_u16())
}

/// A proxy's answer 407 to a request, or 407 or 401 to CONNECT; with the schemes that it takes, where Basic is not among
/// them.
pub(crate) fn unauthorized_by_proxy(place: &Place, status: u16, foreign: Option<&str>) -> Failure {
    let failed =
        |cause: &str| place.host_failure(FailureClass::ProxyAuth, "reach", format_args!("{cause}, http {status}"));
    if let Some(schemes) = foreign {
        return failed(&format!("the proxy takes none of our ways to sign in, only {schemes}"))
            .with_hint("have the proxy take Basic, or let this host through without a login");
    }
    match place.proxy().map(|proxy| proxy.authorization().is_some()) {
        Some(true) => failed("the proxy rejected the credentials that were sent"),
        Some(false) => failed("the proxy asks for credentials and none are set")
            .with_hint("set `username` and `password` of the delegate's `proxy`"),
        None => failed("a proxy asks for credentials"),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};
    use suitesync_contract::RepoUrl;

    use super::*;

    #[test]
    fn a_code_is_known_only_at_the_beginning_and_only_whole() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(ProviderCode::at_start_of(text.as_bytes()).map(|code| code.0), expect, "{text:?}");
        };
        check("TF401019: The Git repository", Some("TF401019"));
        check("\n VS800075: The project", Some("VS800075"));
        check("see TF401019", None);
        check("TFS is down", None);
        check("TF12345678901", None);
        check("TF", None);
    }

    /// The message after whose it is, and the next step.
    fn told(status: u16, sent: Sent, header: &'static str, value: &'static str) -> (FailureClass, String, String) {
        let url = RepoUrl::parse("https://git.example.org/shop.git", Provider::Git).unwrap().repository;
        let place = Place::new(&url, &"dc1".parse().unwrap());
        let headers = HeaderMap::from_iter([(HeaderName::from_static(header), HeaderValue::from_static(value))]);
        let status = StatusCode::from_u16(status).unwrap();
        let failure = refused(&place, &Refusal { status, headers: &headers, body: b"", sent });
        let (_, cause) = failure.message.split_once("from delegate dc1: ").unwrap();
        (failure.class, cause.to_owned(), failure.hint)
    }

    #[test]
    fn a_server_or_proxy_that_takes_no_scheme_of_ours_is_told() {
        let check = |status, sent, header, class, subject: &str, hint: &str| {
            let (found, cause, step) = told(status, sent, header, "Negotiate, NTLM");
            let expect = format!("{subject} takes none of our ways to sign in, only Negotiate, NTLM, http {status}");
            assert_eq!((found, cause), (class, expect));
            assert!(step.contains(hint), "{step}");
        };
        let server = "have the server take Basic or Bearer";
        check(401, Sent::Credentials, "www-authenticate", FailureClass::AuthRejected, "it", server);
        check(401, Sent::NoCredentials, "www-authenticate", FailureClass::AuthMissing, "it", server);
        let proxy = "have the proxy take Basic";
        check(407, Sent::Credentials, "proxy-authenticate", FailureClass::ProxyAuth, "the proxy", proxy);
        let basic = told(401, Sent::Credentials, "www-authenticate", "Basic realm=\"x\"");
        assert_eq!(basic.1, "the credentials were rejected, http 401");
    }

    #[test]
    fn a_place_to_sign_in_is_known_by_a_segment_of_its_path() {
        let check = |path: &str, expect: bool| {
            assert_eq!(is_sign_in(&Url::parse("https://example.org").unwrap().join(path).unwrap()), expect, "{path}");
        };
        check("/_signin?realm=x", true);
        check("/tfs/_SignIn", true);
        check("/_signinmsa/x", true);
        check("/shop/signin", false);
        check("/shop?to=/_signin", false);
    }

    #[test]
    fn where_a_redirect_leads_is_shown_by_its_origin_or_its_scheme() {
        let check = |url: &str, expect: &str| assert_eq!(shown_origin(&Url::parse(url).unwrap()), expect, "{url}");
        check("https://elsewhere.example.org:8443/a?token=b", "https://elsewhere.example.org:8443");
        check("file:///etc/passwd", "an address of `file`");
        check("ssh://git@elsewhere.example.org/a", "an address of `ssh`");
    }

    #[test]
    fn statuses_have_classes() {
        let check =
            |status: u16, sent, expect| assert_eq!(class_of(StatusCode::from_u16(status).unwrap(), sent), expect);
        check(401, Sent::Credentials, FailureClass::AuthRejected);
        check(401, Sent::NoCredentials, FailureClass::AuthMissing);
        check(403, Sent::Credentials, FailureClass::Forbidden);
        check(404, Sent::Credentials, FailureClass::RepositoryNotFound);
        check(407, Sent::NoCredentials, FailureClass::ProxyAuth);
        check(400, Sent::Credentials, FailureClass::Protocol);
        check(429, Sent::Credentials, FailureClass::RateLimited);
        check(500, Sent::Credentials, FailureClass::ServerError);
        check(503, Sent::NoCredentials, FailureClass::ServerError);
        check(204, Sent::NoCredentials, FailureClass::Protocol);
    }
}
