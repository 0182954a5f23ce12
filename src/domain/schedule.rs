//! When the suites of a schedule fall due. Pure: the time is an argument.
//!
//! A slot is a time that the cron expression names, on the clocks of the schedule's zone. Where clocks go forward, a
//! time that does not exist moves to the first moment that does; where they go back, a fixed time comes once (the first
//! of the two) and a repeated one, such as every half hour, in both. A slot is consumed when its runs are recorded, and
//! never comes again.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cadence::CronExpression;

/// How late a slot may be noticed and still be on time, by an agent that was up when it began: a busy host.
const ON_TIME: TimeDelta = TimeDelta::seconds(60);

/// Missed slots are counted up to here; beyond it nobody wants to know how many.
const MAX_COUNTED: u64 = 1000;

/// How far a clock may be set back and the slots that it had shown do not come again. What lies further ahead was
/// dealt with by a clock that was wrong, and would hold its schedule back for as long.
const SET_BACK: TimeDelta = TimeDelta::days(1);

/// The latest slot that can have been dealt with by `now`: a schedule with a later one begins anew.
pub fn latest_consumed(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_add_signed(SET_BACK).unwrap_or(now)
}

/// What becomes of slots that passed while the agent was down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    #[default]
    Skip,
    /// The last of them is made up for, once.
    RunOnce,
}

/// The slots of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Timetable {
    cron: CronExpression,
    zone: Tz,
    /// How long after a slot its runs are begun: the schedule's share of its jitter.
    delay: TimeDelta,
}

/// What has fallen due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The slot that is to be run, if one is.
    pub run: Option<DateTime<Utc>>,
    /// Slots that passed without a run, up to a thousand.
    pub missed: u64,
    /// The last slot that is dealt with herewith.
    pub consumed: DateTime<Utc>,
}

impl Timetable {
    /// `name` decides the share of `jitter`: always the same for the same name.
    pub fn new(cron: CronExpression, zone: Tz, jitter: Duration, name: &str) -> Self {
        let delay = TimeDelta::from_std(jitter.mul_f64(share(name))).unwrap_or(TimeDelta::zero());
        Self { cron, zone, delay }
    }

    pub fn zone(&self) -> Tz {
        self.zone
    }

    pub fn cron(&self) -> &CronExpression {
        &self.cron
    }

    /// The first slot after a time.
    pub fn slot_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.next_after(at, self.zone)
    }

    /// When the runs of a slot are begun.
    pub fn begins(&self, slot: DateTime<Utc>) -> DateTime<Utc> {
        slot.checked_add_signed(self.delay).unwrap_or(slot)
    }

    /// What has fallen due by `now` of the slots after `consumed`. What was to begin before `up_since`, when the agent
    /// was started, is missed, however short the agent was down.
    pub fn due(
        &self,
        consumed: DateTime<Utc>,
        now: DateTime<Utc>,
        up_since: DateTime<Utc>,
        missed: Missed,
    ) -> Option<Due> {
        let last = self.cron.last_until(now - self.delay, self.zone).filter(|last| *last > consumed)?;
        let begins = self.begins(last);
        let is_on_time = begins >= up_since && now - begins <= ON_TIME;
        let run = (is_on_time || missed == Missed::RunOnce).then_some(last);
        let passed = self.slots_between(consumed, last);
        Some(Due { run, missed: passed - u64::from(run.is_some()), consumed: last })
    }

    /// Slots after one time up to another, that one among them.
    fn slots_between(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> u64 {
        let slots = std::iter::successors(self.slot_after(after), |slot| self.slot_after(*slot));
        slots.take_while(|slot| *slot <= until).zip(0..MAX_COUNTED).count().max(1) as u64
    }
}

/// What decides its slots; the delay after each is no part of that.
impl fmt::Display for Timetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.cron, self.zone)
    }
}

/// A number in 0..1 that is the same for the same name on every host and in every version.
fn share(name: &str) -> f64 {
    let digest = Sha256::digest(name.as_bytes());
    let number = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    f64::from(number) / 2_f64.powi(32)
}

#[cfg(test)]
mod tests;
