//! What an answer is made of: a status, headers, and a body at hand or on its way.

use std::io;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use crate::ledger::Ledger;

pub(crate) type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// How fast, and how far, the body of an answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    Full,
    Drip { bytes_per_second: u32 },
    CutAfter(u64),
}

/// An answer with a body at hand. Headers that HTTP does not allow are left out.
pub(crate) fn said(ledger: &Ledger, status: StatusCode, headers: &[(String, String)], body: Vec<u8>) -> Answer {
    ledger.sent(body.len());
    let mut response = Response::new(Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    add_headers(response.headers_mut(), headers);
    response
}

pub(crate) fn add_headers(target: &mut HeaderMap, headers: &[(String, String)]) {
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            target.append(name, value);
        }
    }
}
