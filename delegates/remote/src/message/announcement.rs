//! What a delegate says of itself, every two seconds: that it is there, and what it is good for.

use serde::{Deserialize, Serialize};
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, Tags};

use super::{Key, Refusal};

/// Whether a delegate takes tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attendance {
    Serving,
    /// It ends what it has and takes nothing new.
    Draining,
    /// It has left, with nothing in hand.
    Gone,
}

/// The last of these is kept in the stream; that it was stored is the delegate's lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    pub protocol: u32,
    pub name: DelegateName,
    /// Drawn at each start of the delegate.
    pub instance: u64,
    pub attendance: Attendance,
    pub tags: Tags,
    /// How many tasks may fetch or read at once.
    pub capacity: u32,
    pub work: Vec<WorkKind>,
    /// What it is, for people: a program and its version.
    pub program: String,
    /// Runs in hand, from before they are started until their outcome is stored.
    pub runs: Vec<Key>,
    /// As far as the delegate knows, why the agent does not let it serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}
