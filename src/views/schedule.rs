//! Schedules as they are shown, and when they fall due next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{FailureClass, LinkName, RunId, ScheduleName};

use crate::catalog;
use crate::catalog::connection;
use crate::catalog::link::{self, LinkRecord};
use crate::catalog::run::{self, RunRecord};
use crate::config::ScheduleConfig;
use crate::domain::run::{Barrier, Overlap, RunStatus};
use crate::domain::schedule::{Missed, Timetable};
use crate::domain::selection::{Wanted, why_nobody};
use crate::engine::control::AgentState;

/// One line of `schedule list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleView {
    pub name: String,
    pub link: String,
    /// As written: ids, and globs over them.
    pub suites: Vec<String>,
    pub cron: String,
    pub time_zone: String,
    pub overlap: Overlap,
    pub missed: Missed,
    /// Whether runs that fall due now would be executed.
    pub enabled: bool,
    /// Why not: the reason that such runs end with.
    pub reason: Option<String>,
    /// Why no delegate can be given its runs now, if none can; they wait if one may be able to later.
    pub unserved: Option<String>,
    /// When the runs of the next slot begin.
    pub next: Option<DateTime<Utc>>,
    pub last: Option<LastRun>,
}

/// The newest run of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    pub id: RunId,
    pub status: RunStatus,
    /// When it took on that status.
    pub at: DateTime<Utc>,
}

impl From<&RunRecord> for LastRun {
    fn from(run: &RunRecord) -> Self {
        let at = run.finished_at.or(run.started_at).unwrap_or(run.queued_at);
        Self { id: run.id, status: run.status, at }
    }
}

/// One line of `schedule next`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotView {
    pub schedule: String,
    /// When its runs begin.
    pub at: DateTime<Utc>,
    pub time_zone: String,
    /// The same on the clocks of that zone.
    pub local: DateTime<FixedOffset>,
}

/// What the catalog tells of the schedules.
#[derive(Debug)]
pub struct Schedules {
    barriers: HashMap<LinkName, Barrier>,
    newest: BTreeMap<ScheduleName, RunRecord>,
}

impl Schedules {
    pub fn read(sql: &rusqlite::Connection) -> catalog::Result<Self> {
        let connections = connection::list(sql)?.into_iter();
        let connections: HashMap<_, _> = connections.map(|record| (record.name, record.state)).collect();
        let barrier =
            |link: LinkRecord| Some((link.name, Barrier::of(&link.state, connections.get(&link.connection))?));
        let barriers = link::list(sql)?.into_iter().filter_map(barrier).collect();
        Ok(Self { barriers, newest: run::newest(sql)? })
    }

    pub fn views(&self, state: &AgentState) -> Vec<ScheduleView> {
        state.config.schedules.values().map(|schedule| self.view(schedule, state)).collect()
    }

    fn view(&self, schedule: &ScheduleConfig, state: &AgentState) -> ScheduleView {
        let barrier = self.barriers.get(&schedule.link).map(|barrier| barrier.code());
        let wanted = Wanted::new(state.config.tags_of_schedule(schedule), WorkKind::Run);
        let nobody = state.all_known && !state.candidates.iter().any(|candidate| candidate.suits(&wanted));
        let nobody = nobody.then_some(FailureClass::NoEligibleDelegate.code());
        let reason = barrier.or(nobody);
        ScheduleView {
            name: schedule.name.to_string(),
            link: schedule.link.to_string(),
            suites: schedule.suites.clone(),
            cron: schedule.timetable.cron().to_string(),
            time_zone: schedule.timetable.zone().to_string(),
            overlap: schedule.overlap,
            missed: schedule.missed,
            enabled: reason.is_none(),
            reason: reason.map(str::to_owned),
            unserved: why_nobody(&wanted, &state.candidates),
            next: begins(&schedule.timetable, state.now).next(),
            last: self.newest.get(&schedule.name).map(LastRun::from),
        }
    }
}

/// When the runs of the slots begin that are still to come.
fn begins(timetable: &Timetable, now: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    // A slot that has passed still counts while its runs have not begun.
    let delay = timetable.begins(now) - now;
    let slots = std::iter::successors(timetable.slot_after(now - delay), |slot| timetable.slot_after(*slot));
    slots.map(|slot| timetable.begins(slot))
}

