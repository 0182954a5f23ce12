//! What we call ourselves in the protocol.

/// The capability `agent` (gitprotocol-capabilities), in which spaces are not allowed.
pub(crate) const AGENT: &str = concat!("agent=git/2.47-suitesync/", env!("CARGO_PKG_VERSION"));
