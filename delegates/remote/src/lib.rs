//! Tasks for delegates on other hosts, carried over NATS JetStream; `docs/remote-protocol.md` says what is spoken.
//!
//! A crate of its own so that neither side of the wire can know the agent, its catalog or what a task does: its
//! vocabulary is `suitesync-contract`. [`Fleet`] is the agent's side, [`Station`] the delegate's; both stand on one
//! connection at a time (`bus`) and speak in the shapes of [`message`]. What a delegate lets an agent use of its secrets
//! is [`guard`]'s to say.
//!
//! What holds:
//! - Each task that is handed out ends once for whoever asked, whatever dies, is cut off or comes back.
//! - A run is started at most once: whoever starts it takes its message out of the stream, which the server lets
//!   happen once.
//! - An outcome is in the stream until the agent has it, that of a run until the agent says that it is settled.
//! - No message holds a secret: tasks carry names, and outcomes come as the executor made them.

mod bus;
pub mod fleet;
pub mod guard;
pub mod message;
pub mod station;

use std::sync::Arc;

use suitesync_contract::Progress;

pub use bus::{BusSettings, BusState, Login, NEEDED_VERSION, RemoteError};
pub use fleet::{Fleet, FleetSettings, Member, MemberStatus, Notice, Resumption};
pub use guard::{Guard, HostPattern, Permission};
pub use message::Refusal;
pub use station::{Executor, Offer, Station, StationSettings};

/// Where is told how far a task is. Never blocks.
pub type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;
