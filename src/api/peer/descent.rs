//! Whether a process descends from what the agent has started: there runs are executed, with the agent's own user where
//! no other was set up for them, and a run may do whatever a repository says.
//!
//! Whoever executes runs takes in the orphans of what it started, so that no run gets out from below it. A process that
//! cannot be followed up to the first one, as it is gone or hides itself, is taken for one of a run while the agent has
//! any children.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::getpid;

/// Deeper than processes are nested in earnest.
const MAX_DEPTH: usize = 256;

/// The first process of the host or the container, and what is above it.
const FIRST: i32 = 1;

/// Whether the agent or a child of its is an ancestor of a process.
pub(super) fn is_below_us(process: i32) -> bool {
    let (ourselves, children) = (getpid().as_raw_pid(), children());
    process != ourselves && !children.is_empty() && is_below(process, &(&children | &[ourselves].into()), parent_of)
}

fn is_below(process: i32, ancestors: &BTreeSet<i32>, parent_of: impl Fn(i32) -> Option<i32>) -> bool {
    let mut at = process;
    for _ in 0..MAX_DEPTH {
        if ancestors.contains(&at) {
            return true;
        }
        match parent_of(at) {
            Some(parent) if parent <= FIRST => return false,
            Some(parent) => at = parent,
            None => return true,
        }
    }
    true
}

/// Those of ours; each thread has its own (proc(5)).
fn children() -> BTreeSet<i32> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

fn parent_of(process: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 is ours with the child 20, which has 30; 40 has come from elsewhere, and the parent of 60 is not to be seen.
    fn check(process: i32, expect: bool) {
        let parents = |process| match process {
            30 => Some(20),
            20 => Some(10),
            10 | 40 => Some(1),
            50 => Some(40),
            60 => Some(61),
            70 => Some(0),
            _ => None,
        };
        assert_eq!(is_below(process, &[10, 20].into(), parents), expect, "{process}");
    }

    #[test]
    fn what_descends_from_a_child_of_ours_is_below_us() {
        check(20, true);
        check(30, true);
        check(40, false);
        check(50, false);
        check(70, false);
    }

    #[test]
    fn what_cannot_be_followed_is_taken_for_below_us() {
        check(60, true);
        check(99, true);
    }

    #[test]
    fn a_child_is_below_us_and_we_are_not() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(is_below_us(i32::try_from(child.id()).unwrap()));
        assert!(!is_below_us(getpid().as_raw_pid()));
        child.kill().and_then(|()| child.wait()).unwrap();
    }
}
