//! What came of starting a schedule by hand.

use serde::{Deserialize, Serialize};
use suitesync_contract::Tags;

use crate::catalog::run::RunRecord;
use crate::domain::nearest::suggestion;
use crate::domain::selection::Candidate;

/// The answer to `run start`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StartView {
    pub runs: Vec<RunRecord>,
    /// What the runs ask for and nobody has who is known: most likely a slip.
    pub unknown_tags: Vec<UnknownTag>,
}

/// A tag that no delegate carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownTag {
    pub tag: String,
    /// The tag that was probably meant, or those that there are.
    pub hint: String,
}

impl UnknownTag {
    /// Those among the wanted tags.
    pub fn among(wanted: &Tags, candidates: &[Candidate]) -> Vec<Self> {
        let carried: Tags = candidates.iter().flat_map(|candidate| candidate.tags.iter()).collect();
        let names: Vec<_> = carried.iter().collect();
        let hint = |tag: &str| suggestion(tag, "tags of delegates", names.iter().copied());
        carried.missing(wanted).into_iter().map(|tag| Self { tag: tag.to_owned(), hint: hint(tag) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delegate::DelegateStatus;
    use crate::views::problems::tests::candidate;

    fn check(wanted: &[&str], expect: &[(&str, &str)]) {
        let known = ["dc1", "linux"].map(|name| candidate(name, DelegateStatus::Lost));
        let unknown = UnknownTag::among(&wanted.iter().collect(), &known);
        let told: Vec<_> = unknown.iter().map(|unknown| (unknown.tag.as_str(), unknown.hint.as_str())).collect();
        assert_eq!(told, expect, "{wanted:?}");
    }

    #[test]
    fn tags_that_nobody_carries_are_told_with_the_nearest() {
        check(&[], &[]);
        check(&["Linux", "dc1"], &[]);
        check(&["linx", "dc1"], &[("linx", "did you mean `linux`?")]);
        check(&["mainframe"], &[("mainframe", "tags of delegates: `dc1`, `linux`")]);
    }
}
