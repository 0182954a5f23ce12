//! Executes a run as child processes and reads its results.
//!
//! A crate of its own so that what starts processes knows neither the agent, nor Git, nor a catalog. A caller goes
//! [`list`] → [`Runner::run`] → [`read_results`], and gets its verdict from [`suitesync_contract::Verdict::of`]. What a
//! killed caller left is ended by [`sweep`], and its log closed by [`close_log`].

mod disk;
mod files;
pub mod junit;
mod log;
mod process;
mod redactor;

pub use disk::{Measured, measure};
pub use files::{Globs, InvalidGlob, Listing, Results, list, read_results};
pub use log::{LogFile, LogSummary, close_log};
pub use process::{
    Brand, ProcessId, RUN_VARIABLE, RunEnd, RunLimits, RunMarker, RunOrder, RunProgress, Runner, StopSignal,
    StoppedProcess, Swept, base_environment, sweep,
};
pub use redactor::{MIN_SECRET, RedactedStream, Redactor, RedactorError, Secret};
