//! Git over SSH: the real `sshd`, one child a connection, with its keys and its own end of every command.
//!
//! `sshd` is started as `inetd` would start it, on a connection that is there already. So the port is held by this
//! process from the start, connections are counted where they come in, and a changed host key needs no restart.

mod configuration;
mod daemon;
mod key;
mod options;
mod server;

pub use key::{SshKey, SshKeyFormat, SshKeyKind};
pub use options::{SshAlgorithms, SshOptions};
pub use server::{SshFault, SshServer};
