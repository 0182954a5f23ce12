//! A real HTTPS Git server on loopback, with certificates and sample repositories to go with it.
//!
//! A crate of its own so that no delegate can depend on it: the demo and the tests reach it, the code that is
//! tested does not. Git itself answers (`git http-backend`), so what a client meets here it meets elsewhere.
//! Every call is a plain blocking function; the server runs on a thread of its own and needs no runtime of the
//! caller's.

mod answer;
mod authority;
mod backend;
mod clean_git;
mod connection;
mod error;
mod fault;
mod handler;
mod ledger;
mod options;
mod sample_change;
mod sample_repository;
mod server;
mod shared;
mod wire;

pub use authority::{Authority, IssueOptions, ServerIdentity};
pub use clean_git::clean_git;
pub use error::LoopbackError;
pub use fault::Fault;
pub use ledger::RequestRecord;
pub use options::{Login, Protocol, ServerOptions};
pub use sample_change::Change;
pub use sample_repository::SampleRepository;
pub use server::GitServer;
