//! `status`: one screen.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use suitesync_contract::{RunId, ScheduleName};

use super::problems::{LastEnds, Problem, problems};
use super::{ConnectionView, LinkView};
use crate::catalog;
use crate::catalog::connection::{self, ConnectionRecord};
use crate::catalog::link::{self, LinkRecord};
use crate::catalog::run::{self, RunTotals};
use crate::config::{Config, Diagnostic};
use crate::engine::control::AgentState;
use crate::engine::dispatcher::DelegateView;

/// How far back runs count that did not pass: whoever looks every morning misses none.
const RECENT: TimeDelta = TimeDelta::days(1);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusView {
    pub agent: AgentView,
    pub config: ConfigView,
    pub connections: Vec<ConnectionView>,
    pub links: Vec<LinkView>,
    pub delegates: Vec<DelegateView>,
    pub runs: RunsView,
    /// What is wrong, and what to do about each.
    pub problems: Vec<Problem>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgentView {
    pub name: String,
    pub version: String,
    pub process: u32,
    pub started_at: DateTime<Utc>,
    pub state_dir: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConfigView {
    pub generation: u64,
    pub configured_at: DateTime<Utc>,
    /// The faults of the files on disk, while they are not what runs.
    pub rejected: Vec<Diagnostic>,
}

/// Schedules and their runs, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunsView {
    pub schedules: u64,
    pub queued: u64,
    /// Begun and not over.
    pub running: u64,
    /// Over within the last day, as failed, error or timed out.
    pub failed_last_day: u64,
}

/// What the catalog tells for the screen.
#[derive(Debug)]
pub struct Known {
    pub(super) connections: Vec<ConnectionRecord>,
    pub(super) links: Vec<LinkRecord>,
    runs: RunTotals,
    /// Every queued run, also one that a delegate has in hand and has not begun.
    pub(super) queued: Vec<(RunId, ScheduleName)>,
    pub(super) last_ends: LastEnds,
}

impl Known {
    pub fn read(sql: &rusqlite::Connection, config: &Config, now: DateTime<Utc>) -> catalog::Result<Self> {
        let queued = run::queued(sql)?;
        Ok(Self {
            connections: connection::list(sql)?,
            links: link::list(sql)?,
            runs: run::totals(sql, now - RECENT)?,
            last_ends: LastEnds::read(sql, config, &queued)?,
            queued,
        })
    }
}

impl StatusView {
    pub fn new(state: &AgentState, known: &Known) -> Self {
        let agent = AgentView {
            name: state.started_with.agent.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: std::process::id(),
            started_at: state.started_at,
            state_dir: state.started_with.agent.state_dir.display().to_string(),
        };
        let config = ConfigView {
            generation: state.generation,
            configured_at: state.configured_at,
            rejected: state.rejected.clone(),
        };
        let runs = RunsView {
            schedules: state.config.schedules.len() as u64,
            queued: known.runs.queued,
            running: known.runs.running,
            failed_last_day: known.runs.failed,
        };
        Self {
            agent,
            config,
            connections: known.connections.iter().map(ConnectionView::from).collect(),
            links: known.links.iter().filter(|link| !link.state.is_archived()).map(LinkView::from).collect(),
            delegates: state.delegates.clone(),
            runs,
            problems: problems(state, known),
        }
    }
}
