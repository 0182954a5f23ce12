//! The refs of a remote, and which commit a [`RefSpec`] means among them.

use suitesync_contract::{Failure, FailureClass, ObjectId, RefSpec};
use suitesync_reach::{Place, shown};

/// Branches named when the one that was asked for is missing.
const MAX_SUGGESTIONS: usize = 3;
/// Pairs of letters that are compared to find them: a few milliseconds, while a server may list a million names.
const MAX_COMPARED: usize = 1 << 20;

/// One ref as a server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ref {
    pub(crate) name: Vec<u8>,
    /// `None` for a `HEAD` whose branch has no commit yet.
    pub(crate) id: Option<ObjectId>,
    /// What an annotated tag finally points to.
    pub(crate) peeled: Option<ObjectId>,
    /// The ref that a symbolic one points to.
    pub(crate) target: Option<Vec<u8>>,
}

impl Ref {
    /// The commit behind tags.
    pub(crate) fn commit(&self) -> Option<ObjectId> {
        self.peeled.or(self.id)
    }

    pub(crate) fn branch(&self) -> Option<&[u8]> {
        self.name.strip_prefix(b"refs/heads/")
    }
}

/// The line cannot be a ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its list of refs holds a line that is no ref")]
pub(crate) struct InvalidRef;

pub(crate) fn parse_id(digits: &[u8]) -> Option<ObjectId> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Where a ref points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tip {
    Commit(ObjectId),
    /// The repository has no commits.
    Empty,
}

/// The commit of `wanted`, or `None` if the ref is not among `refs`.
pub(crate) fn find(wanted: &RefSpec, refs: &[Ref]) -> Option<ObjectId> {
    match (wanted, wanted.full_name()) {
        (RefSpec::Commit(id), _) => Some(*id),
        (_, name) => refs.iter().find(|found| Some(&found.name[..]) == name.as_deref().map(str::as_bytes))?.commit(),
    }
}

/// What a repository has in place of a ref that it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Absence {
    /// It has no commits at all.
    Empty,
    /// It has others; the names nearest to the wanted one, if there are any.
    Among(Option<String>),
}

impl Absence {
    /// Of a ref that is missing, given all refs.
    pub(crate) fn of(wanted: &RefSpec, all: &[Ref]) -> Self {
        let empty = all.iter().all(|found| found.id.is_none());
        if empty { Self::Empty } else { Self::Among(nearest(wanted, all)) }
    }

    /// What to make of it: nothing at all is an empty repository, which is no fault.
    pub(crate) fn told(&self, place: &Place, wanted: &RefSpec) -> Result<Tip, Failure> {
        let cause = match (self, wanted) {
            (Self::Empty, RefSpec::Default | RefSpec::Branch(_)) => return Ok(Tip::Empty),
            (Self::Among(_), RefSpec::Default) => "its HEAD points to a branch that does not exist".to_owned(),
            (Self::Empty | Self::Among(_), RefSpec::Branch(_) | RefSpec::Tag(_) | RefSpec::Commit(_)) => {
                format!("there is no {wanted}")
            }
        };
        let failure = place.repository_failure(FailureClass::RefNotFound, "resolve a ref of", cause);
        match self {
            Self::Among(Some(names)) => {
                Err(failure.with_hint(format!("check the branch or tag of the link; there is {names}")))
            }
            Self::Among(None) | Self::Empty => Err(failure),
        }
    }
}

/// The names nearest to the wanted one.
fn nearest(wanted: &RefSpec, all: &[Ref]) -> Option<String> {
    let (text, prefix) = match wanted {
        RefSpec::Default => ("main", &b"refs/heads/"[..]),
        RefSpec::Branch(name) => (name.as_str(), &b"refs/heads/"[..]),
        RefSpec::Tag(name) => (name.as_str(), &b"refs/tags/"[..]),
        RefSpec::Commit(_) => return None,
    };
    let mut names: Vec<_> = all.iter().filter_map(|found| found.name.strip_prefix(prefix)).collect();
    names.sort_by_key(|name| name.len().abs_diff(text.len()));
    let mut left = MAX_COMPARED;
    let may_be_compared = |name: &&&[u8]| {
        let rest = left.checked_sub(name.len().max(1) * text.len());
        left = rest.unwrap_or_default();
        rest.is_some()
    };
    let mut names: Vec<_> = names.iter().take_while(may_be_compared).map(|name| shown(name)).collect();
    names.sort_by_cached_key(|name| strsim::damerau_levenshtein(name, text));
    names.truncate(MAX_SUGGESTIONS);
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { None } else { Some(quoted.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branches(names: impl IntoIterator<Item = String>) -> Vec<Ref> {
        let found =
            |name| Ref { name: format!("refs/heads/{name}").into_bytes(), id: None, peeled: None, target: None };
        names.into_iter().map(found).collect()
    }

    #[test]
    fn the_nearest_names_come_first() {
        let all = branches(["develop", "main", "mian", "release/2024"].map(str::to_owned));
        assert_eq!(nearest(&RefSpec::Branch("maim".to_owned()), &all).unwrap(), "`main`, `mian`, `develop`");
    }

    #[test]
    fn of_very_many_names_those_of_like_length_are_compared() {
        let long = (0..200_000).map(|number| format!("{number:0>300}"));
        let all = branches(long.chain(["release-1".to_owned()]));
        let named = nearest(&RefSpec::Branch("relaese-1".to_owned()), &all).unwrap();
        assert!(named.starts_with("`release-1`"), "{named}");
    }
}
