//! The rules that a delegate can fail, and how they are told.

use std::fmt;

use suitesync_contract::SecretRef;
use suitesync_contract::rpc::WorkKind;

use crate::domain::back_off::BackOff;
use crate::domain::delegate::Loss;

/// Why a delegate does not get a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    MissingTag(String),
    DoesNot(WorkKind),
    /// The secret lies on the agent's host, and only names travel.
    CannotHave(SecretRef),
    Starting,
    /// With the cause, where it is known.
    Lost(Option<Loss>),
    Draining,
    /// It has tried this very task, could not connect or lacks a secret, and another one is to try now.
    Unconnected,
    Full {
        taken: u32,
        of: u32,
    },
    BacksOff(BackOff),
}

impl Reason {
    /// Whether it takes another configuration to make the delegate eligible.
    pub(super) fn is_lasting(&self) -> bool {
        matches!(self, Self::MissingTag(_) | Self::DoesNot(_) | Self::CannotHave(_))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingTag(tag) => write!(f, "missing tag {tag}"),
            Self::DoesNot(work) => write!(f, "does no {}", plural(*work)),
            Self::CannotHave(secret) => write!(f, "cannot have {secret}, which is of the agent's host"),
            Self::Starting => f.write_str("starting"),
            Self::Lost(None) => f.write_str("lost"),
            Self::Lost(Some(why)) => write!(f, "lost: {why}"),
            Self::Draining => f.write_str("draining"),
            Self::Unconnected => f.write_str("has tried this task in vain"),
            Self::Full { taken, of } => write!(f, "full: {taken} of {of}"),
            Self::BacksOff(back_off) => back_off.fmt(f),
        }
    }
}

/// Tasks of a kind.
pub(super) fn plural(work: WorkKind) -> &'static str {
    match work {
        WorkKind::Probe => "tests of connections",
        WorkKind::Sync => "syncs",
        WorkKind::Run => "runs",
    }
}
