//! `[retention]`, and what it is without a word in any file.

use std::time::Duration;

use crate::config::section::Section;
use crate::config::settings::RetentionConfig;
use crate::config::size;
use crate::domain::cadence::LONGEST_INTERVAL;

/// A link that is taken away for a few days and comes back needs no new clone.
const DEFAULT_MIRRORS_KEEP: Duration = Duration::from_secs(7 * 86_400);

/// Room for thousands of mirrors of the usual size on the smallest disk of a build host.
const DEFAULT_DISK: u64 = 20 << 30;

/// Long enough for the questions of a quarter.
const DEFAULT_EVENTS: Duration = Duration::from_secs(90 * 86_400);

/// Runs and their logs: long enough to look into last month's failure.
const DEFAULT_RUNS: Duration = Duration::from_secs(30 * 86_400);

/// A year of results shows a season's trend.
const DEFAULT_RESULTS: Duration = Duration::from_secs(365 * 86_400);

/// Anything shorter is taken for a slip.
const SHORTEST_KEEP: Duration = Duration::from_secs(1);

pub(super) fn read(section: &Section<'_>) -> RetentionConfig {
    let defaults = default_retention();
    let keep =
        |key, default| section.duration(key, SHORTEST_KEEP..=LONGEST_INTERVAL).map_or(default, |keep| keep.value);
    RetentionConfig {
        mirrors_keep: keep("mirrors_keep", defaults.mirrors_keep),
        disk: size::read(section, "disk").unwrap_or(defaults.disk),
        events: keep("events", defaults.events),
        runs: keep("runs", defaults.runs),
        results: keep("results", defaults.results),
    }
}

/// The retention of a configuration that says nothing of it.
pub(in crate::config) fn default_retention() -> RetentionConfig {
    RetentionConfig {
        mirrors_keep: DEFAULT_MIRRORS_KEEP,
        disk: DEFAULT_DISK,
        events: DEFAULT_EVENTS,
        runs: DEFAULT_RUNS,
        results: DEFAULT_RESULTS,
    }
}
