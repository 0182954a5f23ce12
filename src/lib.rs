//! suitesync.
