//! An agent whose state folder lies on a small file system: a tmpfs that it alone sees, in a user namespace, so that no
//! privilege is needed.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::{RunningAgent, Site};

const NAMESPACE: [&str; 4] = ["--user", "--map-root-user", "--mount", "--"];

/// Mounts the file system and becomes the agent.
const SCRIPT: &str = "mkdir -p \"$1\" && mount -t tmpfs -o \"size=$2\" tmpfs \"$1\" && shift 2 && exec \"$@\"";

/// The same with another one for what delegates keep: a run that ends makes no room where its end is recorded.
const SCRIPT_APART: &str = "mkdir -p \"$1\" && mount -t tmpfs -o \"size=$2\" tmpfs \"$1\" \
    && mkdir \"$1/delegate\" && mount -t tmpfs tmpfs \"$1/delegate\" && shift 2 && exec \"$@\"";

/// The same, once nothing more can be written there.
const FULL_SCRIPT: &str = "mkdir -p \"$1\" && mount -t tmpfs -o \"size=$2\" tmpfs \"$1\" \
    && { cat /dev/zero >\"$1/noise\" 2>/dev/null || shift 2 && exec \"$@\"; }";

/// What such a file system gives at once.
const PAGE: usize = 4096;

/// What takes all the room there is.
const NOISE: &str = "noise";

/// Whether this system lets its users have file systems of their own; containers often do not, and that is told.
pub(crate) fn may_have_room() -> bool {
    let tried = Command::new("unshare").args(NAMESPACE).args(["sh", "-c", "mount -t tmpfs tmpfs /mnt"]).output();
    let why_not = match tried {
        Ok(tried) if tried.status.success() => return true,
        Ok(tried) => String::from_utf8_lossy(&tried.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    let mut told = std::io::stderr();
    writeln!(told, "skipped: nobody may mount a file system of their own here: {}", why_not.trim()).unwrap();
    false
}

impl Site {
    /// Starts an agent with so much room, such as `6m`, for its state.
    pub(crate) fn agent_with_room(&self, size: &str) -> RunningAgent {
        RunningAgent::wait(self, self.agent_by(SCRIPT, size))
    }

    /// The same, with room to spare for what its delegates keep.
    pub(crate) fn agent_with_room_beside(&self, size: &str) -> RunningAgent {
        RunningAgent::wait(self, self.agent_by(SCRIPT_APART, size))
    }

    /// What an agent says that is started where there is no room at all.
    pub(crate) fn agent_without_room(&self) -> Output {
        self.agent_by(FULL_SCRIPT, "64k").output().unwrap()
    }

    /// Takes all the room that is left to the agent's state.
    pub(crate) fn fill(&self, agent: &RunningAgent) {
        let mut noise = std::fs::File::create(self.seen_by(agent, NOISE)).unwrap();
        while noise.write_all(&[0; PAGE]).is_ok() {}
    }

    pub(crate) fn make_room(&self, agent: &RunningAgent) {
        std::fs::remove_file(self.seen_by(agent, NOISE)).unwrap();
    }

    /// A file of the state folder, which the agent alone sees there.
    fn seen_by(&self, agent: &RunningAgent, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", agent.id()));
        root.join(self.path("state").strip_prefix("/").unwrap()).join(name)
    }

    fn agent_by(&self, script: &str, size: &str) -> Command {
        let agent = self.command(&["agent"]);
        let mut command = Command::new("unshare");
        command.env_clear().envs(agent.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(NAMESPACE).args(["sh", "-c", script, "sh"]);
        command.arg(self.path("state")).arg(size).arg(agent.get_program()).args(agent.get_args());
        command
    }
}
