//! A real HTTPS Git server on loopback.
