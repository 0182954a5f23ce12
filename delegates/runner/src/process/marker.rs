//! What is kept of a run on disk, so that a later process can end what a killed one left.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::brand::Brand;
use super::containment::{Family, Swept};
use super::control_group::ControlGroup;
use super::family::Company;
use super::table::ProcessId;

/// Where a run may be found. Keep one without a process before the run is asked for, and the one that
/// [`RunProgress::Started`](super::RunProgress) brings as soon as it comes: then no moment is left to be killed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMarker {
    /// The run's id, which its processes carry in their environment.
    pub run: String,
    /// Which start of the host this was; after another nothing of it can be left.
    pub boot: String,
    /// What the run's processes were started with; none where an earlier version wrote this.
    #[serde(default)]
    pub brand: Option<Brand>,
    /// The first process, which leads the run's session and group.
    pub leader: Option<ProcessId>,
    /// The run's own control group.
    pub control_group: Option<PathBuf>,
}

impl RunMarker {
    /// The marker of a run that is about to begin.
    pub fn new(run: &str) -> io::Result<Self> {
        let brand = Some(Brand::of_run(run));
        Ok(Self { run: run.to_owned(), boot: boot()?, brand, leader: None, control_group: None })
    }
}

/// Identity of the host's present start.
fn boot() -> io::Result<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned())
}

/// Ends what is left of a run whose runner is no more: asks, waits for `grace`, kills. It blocks until nothing is left
/// or ten seconds have passed on killing.
///
/// Found is what names the run in its environment or has its brand, what is in the session of its first process while
/// that is there, and what descends from these. What took all of that off by itself is found by its control group alone.
pub fn sweep(marker: &RunMarker, grace: Duration) -> Swept {
    if boot().is_ok_and(|boot| boot != marker.boot) {
        return Swept::default();
    }
    let mut family = Family {
        run: marker.run.clone(),
        brand: marker.brand,
        leader: marker.leader,
        folder: None,
        control_group: marker.control_group.clone().map(ControlGroup::at),
        seen: Default::default(),
        company: || Company::Others,
    };
    family.end(grace)
}
