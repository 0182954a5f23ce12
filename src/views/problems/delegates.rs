//! Delegates that are not there.

use chrono::TimeDelta;
use suitesync_contract::{DelegateName, Failure, FailureClass};

use super::{Problem, SETTLING, failing};
use crate::config::DelegateKind;
use crate::domain::delegate::{DelegateStatus, Loss};
use crate::domain::selection::Candidate;
use crate::engine::control::AgentState;

pub(super) fn problems(state: &AgentState) -> Vec<Problem> {
    let had = state.now - state.configured_at;
    let known = state.delegates.iter().zip(&state.candidates);
    // None of the other hosts can be there while there is no way to them, which is told once.
    let is_cut_off = |kind: &str| state.remote.is_some() && kind == DelegateKind::Remote.as_str();
    let known = known.filter(|(view, _)| !is_cut_off(&view.kind)).map(|(_, candidate)| candidate);
    // Whoever came by itself may leave so, too.
    let is_expected = |name: &DelegateName| state.config.delegates.iter().any(|delegate| delegate.name == *name);
    let has_left = |known: &Candidate| known.lost == Some(Loss::Stopped) && !is_expected(&known.name);
    known.filter(|known| !has_left(known)).filter_map(|known| away(known, had)).collect()
}

/// What is wrong with a delegate that had this long to come.
fn away(candidate: &Candidate, had: TimeDelta) -> Option<Problem> {
    let subject = format!("delegate {}", candidate.name);
    match candidate.status {
        DelegateStatus::Connected | DelegateStatus::Draining => None,
        DelegateStatus::Starting if had < SETTLING => None,
        DelegateStatus::Starting => Some(Problem {
            subject,
            class: "overdue".to_owned(),
            message: "it has not come yet".to_owned(),
            hint: "start it where it runs, and look at its log".to_owned(),
        }),
        DelegateStatus::Lost => {
            let why = candidate.lost.as_ref().map_or_else(|| "it does not say why".to_owned(), Loss::to_string);
            Some(failing(subject, &Failure::new(FailureClass::DelegateLost, why)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::problems::tests::candidate;

    fn check(candidate: &Candidate, seconds: i64, expect: Option<&str>) {
        let told = away(candidate, TimeDelta::seconds(seconds));
        let told = told.map(|problem| format!("{}: {}: {}", problem.subject, problem.class, problem.message));
        assert_eq!(told.as_deref(), expect, "{:?} after {seconds} s", candidate.status);
    }

    #[test]
    fn a_delegate_that_is_lost_or_has_not_come_is_a_problem() {
        for (status, seconds) in [(DelegateStatus::Connected, 99), (DelegateStatus::Draining, 99)] {
            check(&candidate("dc1", status), seconds, None);
        }
        check(&candidate("dc1", DelegateStatus::Starting), 29, None);
        check(&candidate("dc1", DelegateStatus::Starting), 30, Some("delegate dc1: overdue: it has not come yet"));
        let mut lost = candidate("dc1", DelegateStatus::Lost);
        check(&lost, 0, Some("delegate dc1: delegate_lost: it does not say why"));
        lost.lost = Some(Loss::Because("it ended with status 1".to_owned()));
        check(&lost, 0, Some("delegate dc1: delegate_lost: it ended with status 1"));
    }
}
