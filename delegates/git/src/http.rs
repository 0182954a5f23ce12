//! Git's smart HTTP (gitprotocol-http) on a shared client: one exchange with time limits, cancellation, redirects on
//! the own origin only, and the body as a stream.

mod request_body;

use std::sync::Arc;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};
use suitesync_contract::{Failure, FailureClass, Origin, Provider};
use suitesync_reach::{Client, Phase, Place, Refusal, Sent, unless_canceled};
use tokio_util::sync::CancellationToken;

use crate::body::{Body, Meter, Reading};
use crate::transport::{Answer, Call};
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
    origin: Origin,
    authorization: Option<HeaderValue>,
    meter: Arc<Meter>,
}

impl Http {
    pub(crate) fn new(client: Client, place: Arc<Place>, origin: Origin, authorization: Option<HeaderValue>) -> Self {
        Self { client, place, origin, authorization, meter: Arc::default() }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
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
        let sent = match self.send_once(url, call, cancel).await? {
            Err(error) if suitesync_reach::closed_before_answer(&error) => self.send_once(url, call, cancel).await?,
            first => first,
        };
        match sent {
            Ok(response) => Ok(response),
            Err(error) => {
                let explained = self.client.explain(&self.place, &self.origin, &error, Phase::Asking);
                Err(unless_canceled(cancel, explained).await?)
            }
        }
    }

    async fn send_once(
        &self,
        url: &Url,
        call: &Call,
        cancel: &CancellationToken,
    ) -> Result<Result<Response, reqwest::Error>, Failure> {
        let mut request = self.client.http().request(method(call), url.clone());
        request = request.header(ACCEPT, answer_type(call)).header(GIT_PROTOCOL, "version=2");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        if let Call::UploadPack { packets, .. } = call {
            let body = RequestBody::new(packets.clone());
            request = request.header(CONTENT_TYPE, "application/x-git-upload-pack-request").body(body.bytes());
            if let Some(encoding) = body.encoding() {
                request = request.header(CONTENT_ENCODING, encoding);
            }
        }
        self.meter.count_request();
        let limits = self.client.limits();
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
        let own = to.origin() == from.origin();
        if suitesync_reach::is_sign_in(&to) && (own || self.place.provider() == Provider::AzureRepos) {
            return Err(suitesync_reach::page(&self.place, "it redirected to a sign-in page"));
        }
        if !own {
            let cause = format!("it redirects to {}, another origin", suitesync_reach::shown_origin(&to));
            return Err(self.place.repository_failure(FailureClass::RedirectRefused, "read", cause));
        }
        Ok(to)
    }

    /// Turns a final answer into its body, or into what it means when it is not Git's.
    async fn accept(&self, response: Response, call: &Call, cancel: &CancellationToken) -> Result<Body, Failure> {
        let status = response.status();
        let headers = response.headers().clone();
        let mut body = Body::of_response(response, self.reading(cancel));
        if status != StatusCode::OK {
            let beginning = body.beginning(MAX_ERROR_BODY).await?;
            let refusal = Refusal { status, headers: &headers, body: &beginning, sent: self.sent() };
            return Err(suitesync_reach::refused(&self.place, &refusal));
        }
        if suitesync_reach::is_html(&headers) {
            return Err(suitesync_reach::page(&self.place, "it answered with a page instead of Git"));
        }
        let media_type = suitesync_reach::media_type(&headers);
        if media_type != answer_type(call) {
            let kind = suitesync_reach::shown(media_type.as_bytes());
            let cause = format!("it answered with content of type `{kind}`");
            return Err(self.place.repository_failure(FailureClass::NotGit, "talk Git with", cause));
        }
        Ok(body)
    }

    fn reading(&self, cancel: &CancellationToken) -> Reading {
        Reading {
            limits: *self.client.limits(),
            place: Arc::clone(&self.place),
            meter: Arc::clone(&self.meter),
            cancel: cancel.clone(),
        }
    }

    fn join(&self, base: &Url, call: &Call) -> Result<Url, Failure> {
        let text = format!("{}{}", base.as_str().trim_end_matches('/'), suffix(call));
        Url::parse(&text).map_err(|error| self.place.repository_failure(FailureClass::Internal, "address", error))
    }

    /// The repository's URL of which `url` is a call; the one that was asked if the redirect led elsewhere.
    fn base_of(&self, url: &Url, call: &Call, asked: &Url) -> Url {
        url.as_str().strip_suffix(suffix(call)).and_then(|text| Url::parse(text).ok()).unwrap_or_else(|| asked.clone())
    }
}

fn method(call: &Call) -> Method {
    match call {
        Call::Advertisement => Method::GET,
        Call::UploadPack { .. } => Method::POST,
    }
}

/// What is added to the repository's URL.
fn suffix(call: &Call) -> &'static str {
    match call {
        Call::Advertisement => "/info/refs?service=git-upload-pack",
        Call::UploadPack { .. } => "/git-upload-pack",
    }
}

fn answer_type(call: &Call) -> &'static str {
    match call {
        Call::Advertisement => "application/x-git-upload-pack-advertisement",
        Call::UploadPack { .. } => "application/x-git-upload-pack-result",
    }
}
