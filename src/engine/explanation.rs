//! Why a delegate gets a task, and why others do not, as it is told.

use serde::{Deserialize, Serialize};
use suitesync_contract::{ConnectionName, LinkName, ScheduleName};

use crate::domain::back_off::BackOff;

/// What a delegate is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Any test or sync that asks for no tags.
    Anything,
    /// A test.
    Connection(ConnectionName),
    /// A sync.
    Link(LinkName),
    /// A run.
    Schedule(ScheduleName),
}

/// What becomes of one delegate when work is to be given away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegateVerdict {
    pub delegate: String,
    pub eligible: bool,
    /// Every rule that it fails.
    pub reasons: Vec<String>,
    /// Whether it would be given the work now.
    pub chosen: bool,
    /// Why it is chosen before others that are eligible.
    pub because: Option<String>,
    /// Servers of this work that it could not connect to. They count while another delegate is at hand.
    pub backs_off: Vec<BackOff>,
}
