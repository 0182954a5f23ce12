//! A control group of its own for a run (cgroup v2), where a folder for them is delegated to us: the kernel itself then
//! says what belongs to the run and kills it whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Moves the shell into the group and becomes the command, so that nothing of a run was ever outside of it. A group
/// that refuses is no reason not to run: what is in it is only ended twice over.
const ENTER: &str = "echo 0 2>/dev/null >\"$1\"; shift; exec \"$@\"";

/// The group of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ControlGroup {
    folder: PathBuf,
}

impl ControlGroup {
    /// Makes a group for a run in a delegated folder.
    pub(super) fn create(delegated: &Path, run: &str) -> io::Result<Self> {
        let name: String = run.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let folder = delegated.join(format!("run-{name}"));
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            Ok(()) | Err(_) if folder.join("cgroup.kill").exists() => Ok(Self { folder }),
            Ok(()) | Err(_) => {
                fs::remove_dir(&folder)?;
                Err(io::Error::new(io::ErrorKind::Unsupported, "not a folder of cgroup v2"))
            }
        }
    }

    /// The group that was made before, by whomever.
    pub(super) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The command, inside of the group.
    pub(super) fn entered(&self, command: &[String]) -> Vec<String> {
        let entry = self.folder.join("cgroup.procs").to_string_lossy().into_owned();
        let gate = ["/bin/sh", "-c", ENTER, "sh", &entry].map(str::to_owned);
        gate.into_iter().chain(command.iter().cloned()).collect()
    }

    /// Sends SIGKILL to all that is inside.
    pub(super) fn kill(&self) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.kill"), "1")
    }

    /// Whether anything is inside, or below.
    pub(super) fn is_populated(&self) -> bool {
        let events = fs::read_to_string(self.folder.join("cgroup.events")).unwrap_or_default();
        events.lines().any(|line| line == "populated 1")
    }

    /// Takes the empty group away, with the groups that the run made in it.
    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.folder)
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove(&entry.path())?;
    }
    fs::remove_dir(folder)
}
