//! The ways out, against real servers and proxies on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod certificates;
mod identities;
mod proxies;
mod sockets;
mod support;
mod tls;
