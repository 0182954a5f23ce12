//! Which delegate gets a task: a pure function of what is known of each, with a verdict a delegate.

use suitesync_contract::{DelegateName, Failure, FailureClass, Tags};

/// What is known of a delegate when a task is to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub name: DelegateName,
    /// The delegate's own name counts as a tag.
    pub tags: Tags,
    pub capacity: u32,
    pub running: u32,
}

/// Where a task goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// To this one.
    Chosen(DelegateName),
    /// Those that could take it are full.
    Wait,
    /// No delegate carries the tags.
    None(Failure),
}

/// The least busy delegate that has all wanted tags; the first of equals.
pub fn select(wanted: &Tags, candidates: &[Candidate]) -> Selection {
    let able: Vec<_> = candidates.iter().filter(|candidate| candidate.tags.missing(wanted).is_empty()).collect();
    if able.is_empty() {
        return Selection::None(no_eligible(wanted, candidates));
    }
    able.into_iter()
        .filter(|candidate| candidate.running < candidate.capacity)
        .min_by(|a, b| {
            let load = |c: &Candidate, other: &Candidate| u64::from(c.running) * u64::from(other.capacity);
            load(a, b).cmp(&load(b, a))
        })
        .map_or(Selection::Wait, |candidate| Selection::Chosen(candidate.name.clone()))
}

fn no_eligible(wanted: &Tags, candidates: &[Candidate]) -> Failure {
    let verdicts: Vec<_> = candidates
        .iter()
        .map(|candidate| format!("{}: missing tag {}", candidate.name, candidate.tags.missing(wanted).join(", ")))
        .collect();
    let message = format!("no delegate has all of the tags {wanted} ({})", verdicts.join("; "));
    Failure::new(FailureClass::NoEligibleDelegate, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, tags: &[&str], running: u32, capacity: u32) -> Candidate {
        Candidate { name: name.parse().unwrap(), tags: tags.iter().collect(), capacity, running }
    }

    fn chosen(wanted: &[&str], candidates: &[Candidate]) -> Selection {
        select(&wanted.iter().collect(), candidates)
    }

    #[test]
    fn without_tags_the_least_busy_one_is_taken() {
        let candidates = [candidate("a", &[], 2, 4), candidate("b", &[], 2, 8), candidate("c", &[], 1, 2)];
        assert_eq!(chosen(&[], &candidates), Selection::Chosen("b".parse().unwrap()));
    }

    #[test]
    fn every_wanted_tag_counts() {
        let candidates = [candidate("a", &["linux"], 0, 4), candidate("b", &["linux", "dc-1"], 3, 4)];
        assert_eq!(chosen(&["DC-1", "linux"], &candidates), Selection::Chosen("b".parse().unwrap()));
    }

    #[test]
    fn a_full_delegate_with_the_tags_is_waited_for() {
        assert_eq!(chosen(&["linux"], &[candidate("a", &["linux"], 4, 4)]), Selection::Wait);
    }

    #[test]
    fn when_nobody_has_the_tags_every_verdict_is_told() {
        let Selection::None(failure) = chosen(&["mainframe"], &[candidate("a", &["linux"], 0, 4)]) else {
            panic!("nobody has the tag");
        };
        assert_eq!(failure.message, "no delegate has all of the tags mainframe (a: missing tag mainframe)");
    }
}
