//! The Git delegate's crate against a real `git http-backend` over TLS, and a real `sshd`, on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod apart;
mod checkouts;
mod first_steps;
mod hostile_servers;
mod hostile_streams;
mod hostile_trees;
mod killing;
mod ladder;
mod local_repositories;
mod mirrors;
mod polling;
mod probing;
mod ssh;
mod support;
mod swaps;
mod trust;
mod updates;
