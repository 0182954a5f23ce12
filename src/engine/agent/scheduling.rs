//! Schedules: what has fallen due is recorded in one transaction with its slots, and then queued.

mod recording;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use suitesync_contract::{RunId, ScheduleName};

use super::operating::unrecorded;
use super::{Agent, Note, report_write};
use crate::catalog::run::{Because, RunRecord};
use crate::catalog::{Catalog, CatalogError, Change, run, schedule};
use crate::config::Config;
use crate::domain::nearest::suggestion;
use crate::domain::run::{RunEvent, RunStatus};
use crate::domain::schedule::{Due, latest_consumed};
use crate::engine::control::{Refusal, RefusalKind};
use crate::engine::plan::ScheduleEntry;

use recording::{DueSchedule, Recording};

pub(super) use recording::FallenDue;

/// Why queued runs of a schedule that is gone are canceled.
const SCHEDULE_REMOVED: &str = "schedule_removed";

/// Slots that could not be dealt with now, with the slot that was dealt with before each.
pub(super) type Unrecorded = Vec<(ScheduleName, DateTime<Utc>)>;

/// What is watched of slots between one beat and the next.
#[derive(Debug)]
pub(super) struct SlotWatch {
    /// When the agent was started, by the clock as it was set since.
    up_since: DateTime<Utc>,
    /// Whether what fell due is on its way into the catalog.
    is_recording: bool,
}

impl SlotWatch {
    pub(super) fn begun(now: DateTime<Utc>) -> Self {
        Self { up_since: now, is_recording: false }
    }
}

impl Agent {
    /// Takes up the schedules of the configuration: those that are as they were keep their next slot.
    pub(super) fn plan_schedules(&mut self, taken: TakenUpSchedules, now: DateTime<Utc>) {
        let TakenUpSchedules { consumed, canceled } = taken;
        self.drop_canceled(&canceled);
        let config = Arc::clone(&self.config);
        self.plan.schedules.retain(|name, _| config.schedules.contains_key(name));
        for (name, settings) in &config.schedules {
            let consumed = consumed.get(name).copied().unwrap_or(now);
            let is_same = |entry: &ScheduleEntry| *entry.config == *settings && entry.consumed <= latest_consumed(now);
            let same = self.plan.schedules.get(name).is_some_and(is_same);
            if !same {
                let entry = ScheduleEntry::new(settings.clone(), consumed);
                self.plan.schedules.insert(name.clone(), entry);
            }
        }
        self.plan.set_slots();
    }

    /// Begins schedules anew whose slots were dealt with by a clock that was wrong.
    async fn begin_anew(&mut self, now: DateTime<Utc>) {
        tracing::warn!("the clock was set back by more than a day: schedules that had come due begin anew");
        let config = Arc::clone(&self.config);
        match self.catalog.write_durably(None, move |change| take_up(change, &config, now)).await {
            Ok(taken) => self.plan_schedules(taken, now),
            Err(error) => report_write::<()>("to begin schedules anew", Err(error)),
        }
    }

    /// Called every second.
    pub(super) async fn tick(&mut self) {
        let now = Utc::now();
        // The clock may be set back: what begins from now on finds the agent up.
        self.slot_watch.up_since = self.slot_watch.up_since.min(now);
        if self.plan.schedules.values().any(|entry| entry.consumed > latest_consumed(now)) {
            self.begin_anew(now).await;
        }
        if self.slot_watch.is_recording {
            // What falls due faster than it can be written is missed: piled up, it would keep everybody else waiting.
            return;
        }
        let mut due = Vec::new();
        let mut before = Vec::new();
        while let Some(name) = self.plan.slots.pop_due(now) {
            let Some(entry) = self.plan.schedules.get_mut(&name) else { continue };
            if let Some(fallen) =
                entry.config.timetable.due(entry.consumed, now, self.slot_watch.up_since, entry.config.missed)
            {
                before.push((name.clone(), entry.consumed));
                entry.consumed = fallen.consumed;
                due.push(DueSchedule { schedule: entry.clone(), due: fallen, only: None, requested_by: None });
            }
            self.plan.set_slot(&name);
        }
        if !due.is_empty() {
            self.record_due(due, before);
        }
    }

    fn record_due(&mut self, due: Vec<DueSchedule>, before: Unrecorded) {
        self.slot_watch.is_recording = true;
        let (catalog, notes) = (self.catalog.clone(), self.notes.clone());
        self.tracker.spawn(async move {
            let note = match record(&catalog, due).await {
                Ok(fallen) => Note::FallenDue(fallen),
                // Why is told of the catalog.
                Err(_) => Note::NotFallenDue(before),
            };
            // Nobody is left to hear it when the agent stops; queued runs are found again after its next start.
            let _ = notes.send(note);
        });
    }

