//! Both sides of the wire over a real `nats-server`: tasks, their outcomes, and everything that can come in between.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod connecting;
mod hostile;
mod losses;
mod receptions;
mod restarts;
mod rounds;
mod support;
mod throughput;
