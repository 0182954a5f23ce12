//! Real servers on loopback: Git over HTTPS and SSH, a proxy, NATS, a look-alike of Azure DevOps, and what goes with them.
//!
//! A crate of its own so that no delegate can depend on it: the demo and the tests reach it, the code that is
//! tested does not. Git itself answers (`git http-backend`, `git upload-pack` below `sshd`), so what a client meets
//! here it meets elsewhere. Every call is a plain blocking function; every server runs on a thread of its own, needs
//! no runtime of the caller's, and ends with all it started when it is dropped.

mod answer;
mod authority;
mod azure;
mod backend;
mod child;
mod clean_git;
mod connection;
mod error;
mod fault;
mod front;
mod handler;
mod identity;
mod ledger;
mod listener;
mod nats;
mod options;
mod proxy;
mod raw;
mod sample_change;
mod sample_repository;
mod server;
mod shared;
mod ssh;
mod tasks;
mod tls;
mod wire;

pub use authority::{Authority, IssueOptions};
pub use azure::{AzureDeployment, AzureFault, AzureOptions, AzureRefusal, AzureScope, AzureScopeRefusal, AzureServer};
pub use clean_git::clean_git;
pub use error::LoopbackError;
pub use fault::Fault;
pub use identity::{ClientIdentity, ServerIdentity};
pub use ledger::RequestRecord;
pub use nats::{NatsOptions, NatsServer};
pub use options::{Login, Protocol, ServerOptions};
pub use proxy::{ProxyFault, ProxyOptions, ProxyServer};
pub use raw::{RawAnswer, RawServer};
pub use sample_change::Change;
pub use sample_repository::SampleRepository;
pub use server::GitServer;
pub use ssh::{SshAlgorithms, SshFault, SshKey, SshKeyFormat, SshKeyKind, SshOptions, SshServer};
pub use tls::TlsVersions;
