//! An agent whose state folder lies on a small file system: a tmpfs that it alone sees, in a user namespace, so that no
//! privilege is needed.

use std::process::{Command, Output};

use super::{RunningAgent, Site};

const NAMESPACE: [&str; 4] = ["--user", "--map-root-user", "--mount", "--"];

/// Mounts the file system and becomes the agent.
const SCRIPT: &str = "mkdir -p \"$1\" && mount -t tmpfs -o \"size=$2\" tmpfs \"$1\" && shift 2 && exec \"$@\"";

/// The same, once nothing more can be written there.
const FULL_SCRIPT: &str = "mkdir -p \"$1\" && mount -t tmpfs -o \"size=$2\" tmpfs \"$1\" \
    && { cat /dev/zero >\"$1/noise\" 2>/dev/null || shift 2 && exec \"$@\"; }";

/// Whether this system lets its users have file systems of their own; containers often do not.
pub(crate) fn may_have_room() -> bool {
    let tried = Command::new("unshare").args(NAMESPACE).args(["sh", "-c", "mount -t tmpfs tmpfs /mnt"]).output();
    tried.is_ok_and(|tried| tried.status.success())
}

impl Site {
    /// Starts an agent with so much room, such as `6m`, for its state.
    pub(crate) fn agent_with_room(&self, size: &str) -> RunningAgent {
        RunningAgent::wait(self, self.agent_by(SCRIPT, size))
    }

    /// What an agent says that is started where there is no room at all.
    pub(crate) fn agent_without_room(&self) -> Output {
        self.agent_by(FULL_SCRIPT, "64k").output().unwrap()
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
