//! The agent at work: what is due becomes a task, a delegate carries it out, and what came of it is recorded.
//!
//! One task of the runtime, the actor in `agent`, owns what is planned; it decides by the domain's functions and never
//! waits for a delegate. Delegates and the store answer it through one channel. Statuses live in the catalog alone: the
//! actor keeps copies of what the last write returned.

pub mod agent;
pub mod care;
pub mod control;
pub mod delegate;
pub mod dispatcher;
pub mod explanation;
pub mod hiring;
pub mod importing;
pub mod local;
pub mod parses;
pub mod plan;
pub mod process;
pub mod recovering;
pub mod reload;
pub mod remote;
pub mod run_logs;
pub mod state_folder;
pub mod station;
pub mod tasks;
pub mod ticker;
pub mod work;
