//! What the system shows of an agent and of what it starts.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// Shorter than any command lives that has to be started, loaded and read.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Looks at an agent and its descendants until it is told to end.
pub(crate) struct ProcessWatch {
    stop: Sender<()>,
    looking: JoinHandle<Shown>,
}

/// Everything that was shown.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) command_lines: BTreeSet<Vec<u8>>,
    /// Those of descendants alone: what the agent itself was started with is its own.
    pub(crate) environments: BTreeSet<Vec<u8>>,
}

impl ProcessWatch {
    pub(crate) fn start(agent: u32) -> Self {
        let (stop, stopped) = mpsc::channel();
        let looking = std::thread::spawn(move || {
            let mut shown = Shown::default();
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                shown.look(agent);
            }
            shown
        });
        Self { stop, looking }
    }

    pub(crate) fn end(self) -> Shown {
        drop(self.stop);
        self.looking.join().unwrap()
    }
}

impl Shown {
    /// What is shown at this moment.
    pub(crate) fn now(agent: u32) -> Self {
        let mut shown = Self::default();
        shown.look(agent);
        shown
    }

    fn look(&mut self, agent: u32) {
        self.command_lines.extend(read(agent, "cmdline"));
        let program = std::fs::read_link(place(agent, "exe")).ok();
        for process in descendants(agent) {
            self.command_lines.extend(read(process, "cmdline"));
            // Until it has become another program it is a copy of the agent.
            if std::fs::read_link(place(process, "exe")).ok() != program {
                self.environments.extend(read(process, "environ"));
            }
        }
    }
}

/// The processes that a process has started itself and that have this word among their arguments.
pub(crate) fn children_with(process: u32, word: &str) -> Vec<u32> {
    let has_word = |id: &u32| parts(&place(*id, "cmdline")).iter().any(|argument| argument == word.as_bytes());
    children(process).into_iter().filter(has_word).collect()
}

/// The processes that a process has started, and those that they have.
fn descendants(process: u32) -> Vec<u32> {
    let mut found = children(process);
    let mut at = 0;
    while let Some(child) = found.get(at).copied() {
        found.extend(children(child));
        at += 1;
    }
    found
}

/// Every thread has its own (proc(5)).
fn children(process: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(place(process, "task")).into_iter().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

/// Nothing where the process is gone by now.
fn read(process: u32, file: &str) -> Option<Vec<u8>> {
    std::fs::read(place(process, file)).ok().filter(|bytes| !bytes.is_empty())
}

fn place(process: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{process}/{file}"))
}

/// Whether any process has this word among its arguments.
pub(crate) fn is_running(word: &str) -> bool {
    folders().any(|folder| parts(&folder.join("cmdline")).iter().any(|argument| argument == word.as_bytes()))
}

/// The processes of runs that were checked out below a folder.
pub(crate) fn of_runs_below(folder: &Path) -> Vec<PathBuf> {
    let root = [b"SUITESYNC_ROOT=", folder.as_os_str().as_bytes()].concat();
    let is_of_run =
        |process: &PathBuf| parts(&process.join("environ")).iter().any(|variable| variable.starts_with(&root));
    folders().filter(is_of_run).collect()
}

/// The folders of runs below that of a delegate: each process that executes some has a folder there, and they lie in it.
pub(crate) fn folders_of_runs(delegate: &Path) -> Vec<PathBuf> {
    let within = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    within(delegate).iter().flat_map(|seat| within(seat)).collect()
}

/// The most memory that a process has held at once, in bytes.
pub(crate) fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

fn folders() -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path())
}

/// What stands between NUL bytes. A process that is gone has nothing.
fn parts(file: &Path) -> Vec<Vec<u8>> {
    std::fs::read(file).unwrap_or_default().split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}
