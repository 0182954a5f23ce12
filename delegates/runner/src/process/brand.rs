//! A mark that nothing of a run loses by accident: a resource limit of a value that no other process has. Whatever a
//! process starts inherits it, through every fork, session and emptied environment (setrlimit(2)).
//!
//! The limit is the one on the time of real-time processes, at a century or two: it hinders nobody. Only what sets this very
//! limit itself is without the brand. Where the host limits it already there is none.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// Brands are numbers of microseconds from here to twice this: 71 to 142 years, and exact wherever JSON is read.
const LEAST: u64 = 1 << 51;

/// How the kernel calls the limit (proc(5)).
const LIMIT: &str = "Max realtime timeout";

/// The limit is one of the whole process: runs are started one at a time.
static STARTING: Mutex<()> = Mutex::new(());

/// The brand of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brand(u64);

impl Brand {
    pub(super) fn of_run(run: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        run.hash(&mut hasher);
        Self(LEAST + hasher.finish() % LEAST)
    }

    /// Has something started with the brand.
    pub(super) fn put_on<T>(self, start: impl FnOnce() -> T) -> T {
        let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let before = getrlimit(Resource::Rttime);
        // What cannot be branded is found by its other marks.
        let _ = setrlimit(Resource::Rttime, Rlimit { current: Some(self.0), maximum: before.maximum });
        let started = start();
        let _ = setrlimit(Resource::Rttime, before);
        started
    }

    /// The brand that a process has.
    pub(super) fn of_process(pid: i32) -> Option<Self> {
        parse(&fs::read_to_string(format!("/proc/{pid}/limits")).ok()?)
    }
}

/// Reads the line of the limit: its name, what counts, what it can be raised to, and the unit.
fn parse(limits: &str) -> Option<Brand> {
    let line = limits.lines().find_map(|line| line.strip_prefix(LIMIT))?;
    let number = line.split_ascii_whitespace().next()?.parse().ok()?;
    (LEAST..2 * LEAST).contains(&number).then_some(Brand(number))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_started_with_a_brand_hands_it_on_and_others_have_none() {
        let brand = Brand::of_run("7.1.ab");
        assert_ne!(brand, Brand::of_run("7.2.ab"));
        let script = "env -i setsid sh -c 'cat /proc/self/limits'";
        let limits = || Command::new("sh").args(["-c", script]).output().unwrap().stdout;
        let branded = brand.put_on(limits);
        assert_eq!(parse(&String::from_utf8(branded).unwrap()), Some(brand));
        assert_eq!(parse(&String::from_utf8(limits()).unwrap()), None);
    }

    #[test]
    fn limits_of_hosts_are_no_brands() {
        let line =
            |value: &str| format!("Max cpu time  unlimited  unlimited  seconds\n{LIMIT}   {value}   unlimited  us\n");
        for value in ["unlimited", "200000", "2251799813685247", "4503599627370496"] {
            assert_eq!(parse(&line(value)), None, "{value}");
        }
        assert_eq!(parse(&line("2251799813685248")), Some(Brand(LEAST)));
        assert_eq!(parse(""), None);
    }
}
