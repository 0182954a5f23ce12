//! What all of Azure answers on a bad day, as faults that a server can be told to show.

use hyper::StatusCode;

use crate::azure::reply;
use crate::fault::Fault;
use crate::front::Reply;

/// An answer of Azure's own; `into()` makes it a fault for `GitServer::set_fault`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzureFault {
    /// 429 with TF400733 and `Retry-After`.
    RateLimited { seconds: u32 },
    /// 503 with TF10216.
    Unavailable,
    /// 203 and a page of HTML to sign in.
    SignInPage,
    /// 302 to `/_signin`.
    SignInRedirect,
    /// 401 with TF400813, as for a policy on addresses.
    Unauthorized,
    /// 401 with the words about a token that has expired.
    TokenExpired,
}

impl From<AzureFault> for Fault {
    fn from(fault: AzureFault) -> Self {
        let Reply { status, headers, body } = match fault {
            AzureFault::RateLimited { seconds } => reply::rate_limited(seconds),
            AzureFault::Unavailable => reply::unavailable(),
            AzureFault::SignInPage => reply::sign_in_page(StatusCode::NON_AUTHORITATIVE_INFORMATION),
            AzureFault::SignInRedirect => reply::sign_in_redirect(),
            AzureFault::Unauthorized => reply::unauthorized(),
            AzureFault::TokenExpired => reply::expired(),
        };
        Self::Status { code: status.as_u16(), headers, body }
    }
}
