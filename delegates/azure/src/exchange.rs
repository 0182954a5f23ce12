//! One request and its whole answer, with time limits, a bound and no redirects.

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Response, StatusCode, Url};
use suitesync_contract::{Failure, FailureClass, Origin};
use suitesync_reach::{Client, Phase, Place, unless_canceled};
use tokio_util::sync::CancellationToken;

/// Bound of an answer: the list of a project's repositories takes about 2 KB for each of them.
const MAX_ANSWER: usize = 16 << 20;
/// Not the one of Git's requests: who asks here is no Git client.
const AGENT: &str = concat!("suitesync/", env!("CARGO_PKG_VERSION"));
/// With it Azure answers 401 to a token that it does not accept, and does not send us to a sign-in page.
const FED_AUTH_REDIRECT: (&str, &str) = ("x-tfs-fedauthredirect", "Suppress");

/// The way to one server, with the token.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    client: Client,
    place: Place,
    origin: Origin,
    authorization: HeaderValue,
}

/// An answer as it came, whatever it says.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    pub(crate) fn new(client: Client, place: Place, origin: Origin, authorization: HeaderValue) -> Self {
        Self { client, place, origin, authorization }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) async fn get(&self, url: &Url, cancel: &CancellationToken) -> Result<Answer, Failure> {
        unless_canceled(cancel, async { self.receive(self.send(url).await?).await }).await?
    }

    /// Sends once, and once more if a kept connection turned out to be closed.
    async fn send(&self, url: &Url) -> Result<Response, Failure> {
        let answered = match self.send_once(url).await? {
            Err(error) if suitesync_reach::closed_before_answer(&error) => self.send_once(url).await?,
            first => first,
        };
        match answered {
            Ok(response) => Ok(response),
            Err(error) => Err(self.explain(&error, Phase::Asking).await),
        }
    }

    async fn send_once(&self, url: &Url) -> Result<Result<Response, reqwest::Error>, Failure> {
        let request = self
            .client
            .http()
            .get(url.clone())
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, self.authorization.clone())
            .header(FED_AUTH_REDIRECT.0, FED_AUTH_REDIRECT.1)
            .header(USER_AGENT, AGENT);
        let limits = self.client.limits();
        let answered = tokio::time::timeout(limits.connect + limits.first_byte, request.send());
        answered.await.map_err(|_| {
            let cause = format_args!("no answer came within {} s", limits.first_byte.as_secs());
            self.place.host_failure(FailureClass::Timeout, "get an answer of", cause)
        })
    }

    async fn receive(&self, response: Response) -> Result<Answer, Failure> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        // Answers are small: one that is not whole within the window in which some bytes have to come never will be.
        let window = self.client.limits().rate_window;
        let read = tokio::time::timeout(window, self.read(response, &mut body)).await.unwrap_or_else(|_| {
            let cause = format_args!("it was not whole within {} s", window.as_secs());
            Err(self.place.host_failure(FailureClass::Timeout, "read the answer of", cause))
        });
        match read {
            // What the status of a refusal says outweighs that its explanation did not come.
            Err(failure) if status.is_success() => Err(failure),
            Err(_) | Ok(()) => Ok(Answer { status, headers, body }),
        }
    }

    async fn read(&self, mut response: Response, body: &mut Vec<u8>) -> Result<(), Failure> {
        let stall = self.client.limits().stall;
        loop {
            let piece = tokio::time::timeout(stall, response.chunk()).await.map_err(|_| {
                let cause = format_args!("nothing came for {} s", stall.as_secs());
                self.place.host_failure(FailureClass::Timeout, "read the answer of", cause)
            })?;
            let piece = match piece {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.explain(&error, Phase::Receiving).await),
            };
            if body.len() + piece.len() > MAX_ANSWER {
                let cause = format_args!("it is larger than {} MiB", MAX_ANSWER >> 20);
                return Err(self.place.host_failure(FailureClass::Protocol, "read the answer of", cause));
            }
            body.extend_from_slice(&piece);
        }
    }

    async fn explain(&self, error: &reqwest::Error, phase: Phase) -> Failure {
        self.client.explain(&self.place, &self.origin, error, phase).await
    }
}
