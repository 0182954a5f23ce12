//! What is asked of a server when objects are fetched, and what answers of both protocols have in common. No I/O here.
//!
//! The ladder: commits without their blobs, else whole commits, else commits with all their history. A server's
//! capabilities say where it stands; one that refuses what it offers is taken a step down, and that is remembered.

use suitesync_contract::ObjectId;

use crate::pkt_line::Encoder;
use crate::refs::parse_id;

/// How commits are asked for, the cheapest way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rung {
    /// At depth 1 with their trees; blobs are wanted by their ids where they are needed.
    Blobless,
    /// At depth 1, with everything that their trees hold.
    Depth1,
    /// With all their history, from a server that cannot cut it off.
    History,
}

impl Rung {
    /// The next one to try, if there is one.
    pub(crate) fn below(self) -> Option<Self> {
        match self {
            Self::Blobless => Some(Self::Depth1),
            Self::Depth1 => Some(Self::History),
            Self::History => None,
        }
    }

    /// The best one for a server with these abilities.
    pub(crate) fn of(shallow: Ability, single_blobs: Ability) -> Self {
        match (shallow, single_blobs) {
            (Ability::Lacking, _) => Self::History,
            (Ability::Offered, Ability::Lacking) => Self::Depth1,
            (Ability::Offered, Ability::Offered) => Self::Blobless,
        }
    }
}

/// Whether a server says that it is able to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ability {
    Offered,
    Lacking,
}

impl From<bool> for Ability {
    fn from(offered: bool) -> Self {
        if offered { Self::Offered } else { Self::Lacking }
    }
}

/// What the ids of a request name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Commits(Rung),
    /// These blobs and nothing else.
    Blobs,
}

impl Scope {
    /// Whether commits are to be cut off from their parents.
    pub(crate) fn is_shallow(self) -> bool {
        matches!(self, Self::Commits(Rung::Blobless | Rung::Depth1))
    }

    /// What is left out of the pack, as `filter` says it.
    pub(crate) fn filter(self) -> Option<&'static str> {
        (self == Self::Commits(Rung::Blobless)).then_some("filter blob:none")
    }
}

/// Which objects to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FetchRequest {
    pub(crate) wants: Vec<ObjectId>,
    /// Commits that are here.
    pub(crate) tips: Vec<ObjectId>,
    pub(crate) scope: Scope,
}

impl FetchRequest {
    /// The lines that say how much is wanted, alike in every version: what is cut off here, the depth and the filter.
    pub(crate) fn write_bounds(&self, request: &mut Encoder) {
        if self.scope.is_shallow() {
            for tip in &self.tips {
                request.line(&format!("shallow {tip}"));
            }
            request.line("deepen 1");
        }
        if let Some(filter) = self.scope.filter() {
            request.line(filter);
        }
    }
}

/// Where the server cut history off, or does so no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShallowLine {
    Shallow(ObjectId),
    Unshallow(ObjectId),
}

pub(crate) fn parse_shallow(line: &[u8]) -> Option<ShallowLine> {
    let line = line.trim_ascii_end();
    match line.strip_prefix(b"shallow ") {
        Some(id) => parse_id(id).map(ShallowLine::Shallow),
        None => parse_id(line.strip_prefix(b"unshallow ")?).map(ShallowLine::Unshallow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abilities_decide_where_the_ladder_begins() {
        let check = |shallow, blobs, expect| assert_eq!(Rung::of(Ability::from(shallow), Ability::from(blobs)), expect);
        check(true, true, Rung::Blobless);
        check(true, false, Rung::Depth1);
        check(false, true, Rung::History);
        check(false, false, Rung::History);
    }

    #[test]
    fn the_ladder_ends() {
        let rungs: Vec<_> = std::iter::successors(Some(Rung::Blobless), |rung| rung.below()).collect();
        assert_eq!(rungs, [Rung::Blobless, Rung::Depth1, Rung::History]);
    }
}
