//! The only code that speaks Git: trust, a wire client of our own over HTTPS, connection tests, and mirrors with
//! libgit2 as their object database.
//!
//! A crate of its own so that nobody else needs, or can use, libgit2, TLS or an HTTP client for Git. A caller goes
//! [`Trust`] → [`Clients`] → [`Remote`], then either [`probe`], or [`Remote::resolve`] → [`Mirrors::open`] →
//! [`Mirror::fetch`] → [`Mirror::snapshot`] and [`Mirror::read_blob`].

mod agent_name;
mod authorization;
mod cancel;
mod certificate;
mod classify;
mod client;
mod fetching;
#[cfg(test)]
mod fuzzed;
mod http;
mod knowledge;
mod limits;
mod mirror;
mod packets;
mod pkt_line;
mod place;
mod probe;
mod protocol;
mod protocol_v0;
mod protocol_v2;
mod refs;
mod remote;
mod resolver;
mod trust;

pub use authorization::Authorization;
pub use client::{Client, Clients};
pub use limits::{Limits, TimeLimits};
pub use mirror::{
    BlobContent, CareError, CarePolicy, CareReport, FetchProgress, Mirror, MirrorKey, Mirrors, RemovalReason,
    RemovedMirror,
};
pub use probe::probe;
pub use refs::Tip;
pub use remote::{PlainHttp, Remote, RemoteSettings, Resolved};
pub use trust::{Fingerprint, Trust, TrustError};
