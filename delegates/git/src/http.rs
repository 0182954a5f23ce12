//! Git's smart HTTP (gitprotocol-http) on a shared client: one exchange with time limits, cancellation, redirects on
//! the own origin only, and the body as a stream.
//!
//! SSH will be a second transport beside this one: whatever gives the bytes of an answer as a [`Body`] does serves
//! the protocol above.

mod body;
mod request_body;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};
use suitesync_contract::{Failure, FailureClass, Provider, Transfer};
use tokio_util::sync::CancellationToken;

use crate::cancel::unless_canceled;
use crate::classify::answer::{self, Refusal, Sent};
use crate::classify::{self, Phase};
use crate::client::Client;
use crate::place::Place;

pub(crate) use body::Body;
use request_body::RequestBody;

/// Enough for a renamed repository and a moved prefix; more is a circle.
const MAX_REDIRECTS: usize = 5;
/// What is read of an error's body: its first line is shown.
const MAX_ERROR_BODY: usize = 4096;
const GIT_PROTOCOL: &str = "git-protocol";

/// The way to one repository; clones count what they cost together.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
    place: Arc<Place>,
    authorization: Option<HeaderValue>,
    meter: Arc<Meter>,
}

/// Counts what exchanges cost.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    requests: AtomicU64,
    received_bytes: AtomicU64,
}

/// A request of the smart protocol, below a repository's URL.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Advertisement,
    UploadPack(RequestBody),
}

/// An accepted answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The repository's URL that gave it, after redirects.
    pub(crate) base: Url,
    pub(crate) body: Body,
}

impl Call {
    /// A request for refs or objects.
    pub(crate) fn upload_pack(packets: Bytes) -> Self {
        Self::UploadPack(RequestBody::new(packets))
    }

    fn method(&self) -> Method {
        match self {
            Self::Advertisement => Method::GET,
            Self::UploadPack(_) => Method::POST,
        }
    }

    /// What is added to the repository's URL.
    fn suffix(&self) -> &'static str {
        match self {
            Self::Advertisement => "/info/refs?service=git-upload-pack",
            Self::UploadPack(_) => "/git-upload-pack",
        }
    }

    fn answer_type(&self) -> &'static str {
        match self {
            Self::Advertisement => "application/x-git-upload-pack-advertisement",
            Self::UploadPack(_) => "application/x-git-upload-pack-result",
        }
    }
}

impl Http {
    pub(crate) fn new(client: Client, place: Arc<Place>, authorization: Option<HeaderValue>) -> Self {
        Self { client, place, authorization, meter: Arc::default() }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn transfer(&self) -> Transfer {
        self.meter.read()
    }

    pub(crate) fn sent(&self) -> Sent {
        if self.authorization.is_some() { Sent::Credentials } else { Sent::NoCredentials }
    }

    /// Sends a call and follows redirects as long as they stay on the origin.
    pub(crate) async fn exchange(
        &self,
        base: &Url,
        call: &Call,
        cancel: &CancellationToken,
    ) -> Result<Answer, Failure> {
        let mut url = self.join(base, call)?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(&url, call, cancel).await?;
            if !response.status().is_redirection() {
                let body = self.accept(response, call, cancel).await?;
                return Ok(Answer { base: self.base_of(&url, call, base), body });
            }
            url = self.redirected(&url, &response)?;
        }
        Err(self.place.protocol_failure(format_args!("it redirected more than {MAX_REDIRECTS} times")))
    }

    /// Sends once, and once more if a kept connection turned out to be closed.
    async fn send(&self, url: &Url, call: &Call, cancel: &CancellationToken) -> Result<Response, Failure> {
        match self.send_once(url, call, cancel).await? {
            Err(error) if classify::closed_before_answer(&error) => self.send_once(url, call, cancel).await?,
            first => first,
        }
        .map_err(|error| classify::request(&self.place, &error, Phase::Asking))
    }

