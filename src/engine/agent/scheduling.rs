//! Schedules: what has fallen due is recorded in one transaction with its slots, and then queued.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use suitesync_contract::{Failure, LinkName, RunId, ScheduleName};

use super::operating::unrecorded;
use super::{Agent, Note};
use crate::catalog::contents::suites;
use crate::catalog::link::LinkRecord;
use crate::catalog::run::{Because, NewRun, RunRecord};
use crate::catalog::{Catalog, CatalogError, Change, connection, link, run, schedule};
use crate::config::{Config, ScheduleConfig};
use crate::domain::event::{Event, EventName};
use crate::domain::run::{Admission, Barrier, RunEvent, RunStatus, admit};
use crate::domain::schedule::Due;
use crate::domain::suite_glob::{GLOB_CHARACTERS, SuiteGlobs};
use crate::engine::control::Refusal;
use crate::engine::plan::ScheduleEntry;

/// A schedule with what has fallen due of it.
#[derive(Debug, Clone)]
struct DueSchedule {
    schedule: ScheduleEntry,
    due: Due,
    requested_by: Option<String>,
}

/// What came of slots that fell due.
#[derive(Debug, Default)]
pub(super) struct FallenDue {
    recorded: Vec<RunRecord>,
    /// Earlier runs that make room for new ones.
    replaced: Vec<RunId>,
}

/// Slots that could not be dealt with now, with the slot that was dealt with before each.
pub(super) type Unrecorded = Vec<(ScheduleName, DateTime<Utc>)>;

impl Agent {
    /// Takes up the schedules of the configuration: those that are as they were keep their next slot.
    pub(super) async fn plan_schedules(&mut self, now: DateTime<Utc>) -> Result<(), CatalogError> {
        let config = Arc::clone(&self.config);
        let consumed = self.catalog.write(move |change| take_up(change, &config, now)).await?;
        let config = Arc::clone(&self.config);
        self.plan.schedules.retain(|name, _| config.schedules.contains_key(name));
        for (name, settings) in &config.schedules {
            let consumed = consumed.get(name).copied().unwrap_or(now);
            let same = self.plan.schedules.get(name).is_some_and(|entry| *entry.config == *settings);
            if !same {
                let entry = ScheduleEntry::new(settings.clone(), consumed);
                self.plan.schedules.insert(name.clone(), entry);
            }
        }
        self.plan.set_slots();
        Ok(())
    }

    /// Called every second.
    pub(super) fn tick(&mut self) {
        let now = Utc::now();
        let mut due = Vec::new();
        let mut before = Vec::new();
        while let Some(name) = self.plan.slots.pop_due(now) {
            let Some(entry) = self.plan.schedules.get_mut(&name) else { continue };
            if let Some(fallen) = entry.config.timetable.due(entry.consumed, now, entry.config.missed) {
                before.push((name.clone(), entry.consumed));
                entry.consumed = fallen.consumed;
                due.push(DueSchedule { schedule: entry.clone(), due: fallen, requested_by: None });
            }
            self.plan.set_slot(&name);
        }
        if !due.is_empty() {
            self.record_due(due, before);
        }
    }

    fn record_due(&mut self, due: Vec<DueSchedule>, before: Unrecorded) {
        let (catalog, notes) = (self.catalog.clone(), self.notes.clone());
        self.tracker.spawn(async move {
            let note = match record(&catalog, due).await {
                Ok(fallen) => Note::FallenDue(fallen),
                Err(error) => Note::NotFallenDue(before, Box::new(error)),
            };
            // Nobody is left to hear it when the agent stops; queued runs are found again after its next start.
            let _ = notes.send(note);
        });
    }

    pub(super) fn fallen_due(&mut self, fallen: FallenDue) {
        self.unwritable = None;
        for id in fallen.replaced {
            self.stop_run(id);
        }
        for record in fallen.recorded.iter().filter(|run| run.status == RunStatus::Queued) {
            self.queue_run(record);
        }
    }

    /// Slots that could not be recorded are not consumed: they are tried again with the next tick.
    pub(super) fn not_fallen_due(&mut self, before: Unrecorded, error: &CatalogError) {
        self.note_unwritable(error);
        for (name, consumed) in before {
            if let Some(entry) = self.plan.schedules.get_mut(&name) {
                entry.consumed = consumed;
            }
            self.plan.set_slot(&name);
        }
    }