    pub(super) fn recorded_due(&mut self, fallen: FallenDue) {
        self.slot_watch.is_recording = false;
        self.fallen_due(fallen);
    }

    fn fallen_due(&mut self, fallen: FallenDue) {
        for id in fallen.replaced {
            self.stop_run(id);
        }
        for record in fallen.recorded.iter().filter(|run| run.status == RunStatus::Queued) {
            self.queue_run(record);
        }
    }

    /// Slots that could not be recorded are not consumed: they are tried again with the next tick.
    pub(super) fn not_fallen_due(&mut self, before: Unrecorded) {
        self.slot_watch.is_recording = false;
        for (name, consumed) in before {
            if let Some(entry) = self.plan.schedules.get_mut(&name) {
                entry.consumed = consumed;
            }
            self.plan.set_slot(&name);
        }
    }

    /// Records runs of a schedule that somebody asked for, of one suite or of all that it means.
    pub(super) async fn start_schedule(
        &mut self,
        name: &ScheduleName,
        suite: Option<String>,
        by: &str,
    ) -> Result<Vec<RunRecord>, Refusal> {
        let entry = self.plan.schedules.get(name).ok_or_else(|| Refusal::unknown("schedule", name.as_str()))?;
        let (schedule, now) = (entry.clone(), Utc::now());
        let due = Due { run: Some(now), missed: 0, consumed: entry.consumed };
        let asked = DueSchedule { schedule, due, only: suite.clone(), requested_by: Some(by.to_owned()) };
        let record = move |change: &mut Change<'_>| {
            let mut recording = Recording::new(now);
            recording.take(change, &asked)?;
            let is_none = recording.fallen.recorded.is_empty();
            let meant = if is_none { recording.meant(change, &asked.schedule)? } else { Vec::new() };
            Ok((recording.fallen, meant))
        };
        let (fallen, meant) = self.catalog.write_durably(Some(by), record).await.map_err(unrecorded)?;
        if let Some(suite) = suite.filter(|_| fallen.recorded.is_empty()) {
            return Err(not_meant(name, &suite, &meant));
        }
        let recorded = fallen.recorded.clone();
        self.fallen_due(fallen);
        Ok(recorded)
    }
}

fn not_meant(schedule: &ScheduleName, suite: &str, meant: &[String]) -> Refusal {
    let message = format!("schedule `{schedule}` means no suite `{suite}`");
    let hint = suggestion(suite, "suites that it means", meant.iter().map(String::as_str));
    Refusal { kind: RefusalKind::Unknown, message, hint }
}

/// What the catalog says of schedules once a configuration is written there.
pub(super) struct TakenUpSchedules {
    consumed: BTreeMap<ScheduleName, DateTime<Utc>>,
    /// Queued runs of schedules that are gone.
    canceled: Vec<RunId>,
}

/// Begins new and changed schedules now, and lets go of those that are gone, with what is queued of them.
pub(super) fn take_up(
    change: &mut Change<'_>,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<TakenUpSchedules, CatalogError> {
    for (name, settings) in &config.schedules {
        schedule::begin(change.sql(), name, &settings.timetable, now)?;
    }
    for name in schedule::consumed(change.sql())?.into_keys().filter(|name| !config.schedules.contains_key(name)) {
        schedule::forget(change.sql(), &name)?;
    }
    let message = Some("the schedule is no longer in the configuration".to_owned());
    let because = Because { message, ..Because::reason(SCHEDULE_REMOVED) };
    let mut canceled = Vec::new();
    for (id, _) in run::queued(change.sql())?.into_iter().filter(|(_, name)| !config.schedules.contains_key(name)) {
        run::apply(change, id, RunEvent::Cancel, &because, now)?;
        canceled.push(id);
    }
    Ok(TakenUpSchedules { consumed: schedule::consumed(change.sql())?, canceled })
}

/// Everything that fell due together is recorded together, with the slots: all of it or nothing.
async fn record(catalog: &Catalog, due: Vec<DueSchedule>) -> Result<FallenDue, CatalogError> {
    let recorded = move |change: &mut Change<'_>| {
        let mut recording = Recording::new(Utc::now());
        for due in &due {
            if schedule::consume(change.sql(), &due.schedule.config.name, due.due.consumed)? {
                recording.take(change, due)?;
            }
        }
        Ok(recording.fallen)
    };
    catalog.write_durably(None, recorded).await
}
