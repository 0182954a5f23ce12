//! The same client over SSH, against a real `sshd`.

mod fetching;
mod host_keys;
mod keys;
mod polling;
mod probing;
mod sessions;
mod silence;
mod world;
