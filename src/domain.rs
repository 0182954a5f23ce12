//! Decisions as pure functions of values: no clock, no runtime, no file system. Time and chance are arguments.

pub mod access;
pub mod agenda;
pub mod attempt;
pub mod back_off;
pub mod cadence;
pub mod changes;
pub mod connection;
pub mod delegate;
pub mod event;
pub mod link;
pub mod nearest;
pub mod retry;
pub mod run;
pub mod schedule;
pub mod selection;
pub mod suite_glob;
