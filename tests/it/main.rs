//! The product as its users meet it: the real binary, real Git servers behind TLS, real files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends with the reason")]

mod architecture;
mod canaries;
mod care;
mod commands;
mod configuration;
mod failure_classes;
mod faults;
mod freshness;
mod life;
mod repositories;
mod support;
mod syncing;
mod ways;
