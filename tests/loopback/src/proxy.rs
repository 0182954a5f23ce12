//! An HTTP proxy on loopback, plain or over TLS: tunnels by CONNECT, and requests in absolute form passed on.

mod handler;
mod options;
mod route;
mod server;

pub use options::{ProxyFault, ProxyOptions};
pub use server::ProxyServer;