    /// Records runs of a schedule that somebody asked for, of one suite or of all that it names.
    pub(super) async fn start_schedule(
        &mut self,
        name: &ScheduleName,
        suite: Option<String>,
        by: &str,
    ) -> Result<Vec<RunRecord>, Refusal> {
        let entry = self.plan.schedules.get(name).ok_or_else(|| Refusal::unknown("schedule", name.as_str()))?;
        let schedule = match suite {
            Some(suite) => entry.only(suite),
            None => entry.clone(),
        };
        let now = Utc::now();
        let due = Due { run: Some(now), missed: 0, consumed: entry.consumed };
        let asked = DueSchedule { schedule, due, requested_by: Some(by.to_owned()) };
        let record = move |change: &mut Change<'_>| {
            let mut recording = Recording::new(now);
            recording.take(change, &asked)?;
            Ok(recording.fallen)
        };
        let fallen = self.catalog.write_durably(Some(by), record).await.map_err(unrecorded)?;
        let recorded = fallen.recorded.clone();
        self.fallen_due(fallen);
        Ok(recorded)
    }
}

/// Begins new schedules now, and lets go of those that are gone.
fn take_up(
    change: &mut Change<'_>,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<BTreeMap<ScheduleName, DateTime<Utc>>, CatalogError> {
    for name in config.schedules.keys() {
        schedule::begin(change.sql(), name, now)?;
    }
    for name in schedule::consumed(change.sql())?.into_keys().filter(|name| !config.schedules.contains_key(name)) {
        schedule::forget(change.sql(), &name)?;
    }
    schedule::consumed(change.sql())
}

/// Everything that fell due together is recorded together, with the slots: all of it or nothing.
async fn record(catalog: &Catalog, due: Vec<DueSchedule>) -> Result<FallenDue, CatalogError> {
    let recorded = move |change: &mut Change<'_>| {
        let mut recording = Recording::new(Utc::now());
        for due in &due {
            recording.take(change, due)?;
            schedule::consume(change.sql(), &due.schedule.config.name, due.due.consumed)?;
        }
        Ok(recording.fallen)
    };
    catalog.write_durably(None, recorded).await
}

/// Slots on their way into the catalog. What many schedules share is read once.
struct Recording {
    now: DateTime<Utc>,
    links: HashMap<LinkName, Option<Arc<Target>>>,
    fallen: FallenDue,
}

/// A link as its schedules find it.
struct Target {
    link: LinkRecord,
    barrier: Option<Barrier>,
    /// Root and id of each suite, in their order.
    suites: Vec<(String, String)>,
    by_id: HashMap<String, Vec<usize>>,
}

impl Recording {
    fn new(now: DateTime<Utc>) -> Self {
        Self { now, links: HashMap::new(), fallen: FallenDue::default() }
    }

    fn take(&mut self, change: &mut Change<'_>, due: &DueSchedule) -> Result<(), CatalogError> {
        let config = &due.schedule.config;
        let Some(target) = self.target(change, &config.link)? else { return Ok(()) };
        if due.due.missed > 0 {
            let message = format!("schedule {} missed {} of its times", config.name, due.due.missed);
            let event = Event::new(self.now, EventName::ScheduleMissed, message).link(&config.link);
            let event = event.connection(&target.link.connection).field("schedule", config.name.as_str());
            change.tell(event.field("missed", due.due.missed))?;
        }
        let Some(slot) = due.due.run else { return Ok(()) };
        let mut meant = BTreeSet::new();
        for (pattern, globs) in config.suites.iter().zip(due.schedule.globs.iter()) {
            let found = target.matching(pattern, globs);
            if found.is_empty() {
                self.insert_missing(change, &target, due, pattern)?;
            }
            meant.extend(found);
        }
        for (root, id) in meant.into_iter().filter_map(|at| target.suites.get(at)) {
            let new = target.run(due, (root, id), slot);
            self.admit(change, &new, target.barrier, config)?;
        }
        Ok(())
    }

