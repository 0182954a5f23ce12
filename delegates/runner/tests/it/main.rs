//! Runs as real processes, and the table of verdicts.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends with the reason")]

mod containment;
mod logs;
mod runs;
mod support;
mod sweeping;
mod verdict;
