//! Our binary as a process of its own, ended when the test ends.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::{Site, wait_for};

pub(crate) struct Running {
    child: Child,
}

pub(crate) type RunningAgent = Running;

/// A delegate as on another host.
pub(crate) type RunningStation = Running;

impl Running {
    /// Starts an agent on the site's configuration and waits until it answers.
    pub(crate) fn start(site: &Site) -> Self {
        Self::wait(site, site.command(&["agent"]))
    }

    /// Starts what becomes an agent, and waits until it answers.
    pub(crate) fn wait(site: &Site, mut command: Command) -> Self {
        let mut agent = Self::spawn(&mut command, &site.path("agent.log"));
        wait_for("the agent to answer", || {
            if let Some(status) = agent.child.try_wait().unwrap() {
                let log = std::fs::read_to_string(site.path("agent.log")).unwrap();
                panic!("the agent ended with {status}:\n{log}");
            }
            site.run(&["status"]).status.success().then_some(())
        });
        agent
    }

    /// Starts an agent that may need a while until it answers.
    pub(crate) fn launch(site: &Site) -> Self {
        Self::spawn(&mut site.command(&["agent"]), &site.path("agent.log"))
    }

    /// Starts something that writes to the end of a log.
    pub(crate) fn spawn(command: &mut Command, log: &Path) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { child }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended, by whatever cause.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Ends it as systemd does; the exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal("-TERM");
        self.child.wait().unwrap().code()
    }

    /// Ends it as the kernel does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, or be stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
