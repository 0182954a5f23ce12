//! Which hosts a delegate leaves alone for a while, as it could not connect to them and another one can be asked.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use suitesync_contract::FailureClass;

/// The first time: a proxy that is being restarted is back by then.
pub const FIRST_BACK_OFF: Duration = Duration::from_secs(5);

/// At most: whoever has mended a firewall should not wait longer for the delegate to be of use again.
pub const LONGEST_BACK_OFF: Duration = Duration::from_secs(300);

/// Doublings after which every back-off is the longest one.
const MOST_DOUBLINGS: u32 = 10;

/// A host that a delegate leaves alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackOff {
    /// With its port, where that is not the usual one.
    pub host: String,
    pub class: FailureClass,
    pub until: DateTime<Utc>,
}

impl fmt::Display for BackOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = self.until.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(f, "backs off from {} until {until} ({})", self.host, self.class)
    }
}

/// What one delegate leaves alone, by host and class.
#[derive(Debug, Clone, Default)]
pub struct BackOffs(BTreeMap<(String, FailureClass), Pace>);

#[derive(Debug, Clone, Copy)]
struct Pace {
    failures: u32,
    until: DateTime<Utc>,
}

impl Pace {
    /// A clock that was set back makes nothing last longer than the longest.
    fn holds(&self, now: DateTime<Utc>) -> bool {
        now < self.until && self.until - now <= delta(LONGEST_BACK_OFF)
    }
}

impl BackOffs {
    /// The delegate could not connect to `host`. Tasks that fail together count as one failure.
    pub fn failed(&mut self, host: &str, class: FailureClass, now: DateTime<Utc>) {
        let before = self.0.get(&(host.to_owned(), class)).copied();
        if before.is_some_and(|pace| pace.holds(now)) {
            return;
        }
        let failures = before.map_or(0, |pace| pace.failures).saturating_add(1);
        let wait = FIRST_BACK_OFF.saturating_mul(1 << (failures - 1).min(MOST_DOUBLINGS)).min(LONGEST_BACK_OFF);
        let until = (now + delta(wait)).trunc_subsecs(3);
        self.0.insert((host.to_owned(), class), Pace { failures, until });
    }

    /// The delegate has reached `host`.
    pub fn reached(&mut self, host: &str) {
        self.0.retain(|(known, _), _| known != host);
    }

    /// Those that are in force.
    pub fn standing(&self, now: DateTime<Utc>) -> Vec<BackOff> {
        let standing = self.0.iter().filter(|(_, pace)| pace.holds(now));
        standing.map(|((host, class), pace)| BackOff { host: host.clone(), class: *class, until: pace.until }).collect()
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        "2026-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(seconds)
    }

    /// Seconds that the last of these failures is followed by.
    fn check(failed_at: &[i64], expect: i64) {
        let mut back_offs = BackOffs::default();
        failed_at.iter().for_each(|second| back_offs.failed("git", FailureClass::Connect, at(*second)));
        let last = at(*failed_at.last().unwrap());
        let until = back_offs.standing(last).first().map(|back_off| back_off.until);
        assert_eq!(until, Some(last + TimeDelta::seconds(expect)), "{failed_at:?}");
    }

    #[test]
    fn each_failure_after_a_back_off_doubles_it_up_to_minutes() {
        check(&[0], 5);
        check(&[0, 5], 10);
        check(&[0, 5, 15], 20);
        let often: Vec<_> = (0..40).map(|turn| turn * 1000).collect();
        check(&often, 300);
    }

    #[test]
    fn tasks_that_fail_together_count_once() {
        check(&[0, 0, 0], 5);
        check(&[0, 3], 2);
    }

    #[test]
    fn a_host_that_was_reached_is_forgotten_with_every_class_of_it() {
        let mut back_offs = BackOffs::default();
        back_offs.failed("git", FailureClass::Connect, at(0));
        back_offs.failed("git", FailureClass::Dns, at(0));
        back_offs.failed("other", FailureClass::Dns, at(0));
        back_offs.reached("git");
        let hosts: Vec<_> = back_offs.standing(at(1)).into_iter().map(|back_off| back_off.host).collect();
        assert_eq!(hosts, ["other"]);
    }

    #[test]
    fn it_ends_by_itself_and_when_the_clock_is_set_back() {
        let mut back_offs = BackOffs::default();
        back_offs.failed("git", FailureClass::Connect, at(0));
        assert_eq!(back_offs.standing(at(5)), []);
        assert_eq!(back_offs.standing(at(-3600)), []);
        let told = back_offs.standing(at(1)).first().map(ToString::to_string);
        assert_eq!(told.as_deref(), Some("backs off from git until 2026-01-01T00:00:05Z (connect)"));
    }
}
