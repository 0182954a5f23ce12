//! Who of the eligible is taken, and why this one.

use std::cmp::Ordering;
use std::fmt;

use suitesync_contract::DelegateName;
use suitesync_contract::rpc::WorkKind;

use super::Candidate;

/// Why one of the eligible is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    Only,
    LeastBusy,
    /// It served the repository last.
    Warm,
    IdleLongest,
}

impl fmt::Display for Preference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Only => "no other one can",
            Self::LeastBusy => "it has the fewest in hand for its capacity",
            Self::Warm => "it served this repository last, and others have as much in hand",
            Self::IdleLongest => "its last task is the longest ago, and others have as much in hand",
        })
    }
}

/// The least busy; of equals the one whose mirror is `warm`, then the one whose last task is the longest ago.
pub(super) fn best<'c>(
    eligible: &[&'c Candidate],
    work: WorkKind,
    warm: Option<&DelegateName>,
) -> Option<(&'c Candidate, Preference)> {
    let least = eligible.iter().map(|candidate| candidate.load(work)).min_by(Load::cmp)?;
    let is_idlest = |candidate: &&Candidate| candidate.load(work).cmp(&least).is_eq();
    let idlest: Vec<_> = eligible.iter().copied().filter(is_idlest).collect();
    let is_warm = |candidate: &&Candidate| Some(&candidate.name) == warm;
    match (idlest.as_slice(), idlest.iter().copied().find(is_warm)) {
        ([only], _) if eligible.len() == 1 => Some((only, Preference::Only)),
        ([one], _) => Some((one, Preference::LeastBusy)),
        (_, Some(warm)) => Some((warm, Preference::Warm)),
        (several, None) => {
            let longest = several.iter().copied().min_by_key(|candidate| candidate.last_used)?;
            Some((longest, Preference::IdleLongest))
        }
    }
}

/// How many of a delegate's places for a kind of work are taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) taken: u32,
    pub(super) of: u32,
}

impl Load {
    /// By the share that is taken.
    pub(super) fn cmp(&self, other: &Self) -> Ordering {
        let product = |taken: u32, of: u32| u64::from(taken) * u64::from(of);
        product(self.taken, other.of).cmp(&product(other.taken, self.of))
    }
}
