//! From a request to an answer: write it down, meet a fault, ask for the login, then let Git speak.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use hyper::{Request, StatusCode};
use percent_encoding::percent_decode_str;

use crate::answer::{Answer, Pace, said};
use crate::backend::{self, Call};
use crate::fault::Fault;
use crate::ledger::RequestRecord;
use crate::shared::Shared;
use crate::wire::{ConnectionEnd, Reset};

/// Answers one request; an error resets the connection it came on.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    end: Arc<ConnectionEnd>,
    request: Request<Incoming>,
) -> Result<Answer, Reset> {
    let decoded: Vec<u8> = percent_decode_str(request.uri().path()).collect();
    let path = String::from_utf8_lossy(&decoded).into_owned();
    shared.ledger.request(record_of(&request, path.clone()));
    let fault = shared.faults().meets_request(&path);
    let pace = match fault {
        None | Some(Fault::SilentAfterAccept) => Pace::Full,
        Some(Fault::Drip { bytes_per_second }) => Pace::Drip { bytes_per_second },
        Some(Fault::CutAfter(bytes)) => Pace::CutAfter(bytes),
        Some(Fault::DelayFirstByte(delay)) => {
            tokio::time::sleep(delay).await;
            Pace::Full
        }
        Some(Fault::SilentAfterRequest) => std::future::pending().await,
        Some(Fault::Reset) => return Err(end.reset()),
        Some(Fault::Redirect(target)) => {
            let location = vec![(LOCATION.to_string(), target)];
            return Ok(said(&shared.ledger, StatusCode::FOUND, &location, Vec::new()));
        }
        Some(Fault::Status { code, headers, body }) => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Ok(said(&shared.ledger, status, &headers, body));
        }
    };
    let login = shared.login();
    let Some(user) = login.admits(request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok())) else {
        let challenge = vec![(WWW_AUTHENTICATE.to_string(), login.challenge().to_owned())];
        return Ok(said(&shared.ledger, StatusCode::UNAUTHORIZED, &challenge, Vec::new()));
    };
    let call = Call { path: decoded, user: user.to_owned(), pace };
    Ok(backend::run(&shared, call, request).await.unwrap_or_else(|failure| {
        let body = format!("failed to run git http-backend: {failure}\n").into_bytes();
        said(&shared.ledger, StatusCode::INTERNAL_SERVER_ERROR, &[], body)
    }))
}

fn record_of(request: &Request<Incoming>, path: String) -> RequestRecord {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    RequestRecord {
        method: request.method().to_string(),
        path,
        query: request.uri().query().unwrap_or_default().to_owned(),
        headers: request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
    }
}
