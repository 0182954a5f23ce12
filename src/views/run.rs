//! Runs as they are shown. A line of `run list` is the catalog's own record.

use serde::{Deserialize, Serialize};
use suitesync_contract::rpc::WorkKind;

use crate::catalog::results::ResultRecord;
use crate::catalog::run::RunRecord;
use crate::domain::run::RunStatus;
use crate::domain::selection::{Wanted, suited, why_waits};
use crate::engine::control::AgentState;

/// `run show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunDetail {
    #[serde(flatten)]
    pub run: RunRecord,
    /// Why no delegate has it yet, while it is queued.
    pub waits: Option<String>,
    /// In the order of the reports.
    pub results: Vec<ResultRecord>,
}

impl RunDetail {
    pub fn new(run: RunRecord, results: Vec<ResultRecord>, state: &AgentState) -> Self {
        Self { waits: waits(&run, state), run, results }
    }
}

fn waits(run: &RunRecord, state: &AgentState) -> Option<String> {
    if run.status != RunStatus::Queued || state.handed.contains(&run.id) {
        return None;
    }
    let schedule = state.config.schedules.get(&run.schedule)?;
    let wanted = Wanted::new(state.config.tags_of_schedule(schedule), WorkKind::Run);
    why_waits(&wanted, &suited(&wanted, &state.candidates))
}
