//! The product as its users meet it: the real binary, real Git servers behind TLS, real files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends with the reason")]

mod architecture;
mod archiving;
mod canaries;
mod care;
mod commands;
mod configuration;
mod containment;
mod delegates;
mod failure_classes;
mod faults;
mod framework;
mod freshness;
mod full_disks;
mod imports;
mod kills;
mod life;
mod plugins;
mod problems;
mod remote;
mod repositories;
mod run_access;
mod run_changes;
mod runs;
mod runs_process;
mod support;
mod syncing;
mod units;
mod ways;