    async fn send_once(
        &self,
        url: &Url,
        call: &Call,
        cancel: &CancellationToken,
    ) -> Result<Result<Response, reqwest::Error>, Failure> {
        let mut request = self.client.http.request(call.method(), url.clone());
        request = request.header(ACCEPT, call.answer_type()).header(GIT_PROTOCOL, "version=2");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        if let Call::UploadPack(body) = call {
            request = request.header(CONTENT_TYPE, "application/x-git-upload-pack-request").body(body.bytes());
            if let Some(encoding) = body.encoding() {
                request = request.header(CONTENT_ENCODING, encoding);
            }
        }
        self.meter.requests.fetch_add(1, Ordering::Relaxed);
        let limits = self.client.limits;
        let answered = tokio::time::timeout(limits.connect + limits.first_byte, request.send());
        unless_canceled(cancel, answered).await?.map_err(|_| {
            let cause = format_args!("no answer came within {} s", limits.first_byte.as_secs());
            self.place.host_failure(FailureClass::Timeout, "get an answer of", cause)
        })
    }

    /// Where a redirect leads, if it may be followed.
    fn redirected(&self, from: &Url, response: &Response) -> Result<Url, Failure> {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(to) = location.and_then(|text| from.join(text).ok()) else {
            let status = response.status().as_u16();
            return Err(self
                .place
                .protocol_failure(format_args!("it redirected (http {status}) without saying where")));
        };
        if !to.username().is_empty() || to.password().is_some() {
            return Err(self.place.protocol_failure("it redirected to a URL that holds credentials"));
        }
        let signs_in = to.path_segments().is_some_and(|mut segments| segments.any(|segment| segment == "_signin"));
        let own = to.origin() == from.origin();
        if signs_in && (own || self.place.provider() == Provider::AzureRepos) {
            return Err(answer::page(&self.place, "it redirected to a sign-in page"));
        }
        if !own {
            let cause = format!("it redirects to {}, another origin", to.origin().ascii_serialization());
            return Err(self.place.repository_failure(FailureClass::RedirectRefused, "read", cause));
        }
        Ok(to)
    }

    /// Turns a final answer into its body, or into what it means when it is not Git's.
    async fn accept(&self, response: Response, call: &Call, cancel: &CancellationToken) -> Result<Body, Failure> {
        let status = response.status();
        let headers = response.headers().clone();
        let mut body = Body::new(response, &self.client.limits, &self.place, &self.meter, cancel);
        if status != StatusCode::OK {
            let beginning = body.beginning(MAX_ERROR_BODY).await?;
            let refusal = Refusal { status, headers: &headers, body: &beginning, sent: self.sent() };
            return Err(answer::refused(&self.place, &refusal));
        }
        if answer::is_html(&headers) {
            return Err(answer::page(&self.place, "it answered with a page instead of Git"));
        }
        let media_type = answer::media_type(&headers);
        if media_type != call.answer_type() {
            let kind = crate::place::shown(media_type.as_bytes());
            let cause = format!("it answered with content of type `{kind}`");
            return Err(self.place.repository_failure(FailureClass::NotGit, "talk Git with", cause));
        }
        Ok(body)
    }

    fn join(&self, base: &Url, call: &Call) -> Result<Url, Failure> {
        let text = format!("{}{}", base.as_str().trim_end_matches('/'), call.suffix());
        Url::parse(&text).map_err(|error| self.place.repository_failure(FailureClass::Internal, "address", error))
    }

    /// The repository's URL of which `url` is a call; the one that was asked if the redirect led elsewhere.
    fn base_of(&self, url: &Url, call: &Call, asked: &Url) -> Url {
        url.as_str().strip_suffix(call.suffix()).and_then(|text| Url::parse(text).ok()).unwrap_or_else(|| asked.clone())
    }
}

impl Meter {
    fn read(&self) -> Transfer {
        Transfer {
            requests: self.requests.load(Ordering::Relaxed),
            received_bytes: self.received_bytes.load(Ordering::Relaxed),
        }
    }
}
