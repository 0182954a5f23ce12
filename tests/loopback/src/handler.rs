//! From a request to an answer: write it down, meet a fault, ask for the login, then let Git speak.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
use hyper::{Request, StatusCode};
use percent_encoding::percent_decode_str;

use crate::answer::{Answer, Pace, said};
use crate::backend::{self, Call};
use crate::fault::Fault;
use crate::front::{Entry, Head, Reply};
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
    shared.ledger.request(RequestRecord::of(&request, path.clone()));
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
    let (path, user) = match admitted(&shared, &request, decoded) {
        Ok(admitted) => admitted,
        Err(Reply { status, headers, body }) => return Ok(said(&shared.ledger, status, &headers, body)),
    };
    let call = Call { path, user, pace };
    Ok(backend::run(&shared, call, request).await.unwrap_or_else(|failure| {
        let body = format!("failed to run git http-backend: {failure}\n").into_bytes();
        said(&shared.ledger, StatusCode::INTERNAL_SERVER_ERROR, &[], body)
    }))
}

/// The path and the user for whom Git answers, or the answer in its place.
fn admitted(shared: &Shared, request: &Request<Incoming>, path: Vec<u8>) -> Result<(Vec<u8>, String), Reply> {
    if let Some(front) = &shared.front {
        return match front.meet(&Head::of(request)) {
            Entry::Git { path, user } => Ok((path.into_bytes(), user)),
            Entry::Reply(reply) => Err(reply),
        };
    }
    let login = shared.login();
    match login.admits(request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok())) {
        Some(user) => Ok((path, user.to_owned())),
        None => {
            let challenge = vec![(WWW_AUTHENTICATE.to_string(), login.challenge().to_owned())];
            Err(Reply { status: StatusCode::UNAUTHORIZED, headers: challenge, body: Vec::new() })
        }
    }
}
