//! The API's client against answers of Azure's own shapes, over TLS on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod answers;
mod broken_wires;
mod locating;
mod paces;
mod probing;
mod refusals;
mod requests;
mod support;
mod versions;
mod whole_server;
