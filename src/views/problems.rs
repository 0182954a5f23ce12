//! What is wrong, and what to do about each.

mod delegates;
mod schedules;

use chrono::{SecondsFormat, TimeDelta};
use serde::{Deserialize, Serialize};
use suitesync_contract::{Failure, FailureClass};

use super::status::Known;
use crate::catalog::link::LinkRecord;
use crate::config::needs_restart;
use crate::domain::link::LinkStatus;
use crate::engine::control::AgentState;

pub(super) use schedules::LastEnds;

/// Delegates have this long to come after a configuration was taken up: a program may take most of it to begin, and
/// those on other hosts announce themselves every few seconds.
const SETTLING: TimeDelta = TimeDelta::seconds(30);

/// A link may miss one turn, and this much more, before it counts as overdue: servers may think for a minute.
const OVERDUE: TimeDelta = TimeDelta::seconds(90);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Problem {
    /// What has it, such as `connection contoso`.
    pub subject: String,
    pub class: String,
    pub message: String,
    pub hint: String,
}

pub(super) fn problems(state: &AgentState, known: &Known) -> Vec<Problem> {
    let mut problems = of_configuration(state);
    problems.extend(state.unwritable.iter().map(|failure| failing("the catalog".to_owned(), failure)));
    problems.extend(state.remote.iter().map(|failure| failing("delegates of other hosts".to_owned(), failure)));
    problems.extend(delegates::problems(state));
    problems.extend(without_executor(state));
    problems.extend(schedules::waiting(state, &known.queued));
    problems.extend(schedules::in_error(state, &known.last_ends));
    problems.extend(of_connections(known));
    problems.extend(of_links(state, known));
    problems
}

fn failing(subject: String, failure: &Failure) -> Problem {
    Problem {
        subject,
        class: failure.class.code().to_owned(),
        message: failure.message.clone(),
        hint: failure.hint.clone(),
    }
}

fn of_configuration(state: &AgentState) -> Vec<Problem> {
    let rejected = state.rejected.iter().map(|diagnostic| Problem {
        subject: format!("{}:{}:{}", diagnostic.file, diagnostic.line, diagnostic.column),
        class: "config_rejected".to_owned(),
        message: diagnostic.message.clone(),
        hint: diagnostic.help.clone().unwrap_or_else(|| "see `suitesync check`".to_owned()),
    });
    let waiting = needs_restart(&state.started_with, &state.config).into_iter().map(|key| Problem {
        subject: format!("configuration key {key}"),
        class: "needs_restart".to_owned(),
        message: "it has another value than the agent was started with".to_owned(),
        hint: "systemctl restart suitesync".to_owned(),
    });
    rejected.chain(waiting).collect()
}

/// Schedules whose runs nobody would execute: told once, as one answer helps them all.
fn without_executor(state: &AgentState) -> Option<Problem> {
    let schedules = state.config.schedules.len();
    if state.executes_runs || schedules == 0 {
        return None;
    }
    let subject = if schedules == 1 { "1 schedule".to_owned() } else { format!("{schedules} schedules") };
    Some(Problem {
        subject,
        class: FailureClass::NoEligibleDelegate.code().to_owned(),
        message: "no delegate executes runs: each ends as soon as it falls due".to_owned(),
        hint: "add a [[delegate]] of kind \"process\", or give one `runs = true`".to_owned(),
    })
}

fn of_connections(known: &Known) -> Vec<Problem> {
    let connected = known.connections.iter().filter(|connection| !connection.state.is_disconnected());
    let failed = connected.filter_map(|connection| Some((connection, connection.failure.as_ref()?)));
    failed.map(|(connection, failure)| failing(format!("connection {}", connection.name), failure)).collect()
}

fn of_links(state: &AgentState, known: &Known) -> Vec<Problem> {
    let mut problems = Vec::new();
    for link in known.links.iter().filter(|link| !link.state.is_archived()) {
        problems.extend(standing_still(state, link));
        let Some(failure) = &link.failure else { continue };
        // A link that fails as its connection does is told once, there.
        let connection = known.connections.iter().find(|connection| connection.name == link.connection);
        let same = connection.and_then(|connection| connection.failure.as_ref());
        if same.is_none_or(|same| same.class != failure.class) {
            problems.push(failing(format!("link {}", link.name), failure));
        }
    }
    problems
}

/// A link that nobody has looked at for longer than it should be, or that waits for someone to let it proceed.
fn standing_still(state: &AgentState, link: &LinkRecord) -> Option<Problem> {
    let settings = state.config.links.get(&link.name)?;
    let problem = |class: &str, message: String, hint: String| {
        Some(Problem { subject: format!("link {}", link.name), class: class.to_owned(), message, hint })
    };
    if !link.may_proceed(settings.proceed) {
        let hint = format!("suitesync link proceed {}", link.name);
        return problem("waiting", "it waits for someone to let it proceed".to_owned(), hint);
    }
    let checked = link.checked_at.filter(|_| link.state.status == LinkStatus::Active)?;
    let next = settings.sync_cadence.next_after(settings.sync_cadence.next_after(checked));
    if state.now <= next + OVERDUE {
        return None;
    }
    let message = format!("it was last looked at {}", checked.to_rfc3339_opts(SecondsFormat::Secs, true));
    problem("overdue", message, "look at its connection's host, and at `suitesync delegate list`".to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use suitesync_contract::rpc::WorkKind;

    use crate::domain::delegate::DelegateStatus;
    use crate::domain::selection::Candidate;

    /// A delegate that executes runs, with its name as its only tag and a free place.
    pub(in crate::views) fn candidate(name: &str, status: DelegateStatus) -> Candidate {
        Candidate {
            name: name.parse().unwrap(),
            tags: [name].into_iter().collect(),
            work: vec![WorkKind::Run],
            is_elsewhere: false,
            status,
            lost: None,
            capacity: 1,
            tasks: 0,
            runs: 0,
            backs_off: Vec::new(),
            last_used: 0,
        }
    }
}
