//! The processes of this host, as `/proc` shows them.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use rustix::process::getpid;
use serde::{Deserialize, Serialize};

use super::brand::Brand;

/// The variable that marks every process of a run, with the run's id as its value.
pub const RUN_VARIABLE: &str = "SUITESYNC_RUN";

/// Most bytes of an environment that are looked at; the kernel's own bound is not much higher.
const MAX_ENVIRONMENT: u64 = 4 << 20;

/// One process and no later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    pub pid: i32,
    /// When it began: clock ticks since the host did, as `/proc/PID/stat` has it.
    pub started: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Alive,
    /// Ended; its parent has not asked how.
    Zombie,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) id: ProcessId,
    pub(super) name: String,
    pub(super) life: Life,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    /// The run that its environment names; nothing where that cannot be read, as a zombie's.
    pub(super) run: Option<String>,
    /// The one that it was started with, or whoever started it.
    pub(super) brand: Option<Brand>,
    /// Its working folder, as far as it can be read.
    pub(super) folder: Option<PathBuf>,
}

/// Who we are among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ourselves {
    pub(super) pid: i32,
    /// Zero where the session was begun outside of this namespace of processes, as in many containers.
    pub(super) session: i32,
}

impl Ourselves {
    /// The session is read as those of the others are: `getsid` has no number for one that was begun outside.
    pub(super) fn look() -> Self {
        let pid = getpid().as_raw_pid();
        Self { pid, session: stat(pid).map_or(pid, |process| process.session) }
    }
}

/// All that can be seen and began at `since` or later: what a run started is no older than the run.
pub(super) fn look(since: u64) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(stat).filter(|process| process.id.started >= since).map(with_surroundings).collect()
}

/// One process, without its run, its brand and its folder.
pub(super) fn stat(pid: i32) -> Option<Process> {
    parse(pid, &String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?))
}

/// Reads the one line of `stat`. The name stands in parentheses and may hold any character, these too.
fn parse(pid: i32, line: &str) -> Option<Process> {
    let (start, rest) = line.rsplit_once(')')?;
    let name = start.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<i32>().ok();
    let life = if matches!(*fields.first()?, "Z" | "X") { Life::Zombie } else { Life::Alive };
    let id = ProcessId { pid, started: fields.get(19)?.parse().ok()? };
    Some(Process {
        id,
        name,
        life,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        run: None,
        brand: None,
        folder: None,
    })
}

fn with_surroundings(process: Process) -> Process {
    let pid = process.id.pid;
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).ok();
    Process { run: run_of(pid), brand: Brand::of_process(pid), folder, ..process }
}

fn run_of(pid: i32) -> Option<String> {
    let mut environment = Vec::new();
    let file = fs::File::open(format!("/proc/{pid}/environ")).ok()?;
    file.take(MAX_ENVIRONMENT).read_to_end(&mut environment).ok()?;
    let variables = environment.split(|byte| *byte == 0);
    let values = variables.filter_map(|line| line.strip_prefix(RUN_VARIABLE.as_bytes())?.strip_prefix(b"="));
    values.map(|value| String::from_utf8_lossy(value).into_owned()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_does_not_shift_the_rest() {
        let line = "77 (a) S (b c) Z 5 6 7 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 12345 0 0\n";
        let process = parse(77, line).unwrap();
        assert_eq!((process.name.as_str(), process.life), ("a) S (b c", Life::Zombie));
        assert_eq!((process.parent, process.group, process.session, process.id.started), (5, 6, 7, 12_345));
        assert_eq!(parse(1, "1 (a) S 5"), None);
        assert_eq!(parse(1, ""), None);
    }

    #[test]
    fn we_are_among_the_processes() {
        let ourselves = Ourselves::look();
        let found = look(0).into_iter().find(|process| process.id.pid == ourselves.pid).unwrap();
        assert_eq!((found.session, found.life), (ourselves.session, Life::Alive));
    }
}
