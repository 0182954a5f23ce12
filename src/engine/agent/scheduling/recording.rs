//! What has fallen due on its way into the catalog: which suites are meant, and what becomes of each.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use suitesync_contract::{LinkName, RunId};

use crate::catalog::contents::suites;
use crate::catalog::link::LinkRecord;
use crate::catalog::run::{Because, NewRun, RunRecord};
use crate::catalog::{CatalogError, Change, connection, link, run};
use crate::config::ScheduleConfig;
use crate::domain::event::{Event, EventName};
use crate::domain::run::{Admission, Barrier, RunEvent, RunStatus, admit};
use crate::domain::schedule::Due;
use crate::domain::suite_glob::SuiteGlob;
use crate::engine::agent::running::never_synced;
use crate::engine::plan::ScheduleEntry;

/// A schedule with what has fallen due of it.
#[derive(Debug, Clone)]
pub(super) struct DueSchedule {
    pub(super) schedule: ScheduleEntry,
    pub(super) due: Due,
    /// The id of the one suite that is wanted, where it is not all that the schedule means.
    pub(super) only: Option<String>,
    pub(super) requested_by: Option<String>,
}

impl DueSchedule {
    fn wants(&self, suite: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == suite)
    }
}

/// What came of slots that fell due.
#[derive(Debug, Default)]
pub(in crate::engine::agent) struct FallenDue {
    pub(super) recorded: Vec<RunRecord>,
    /// Earlier runs that make room for new ones.
    pub(super) replaced: Vec<RunId>,
}

/// Slots on their way into the catalog. What many schedules share is read once.
pub(super) struct Recording {
    now: DateTime<Utc>,
    links: HashMap<LinkName, Option<Arc<Target>>>,
    pub(super) fallen: FallenDue,
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
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        Self { now, links: HashMap::new(), fallen: FallenDue::default() }
    }

    pub(super) fn take(&mut self, change: &mut Change<'_>, due: &DueSchedule) -> Result<(), CatalogError> {
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
        for glob in due.schedule.globs.iter() {
            let found = target.matching(glob);
            if found.is_empty() && due.wants(glob.text()) {
                self.insert_missing(change, &target, due, glob.text())?;
            }
            meant.extend(found);
        }
        let meant = meant.into_iter().filter_map(|at| target.suites.get(at));
        for (root, id) in meant.filter(|(_, id)| due.wants(id)) {
            let new = target.run(due, (root, id), slot);
            self.admit(change, &new, target.barrier, config)?;
        }
        Ok(())
    }

    /// The ids of the suites that a schedule means.
    pub(super) fn meant(&mut self, change: &Change<'_>, schedule: &ScheduleEntry) -> Result<Vec<String>, CatalogError> {
        let Some(target) = self.target(change, &schedule.config.link)? else { return Ok(Vec::new()) };
        let meant: BTreeSet<_> = schedule.globs.iter().flat_map(|glob| target.matching(glob)).collect();
        Ok(meant.into_iter().filter_map(|at| target.suites.get(at)).map(|(_, id)| id.clone()).collect())
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
            None => (RunStatus::Error, not_found(pattern, &target.link)),
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
        let barrier = Barrier::of(&link.state, connection.as_ref().map(|record| &record.state));
        let suites = suites::ids(change.sql(), link.key)?;
        let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, (_, id)) in suites.iter().enumerate() {
            by_id.entry(id.clone()).or_default().push(at);
        }
        Ok(Self { link, barrier, suites, by_id })
    }

    /// The suites that a glob means. One that is called like a glob takes nothing away from it.
    fn matching(&self, glob: &SuiteGlob) -> Vec<usize> {
        if glob.is_id() {
            return self.by_id.get(glob.text()).cloned().unwrap_or_default();
        }
        let meant = |(at, (_, id)): (usize, &(String, String))| glob.matches(id).then_some(at);
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
fn not_found(pattern: &str, link: &LinkRecord) -> Because {
    if link.failure.is_some() || link.synced_at.is_none() {
        return never_synced(link.failure.as_ref());
    }
    let message = format!("the link's catalog holds no suite `{pattern}`");
    Because { message: Some(message), ..Because::reason("suite_not_found") }
}
