//! The only code that speaks Git: a wire client of our own over HTTPS and SSH, connection tests, and mirrors with
//! libgit2 as their object database.
//!
//! A crate of its own so that nobody else needs, or can use, libgit2 or Git's protocol. A caller goes
//! [`Remotes`] → [`Remote`], then either [`probe`], or [`Remote::resolve`] → [`Mirrors::open`] →
//! [`Mirror::fetch`] → [`Mirror::snapshot`] and [`Mirror::read_blob`], or [`Mirror::check_out`]. A [`LocalRepository`] is
//! resolved and read where it lies.

mod advertisement;
mod agent_name;
mod authorization;
mod body;
mod fetching;
#[cfg(test)]
mod fuzzed;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod http;
mod knowledge;
mod limits;
mod local_repository;
mod mirror;
mod packets;
mod pkt_line;
mod probe;
mod protocol;
mod protocol_v0;
mod protocol_v2;
mod refs;
mod remote;
mod ssh;
mod transport;

pub use authorization::Authorization;
pub use limits::Limits;
pub use local_repository::LocalRepository;
pub use mirror::{
    BlobContent, CareError, CarePolicy, CareReport, FetchProgress, Mirror, MirrorKey, Mirrors, RemovalReason,
    RemovedMirror,
};
pub use probe::probe;
pub use refs::Tip;
pub use remote::{PlainHttp, Remote, RemoteSettings, Remotes, Resolved};
