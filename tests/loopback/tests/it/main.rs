//! The loopback server as its users meet it: the real Git and bare sockets in front, the real Git behind.

#![expect(clippy::unwrap_used, reason = "what a test relies on may end it")]

mod clients;
mod faults;
mod life;
mod samples;
mod support;