    fn target(&mut self, change: &Change<'_>, name: &LinkName) -> Result<Option<Arc<Target>>, CatalogError> {
        if let Some(target) = self.links.get(name) {
            return Ok(target.clone());
        }
        let found = link::find(change.sql(), name)?.map(|link| Target::read(change, link)).transpose()?.map(Arc::new);
        self.links.insert(name.clone(), found.clone());
        Ok(found)
    }

    /// Records a run of what the catalog does not hold, so that somebody sees it.
    fn insert_missing(
        &mut self,
        change: &mut Change<'_>,
        target: &Target,
        due: &DueSchedule,
        pattern: &str,
    ) -> Result<(), CatalogError> {
        let new = target.run(due, ("", pattern), due.due.run.unwrap_or(self.now));
        let (status, because) = match target.barrier {
            Some(barrier) => (RunStatus::Canceled, Because::reason(barrier.code())),
            None => (RunStatus::Error, not_found(pattern, target.link.failure.as_ref())),
        };
        let recorded = run::insert(change, &new, status, &because, self.now)?;
        self.fallen.recorded.push(recorded);
        Ok(())
    }

    fn admit(
        &mut self,
        change: &mut Change<'_>,
        new: &NewRun,
        barrier: Option<Barrier>,
        config: &ScheduleConfig,
    ) -> Result<(), CatalogError> {
        let earlier = run::unfinished(change.sql(), new)?;
        let (status, because) = match admit(barrier, config.overlap, earlier.len()) {
            Admission::Queue => (RunStatus::Queued, Because::default()),
            Admission::QueueInPlace => {
                for id in earlier {
                    run::apply(change, id, RunEvent::Cancel, &Because::reason("replaced"), self.now)?;
                    self.fallen.replaced.push(id);
                }
                (RunStatus::Queued, Because::default())
            }
            Admission::Cancel(barrier) => (RunStatus::Canceled, Because::reason(barrier.code())),
            Admission::Skip => (RunStatus::Skipped, Because::reason("overlap")),
        };
        let recorded = run::insert(change, new, status, &because, self.now)?;
        self.fallen.recorded.push(recorded);
        Ok(())
    }
}

impl Target {
    fn read(change: &Change<'_>, link: LinkRecord) -> Result<Self, CatalogError> {
        let connection = connection::find(change.sql(), &link.connection)?;
        let is_cut_off = connection.is_some_and(|record| record.state.is_disconnected());
        let barrier = match (link.state.is_archived(), is_cut_off) {
            (true, _) => Some(Barrier::LinkArchived),
            (false, true) => Some(Barrier::ConnectionDisconnected),
            (false, false) => None,
        };
        let suites = suites::ids(change.sql(), link.key)?;
        let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, (_, id)) in suites.iter().enumerate() {
            by_id.entry(id.clone()).or_default().push(at);
        }
        Ok(Self { link, barrier, suites, by_id })
    }

    /// The suites that a pattern means.
    fn matching(&self, pattern: &str, globs: &SuiteGlobs) -> Vec<usize> {
        if let Some(found) = self.by_id.get(pattern) {
            return found.clone();
        }
        if !pattern.contains(GLOB_CHARACTERS) {
            return Vec::new();
        }
        let meant = |(at, (_, id)): (usize, &(String, String))| globs.matches(id).then_some(at);
        self.suites.iter().enumerate().filter_map(meant).collect()
    }

    fn run(&self, due: &DueSchedule, (root, suite): (&str, &str), slot: DateTime<Utc>) -> NewRun {
        NewRun {
            schedule: due.schedule.config.name.clone(),
            link: self.link.name.clone(),
            connection: self.link.connection.clone(),
            project: self.link.project.clone(),
            root: root.to_owned(),
            suite: suite.to_owned(),
            commit: self.link.commit,
            due_at: slot,
            requested_by: due.requested_by.clone(),
        }
    }
}

/// A suite that the catalog does not hold: because the link could not be synced, if it could not.
fn not_found(pattern: &str, failure: Option<&Failure>) -> Because {
    let (reason, message) = match failure {
        Some(failure) => (failure.class.code(), format!("the link could not be synced: {}", failure.message)),
        None => ("suite_not_found", format!("the link's catalog holds no suite `{pattern}`")),
    };
    Because { reason: Some(reason), message: Some(message), delegate: None }
}
