//! suitesync keeps a catalog of tests in step with the Git repositories they live in.
//!
//! The modules import one way, in this order; `tests/architecture.rs` holds it.

pub mod api;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod views;
