//! What may stand between the port and Git: a provider with its own logins, pages and answers.

use std::fmt;

use hyper::body::Incoming;
use hyper::header::AsHeaderName;
use hyper::{Method, Request, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What a segment of a path keeps as it is (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A provider in front of Git.
pub(crate) trait Front: fmt::Debug + Send + Sync {
    fn meet(&self, head: &Head<'_>) -> Entry;
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Entry {
    /// Git answers, for this decoded path and this user.
    Git {
        path: String,
        user: String,
    },
    Reply(Reply),
}

/// An answer that is at hand.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }.with("Content-Type", content_type)
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// The head of a request, taken apart.
pub(crate) struct Head<'request> {
    request: &'request Request<Incoming>,
    /// The segments of the path, each decoded; one trailing slash makes none.
    pub(crate) segments: Vec<String>,
}

impl<'request> Head<'request> {
    pub(crate) fn of(request: &'request Request<Incoming>) -> Self {
        let path = request.uri().path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        Self { request, segments: path.split('/').map(decoded).collect() }
    }

    pub(crate) fn method(&self) -> &Method {
        self.request.method()
    }

    /// A header as text; nothing where it is missing or no text.
    pub(crate) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// A decoded value of the query.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let pairs = self.request.uri().query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.filter(|(key, _)| decoded(key) == name).map(|(_, value)| decoded(value)).next()
    }
}

/// One segment of a path as it stands in a URL.
pub(crate) fn encoded(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
