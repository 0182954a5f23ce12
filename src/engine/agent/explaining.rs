//! Which delegate would be given work now, told with every rule that each of the others fails.

use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{ConnectionName, LinkName, ScheduleName, Tags, Task, TaskId};

use super::Agent;
use crate::domain::selection::{Candidate, Verdict, Wanted};
use crate::engine::control::Refusal;
use crate::engine::dispatcher::{Judgement, wanted};
use crate::engine::explanation::{DelegateVerdict, Subject};
use crate::engine::tasks::{self, host_secret_among};

/// A task that is never handed out.
const NO_TASK: TaskId = TaskId(0);

impl Agent {
    pub(super) fn explain(&self, subject: &Subject) -> Result<Vec<DelegateVerdict>, Refusal> {
        let (task, wanted) = match subject {
            Subject::Anything => (None, Wanted::new(Tags::default(), WorkKind::Sync)),
            Subject::Connection(name) => self.test_of(name)?,
            Subject::Link(name) => self.sync_of(name)?,
            Subject::Schedule(name) => self.run_of(name)?,
        };
        let Judgement { verdicts, chosen } = self.dispatcher.judge(&wanted, task.as_ref());
        let candidates = self.dispatcher.candidates();
        let told = |(verdict, candidate): (&Verdict, &Candidate)| {
            let preference = chosen.as_ref().filter(|(name, _)| *name == verdict.delegate);
            DelegateVerdict {
                delegate: verdict.delegate.to_string(),
                eligible: verdict.is_eligible(),
                reasons: verdict.reasons.iter().map(ToString::to_string).collect(),
                chosen: preference.is_some(),
                because: preference.map(|(_, preference)| preference.to_string()),
                backs_off: candidate.back_offs(&wanted).cloned().collect(),
            }
        };
        Ok(verdicts.iter().zip(&candidates).map(told).collect())
    }

    fn test_of(&self, name: &ConnectionName) -> Result<(Option<Task>, Wanted), Refusal> {
        let entry = self.plan.connections.get(name).ok_or_else(|| Refusal::unknown("connection", name.as_str()))?;
        let task = tasks::probe(NO_TASK, &entry.config, entry.record.revision);
        let wanted = wanted(&task, entry.config.delegate_tags.clone());
        Ok((Some(task), wanted))
    }

    fn sync_of(&self, name: &LinkName) -> Result<(Option<Task>, Wanted), Refusal> {
        let link = self.plan.links.get(name).ok_or_else(|| Refusal::unknown("link", name.as_str()))?;
        let connection = &link.config.connection;
        let entry =
            self.plan.connections.get(connection).ok_or_else(|| Refusal::unknown("connection", connection.as_str()))?;
        let task = tasks::sync(NO_TASK, &entry.config, link.config.repository.clone(), Vec::new());
        let wanted = wanted(&task, link.repository.tags.clone());
        Ok((Some(task), wanted))
    }

    fn run_of(&self, name: &ScheduleName) -> Result<(Option<Task>, Wanted), Refusal> {
        let schedule = self.plan.schedules.get(name).ok_or_else(|| Refusal::unknown("schedule", name.as_str()))?;
        let (task, of_sync) = self.sync_of(&schedule.config.link)?;
        let tags = self.config.tags_of_schedule(&schedule.config);
        let given = host_secret_among(schedule.config.environment.values());
        let host_secret = of_sync.host_secret.or_else(|| given.cloned());
        Ok((task, Wanted { hosts: of_sync.hosts, host_secret, ..Wanted::new(tags, WorkKind::Run) }))
    }
}
