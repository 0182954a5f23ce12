//! Ends a run for good: asked first, then killed, until nothing of it is left.
//!
//! 1. SIGTERM (and SIGCONT) to all that belongs to the run.
//! 2. The grace time, or until nothing is left.
//! 3. `cgroup.kill` where the run has a control group; SIGKILL to each process, again and again, since what is being
//!    killed may still start others. As a subreaper this process becomes the parent of what loses its own, so that
//!    what left the group and the session is found too.
//! 4. What ended is reaped.
//!
//! Each signal goes through a pidfd that is opened first and looked at then, so that it never reaches a process that
//! has only the number. All of it blocks.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid};
use serde::{Deserialize, Serialize};

use super::brand::Brand;
use super::control_group::ControlGroup;
use super::family::{self, Company, Marks};
use super::table::{self, Life, Ourselves, Process, ProcessId};

/// How often it is looked whether something is left.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long SIGKILL is repeated. Only what hangs inside the kernel, or is not ours to kill, lasts longer.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// Most processes told of by name; a fork bomb has thousands.
const MAX_TOLD: usize = 100;

/// A process that did not end by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedProcess {
    pub pid: i32,
    pub name: String,
    /// The signal that it was last sent.
    pub by: StopSignal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopSignal {
    Term,
    Kill,
}

/// What came of ending a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// What had to be told to end, at most a hundred of them.
    pub stopped: Vec<StoppedProcess>,
    /// What is there still: nothing, unless it hangs inside the kernel or belongs to another user.
    pub remaining: Vec<i32>,
}

/// What is looked for.
#[derive(Debug, Clone)]
pub(super) struct Family {
    pub(super) run: String,
    pub(super) brand: Option<Brand>,
    pub(super) leader: Option<ProcessId>,
    /// The working folder, without symbolic links; none where it may be anyone's.
    pub(super) folder: Option<PathBuf>,
    pub(super) control_group: Option<ControlGroup>,
    /// What was seen to belong to the run so far.
    pub(super) seen: HashSet<ProcessId>,
    /// Asked after the processes were looked at: a run that began before is then known.
    pub(super) company: fn() -> Company,
}

impl Family {
    /// The processes of the run that are alive. Those that have ended and are ours are reaped, but for the first.
    pub(super) fn alive(&mut self) -> Vec<Process> {
        let processes = table::look(self.leader.map_or(0, |leader| leader.started));
        let folder = self.folder.as_deref();
        let (brand, leader) = (self.brand, self.leader);
        let marks = Marks { run: &self.run, brand, leader, folder, seen: &self.seen };
        let ourselves = Ourselves::look();
        let members = family::members(&processes, marks, ourselves, (self.company)());
        let (alive, ended): (Vec<_>, Vec<_>) = members.into_iter().partition(|member| member.life == Life::Alive);
        ended.iter().filter(|process| Some(process.id) != self.leader).for_each(|process| reap(process, ourselves));
        self.seen = alive.iter().map(|process| process.id).collect();
        alive.into_iter().cloned().collect()
    }

    /// Ends all of it.
    pub(super) fn end(&mut self, grace: Duration) -> Swept {
        let mut stopped = BTreeMap::new();
        let asked = self.alive();
        for process in &asked {
            signal(process, StopSignal::Term, &mut stopped);
        }
        if !asked.is_empty() {
            self.wait_until_empty(grace);
        }
        let remaining = self.kill(&mut stopped);
        if let Some(group) = &self.control_group {
            // It may be busy with what remains; whoever sweeps next tries again.
            let _ = group.remove();
        }
        let leader = self.leader.and_then(|leader| table::stat(leader.pid).filter(|now| now.id == leader));
        leader.iter().for_each(|leader| reap(leader, Ourselves::look()));
        Swept { stopped: stopped.into_values().take(MAX_TOLD).collect(), remaining }
    }

    fn wait_until_empty(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while !self.alive().is_empty() && Instant::now() < deadline {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn kill(&mut self, stopped: &mut BTreeMap<ProcessId, StoppedProcess>) -> Vec<i32> {
        let deadline = Instant::now() + KILL_LIMIT;
        loop {
            let left = self.alive();
            let in_group = self.control_group.as_ref().filter(|group| group.is_populated());
            if left.is_empty() && in_group.is_none() {
                return Vec::new();
            }
            if Instant::now() >= deadline {
                return left.iter().map(|process| process.id.pid).collect();
            }
            if let Some(group) = in_group {
                let _ = group.kill();
            }
            for process in &left {
                signal(process, StopSignal::Kill, stopped);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// Lets the kernel forget a process that has ended and came to us. Others ask for what they started themselves, which
/// is in our session.
fn reap(process: &Process, ourselves: Ourselves) {
    if process.parent == ourselves.pid && process.session != ourselves.session {
        // Nothing to be had means that it was asked for already.
        let _ = Pid::from_raw(process.id.pid).map(|pid| waitpid(Some(pid), WaitOptions::NOHANG));
    }
}

/// Sends a signal to a process if it is still the same one. Failure shows by its staying.
fn signal(process: &Process, by: StopSignal, stopped: &mut BTreeMap<ProcessId, StoppedProcess>) {
    let Some(descriptor) = Pid::from_raw(process.id.pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
    else {
        return;
    };
    if table::stat(process.id.pid).is_none_or(|now| now.id != process.id) {
        return;
    }
    let signals: &[Signal] = match by {
        // What is stopped cannot end before it goes on.
        StopSignal::Term => &[Signal::TERM, Signal::CONT],
        StopSignal::Kill => &[Signal::KILL],
    };
    for signal in signals {
        let _ = pidfd_send_signal(&descriptor, *signal);
    }
    let (pid, name) = (process.id.pid, process.name.clone());
    stopped.insert(process.id, StoppedProcess { pid, name, by });
}
