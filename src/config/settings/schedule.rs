//! `[[schedule]]`: when which suites of a link are run, and how.

use std::collections::BTreeMap;
use std::time::Duration;

use suitesync_contract::{EnvironmentValue, LinkName, ScheduleName, Tags};

use crate::domain::run::Overlap;
use crate::domain::schedule::{Missed, Timetable};

/// A schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleConfig {
    pub name: ScheduleName,
    pub link: LinkName,
    pub timetable: Timetable,
    /// Ids of suites and globs over them, as written.
    pub suites: Vec<String>,
    /// Words with placeholders.
    pub command: Vec<String>,
    pub environment: BTreeMap<String, EnvironmentValue>,
    /// Globs below the root; nothing where the exit status is all that counts.
    pub results: Vec<String>,
    pub timeout: Duration,
    pub overlap: Overlap,
    pub missed: Missed,
    /// Wins over the link's and the connection's, whole, where it is there.
    pub delegate_tags: Option<Tags>,
}
