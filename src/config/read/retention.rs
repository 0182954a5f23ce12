//! `[retention]`, and what it is without a word in any file.

use std::time::Duration;

use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::RetentionConfig;
use crate::config::size;
use crate::domain::cadence::Cadence;

/// A link that is taken away for a few days and comes back needs no new clone.
const DEFAULT_MIRRORS_KEEP: Duration = Duration::from_secs(7 * 86_400);

/// Room for thousands of mirrors of the usual size on the smallest disk of a build host.
const DEFAULT_DISK: u64 = 20 << 30;

/// Less has no room for the catalog and one mirror, and is taken for a slip.
const LEAST_DISK: u64 = 64 << 20;

pub(super) fn read(section: &Section<'_>) -> RetentionConfig {
    let defaults = default_retention();
    RetentionConfig {
        mirrors_keep: mirrors_keep(section).unwrap_or(defaults.mirrors_keep),
        disk: disk(section).unwrap_or(defaults.disk),
    }
}

/// The retention of a configuration that says nothing of it.
pub(in crate::config) fn default_retention() -> RetentionConfig {
    RetentionConfig { mirrors_keep: DEFAULT_MIRRORS_KEEP, disk: DEFAULT_DISK }
}

fn mirrors_keep(section: &Section<'_>) -> Option<Duration> {
    let text = section.text("mirrors_keep")?;
    match Cadence::every(text.value) {
        Ok(Cadence::Every(keep)) => Some(keep),
        Ok(Cadence::Cron(_)) => None,
        Err(fault) => {
            let finding = Finding::error(text.place, format!("`mirrors_keep` is not usable: {}", fault.message));
            section.report.add(finding.help(fault.help));
            None
        }
    }
}

fn disk(section: &Section<'_>) -> Option<u64> {
    let text = section.text("disk")?;
    let bytes = size::parse(text.value);
    if bytes.is_none_or(|bytes| bytes < LEAST_DISK) {
        let what = if bytes.is_some() { "is less than the least, 64MiB" } else { "is no size" };
        section.report.add(Finding::error(text.place, format!("`disk` {what}")).help(size::HELP));
        return None;
    }
    bytes
}
