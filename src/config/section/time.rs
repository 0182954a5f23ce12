//! Reads how often something is due, and how long something takes.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Section;
use crate::config::place::{Place, Placed};
use crate::config::report::Finding;
use crate::domain::cadence::{Cadence, InvalidCadence};

impl Section<'_> {
    /// How often something is due, by one of two keys.
    pub(in crate::config) fn cadence(&self, interval: &'static str, cron: &'static str) -> Option<Cadence> {
        let key = self.only_one_of(&[interval, cron])?;
        let text = self.text(key)?;
        let cadence = if key == cron { Cadence::cron(text.value) } else { Cadence::every(text.value) };
        cadence.map_err(|fault| self.refuse_time(key, text.place, fault)).ok()
    }

    /// How long something is or may be; no time at all, `0s`, where that is allowed.
    pub(in crate::config) fn duration(&self, key: &str, allowed: RangeInclusive<Duration>) -> Option<Placed<Duration>> {
        let text = self.text(key)?;
        let duration = match Cadence::every(text.value) {
            Ok(Cadence::Every(duration)) => duration,
            _ if is_no_time(text.value) && allowed.contains(&Duration::ZERO) => Duration::ZERO,
            Ok(Cadence::Cron(_)) => return None,
            Err(fault) => {
                self.refuse_time(key, text.place, fault);
                return None;
            }
        };
        if !allowed.contains(&duration) {
            let help = format!("from {} to {}", shown(*allowed.start()), shown(*allowed.end()));
            self.report.add(Finding::error(text.place, format!("`{key}` is out of range")).help(help));
            return None;
        }
        Some(text.map(|_| duration))
    }

    /// Reports a time that cannot be used.
    pub(in crate::config) fn refuse_time(&self, key: &str, place: Place, fault: InvalidCadence) {
        let finding = Finding::error(place, format!("`{key}` is not usable: {}", fault.message));
        self.report.add(finding.help(fault.help));
    }
}

fn is_no_time(text: &str) -> bool {
    matches!(text.trim(), "0s" | "0m" | "0h" | "0d")
}

/// A duration as it is written in the configuration.
pub(in crate::config) fn shown(duration: Duration) -> String {
    if duration.is_zero() { "0s".to_owned() } else { Cadence::Every(duration).to_string() }
}
