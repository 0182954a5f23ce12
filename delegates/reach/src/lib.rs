//! How a server is reached: which certificates are trusted, which proxy is gone through, the HTTP clients that come of
//! it, and what a failure on the way means.
//!
//! A crate of its own so that whoever speaks Git and whoever speaks a provider's API go the same way out, with the
//! same trust, proxy and time limits, and neither can build a client of another kind.

mod agent_name;
mod basic;
mod cancel;
mod certificate;
mod classify;
mod client;
mod dial;
mod explain;
mod fingerprint;
mod identity;
mod limits;
mod place;
mod proxy;
mod resolver;
mod route;
mod trust;

pub use agent_name::USER_AGENT;
pub use basic::basic;
pub use cancel::{canceled, unless_canceled};
pub use classify::answer::{ProviderCode, Refusal, Sent, is_html, is_sign_in, media_type, page, refused, shown_origin};
pub use classify::retry_after::{retry_after, seconds_until};
pub use classify::service_error::ServiceError;
pub use classify::{Phase, closed_before_answer, request, system_words};
pub use client::{Client, Clients};
pub use dial::{Connected, Dial, Secured};
pub use fingerprint::Fingerprint;
pub use identity::{ClientIdentity, IdentityError};
pub use limits::TimeLimits;
pub use place::{Place, shown};
pub use proxy::{InvalidProxy, InvalidRule, NoProxy, Proxy, ProxySettings};
pub use route::Route;
pub use trust::{Trust, TrustError};
