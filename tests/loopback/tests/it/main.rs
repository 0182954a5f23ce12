//! The loopback server as its users meet it: the real Git and bare sockets in front, the real Git behind.

#![expect(clippy::unwrap_used, reason = "what a test relies on may end it")]

mod azure;
mod clients;
mod curl;
mod faults;
mod life;
mod proxy;
mod raw;
mod samples;
mod ssh;
mod support;
mod tls;