/// The next `count` slots of these schedules, all together in the order of time.
pub fn upcoming<'a>(
    schedules: impl IntoIterator<Item = &'a ScheduleConfig>,
    now: DateTime<Utc>,
    count: usize,
) -> Vec<SlotView> {
    let schedules: Vec<_> = schedules.into_iter().collect();
    let mut slots: Vec<_> = schedules.iter().map(|schedule| begins(&schedule.timetable, now)).collect();
    let first = |(place, slots): (usize, &mut _)| Some(Reverse((Iterator::next(slots)?, place)));
    let mut heap: BinaryHeap<_> = slots.iter_mut().enumerate().filter_map(first).collect();
    let mut found = Vec::new();
    while found.len() < count
        && let Some(Reverse((at, place))) = heap.pop()
    {
        found.extend(schedules.get(place).map(|schedule| SlotView::new(schedule, at)));
        heap.extend(slots.get_mut(place).and_then(Iterator::next).map(|next| Reverse((next, place))));
    }
    found
}

impl SlotView {
    fn new(schedule: &ScheduleConfig, at: DateTime<Utc>) -> Self {
        let zone = schedule.timetable.zone();
        Self {
            schedule: schedule.name.to_string(),
            at,
            time_zone: zone.to_string(),
            local: at.with_timezone(&zone).fixed_offset(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::domain::cadence::CronExpression;

    fn schedule(name: &str, cron: &str, zone: chrono_tz::Tz) -> ScheduleConfig {
        let cron = CronExpression::parse(cron).unwrap();
        ScheduleConfig {
            name: name.parse().unwrap(),
            link: "shop".parse().unwrap(),
            timetable: Timetable::new(cron, zone, Duration::ZERO, name),
            suites: vec!["Test Suites/Smoke".to_owned()],
            command: vec!["true".to_owned()],
            environment: BTreeMap::new(),
            results: Vec::new(),
            timeout: Duration::from_secs(60),
            overlap: Overlap::Skip,
            missed: Missed::Skip,
            delegate_tags: None,
        }
    }

    fn shown(schedules: &[ScheduleConfig], now: &str, count: usize) -> Vec<String> {
        let slots = upcoming(schedules, now.parse().unwrap(), count);
        slots.iter().map(|slot| format!("{} {} {}", slot.schedule, slot.local.to_rfc3339(), slot.at)).collect()
    }

    #[test]
    fn slots_are_told_on_the_clocks_of_their_zone() {
        let nightly = schedule("nightly", "0 30 2 * * *", chrono_tz::Europe::Berlin);
        assert_eq!(
            shown(&[nightly], "2026-03-28T12:00:00Z", 2),
            [
                "nightly 2026-03-29T03:00:00+02:00 2026-03-29 01:00:00 UTC",
                "nightly 2026-03-30T02:30:00+02:00 2026-03-30 00:30:00 UTC",
            ]
        );
    }

    #[test]
    fn slots_of_several_schedules_come_in_the_order_of_time() {
        let schedules = [schedule("b", "0 0 * * * *", chrono_tz::UTC), schedule("a", "0 30 */2 * * *", chrono_tz::UTC)];
        let names: Vec<_> = upcoming(&schedules, "2026-01-01T00:10:00Z".parse().unwrap(), 5)
            .into_iter()
            .map(|slot| format!("{} {}", slot.schedule, slot.at.format("%H:%M")))
            .collect();
        assert_eq!(names, ["a 00:30", "b 01:00", "b 02:00", "a 02:30", "b 03:00"]);
    }

    #[test]
    fn a_slot_counts_until_its_runs_begin() {
        let hourly = CronExpression::parse("0 0 * * * *").unwrap();
        let delayed = Timetable::new(hourly, chrono_tz::UTC, Duration::from_secs(3000), "delayed");
        let slot: DateTime<Utc> = "2026-01-01T01:00:00Z".parse().unwrap();
        let begin = delayed.begins(slot);
        assert!(begin > slot, "this name has a share of the jitter");
        assert_eq!(begins(&delayed, slot).next(), Some(begin));
        assert_ne!(begins(&delayed, begin).next(), Some(begin));
    }
}
