//! Schedules whose runs wait for delegates that are not there, or all end as errors.

use std::collections::BTreeMap;

use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{FailureClass, RunId, ScheduleName};

use super::{Problem, SETTLING};
use crate::catalog;
use crate::catalog::run::{self, RunEnd};
use crate::config::Config;
use crate::domain::delegate::DelegateStatus;
use crate::domain::run::RunStatus;
use crate::domain::selection::{Candidate, Wanted, suited, why_nobody};
use crate::engine::control::AgentState;

/// As many errors in a row are no accident.
const IN_A_ROW: usize = 3;

/// Runs among which those are looked for: most of the others are under way, canceled or skipped, and few.
const LOOKED_THROUGH: usize = 20;

/// How the last runs of each schedule of the configuration ended, newest first.
#[derive(Debug, Default)]
pub(in crate::views) struct LastEnds(BTreeMap<ScheduleName, Vec<RunEnd>>);

impl LastEnds {
    pub(in crate::views) fn read(
        sql: &rusqlite::Connection,
        config: &Config,
        queued: &[(RunId, ScheduleName)],
    ) -> catalog::Result<Self> {
        let queued = by_schedule(queued.iter().map(|(_, schedule)| schedule));
        let ends = config.schedules.keys().map(|schedule| {
            let among = LOOKED_THROUGH + queued.get(schedule).copied().unwrap_or_default();
            Ok((schedule.clone(), run::newest_ends(sql, schedule, among, IN_A_ROW)?))
        });
        Ok(Self(ends.collect::<catalog::Result<_>>()?))
    }
}

/// Schedules with runs that nobody can take now.
pub(super) fn waiting(state: &AgentState, queued: &[(RunId, ScheduleName)]) -> Vec<Problem> {
    let waiting = queued.iter().filter(|(run, _)| !state.handed.contains(run));
    let waiting = by_schedule(waiting.map(|(_, schedule)| schedule));
    waiting.iter().filter_map(|(schedule, count)| waiting_in_vain(state, schedule, *count)).collect()
}

/// Schedules whose runs end as errors, whatever they are to test. Where nobody executes runs all do: that is told once.
pub(super) fn in_error(state: &AgentState, LastEnds(last): &LastEnds) -> Vec<Problem> {
    let told = last.iter().filter(|_| state.executes_runs);
    told.filter_map(|(schedule, ends)| all_errors(schedule, ends)).collect()
}

fn by_schedule<'n>(runs: impl Iterator<Item = &'n ScheduleName>) -> BTreeMap<&'n ScheduleName, usize> {
    let mut counts = BTreeMap::new();
    runs.for_each(|schedule| *counts.entry(schedule).or_default() += 1);
    counts
}

fn waiting_in_vain(state: &AgentState, name: &ScheduleName, count: usize) -> Option<Problem> {
    let schedule = state.config.schedules.get(name)?;
    let wanted = Wanted::new(state.config.tags_of_schedule(schedule), WorkKind::Run);
    let suited = suited(&wanted, &state.candidates);
    let is_coming = suited.iter().any(|candidate| candidate.status == DelegateStatus::Starting);
    if is_coming && state.now - state.configured_at < SETTLING {
        return None;
    }
    let why = why_nobody(&wanted, &suited)?;
    let runs = if count == 1 { "1 run waits".to_owned() } else { format!("{count} runs wait") };
    Some(Problem {
        subject: format!("schedule {name}"),
        class: FailureClass::NoEligibleDelegate.code().to_owned(),
        message: format!("{runs}: {why}"),
        hint: next_step(state, &suited),
    })
}

fn next_step(state: &AgentState, suited: &[Candidate]) -> String {
    let is_drained = |one: &&Candidate| one.status == DelegateStatus::Draining && state.drained.contains(&one.name);
    match suited.iter().find(is_drained) {
        Some(drained) => format!("suitesync delegate resume {}", drained.name),
        None if !state.all_known => "delegates on other hosts are known once NATS is reached".to_owned(),
        None => "look at `suitesync delegate list`".to_owned(),
    }
}

fn all_errors(name: &ScheduleName, ends: &[RunEnd]) -> Option<Problem> {
    let newest = ends.first()?;
    if ends.len() < IN_A_ROW || ends.iter().any(|end| end.status != RunStatus::Error) {
        return None;
    }
    let why = newest.message.as_deref().and_then(|message| message.lines().next());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    Some(Problem {
        subject: format!("schedule {name}"),
        class: newest.reason.clone().unwrap_or_else(|| newest.status.code().to_owned()),
        message: format!("its last {IN_A_ROW} runs ended as error{why}"),
        hint: format!("suitesync run show {}", newest.id),
    })
}

#[cfg(test)]
mod tests;
