//! What other processes can see: those that the agent starts, and whoever finds its memory after a crash.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use rustix::fs::{CWD, Mode};

use super::Canary;
use super::seen::Seen;
use crate::support::connection::Connection;
use crate::support::processes::Shown;
use crate::support::{RunningAgent, Site, TOKEN, wait_for};

/// A command that prints a secret is a stranger to all others.
#[test]
fn a_command_that_prints_a_secret_is_shown_no_other() {
    let site = Site::new();
    let pipe = site.path("pipe");
    rustix::fs::mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    let url = site.server.url("/shop.git");
    let source = format!("credentials = {{ password = {{ command = [\"/bin/cat\", {pipe:?}] }} }}");
    let connections = [Connection::new("printed", &url).with(source), Connection::new("set", &url).token("SITE_TOKEN")];
    site.configure(&connections.map(|connection| connection.to_string()).concat());
    let agent = site.agent();
    // The command waits until somebody writes into the pipe.
    let shown =
        wait_for("the command to run", || Some(Shown::now(agent.id())).filter(|shown| !shown.environments.is_empty()));
    std::fs::File::options().write(true).open(&pipe).unwrap().write_all(b"printed-secret").unwrap();
    let mut seen = Seen::default();
    shown.command_lines.into_iter().for_each(|text| seen.add("a command line", text));
    shown.environments.into_iter().for_each(|text| seen.add("the environment of a command", text));
    assert!(seen.holds("/bin/cat"));
    seen.check(&[Canary::new("", TOKEN)]);
}

/// Becomes another program, with leave to write as large a core file as it likes.
const WITH_CORES: &str = "ulimit -c unlimited && cd \"$1\" && shift && exec \"$@\"";

fn with_cores(site: &Site, program: &Command) -> Command {
    let mut command = Command::new("sh");
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["-c", WITH_CORES, "sh"]).arg(site.folder.path()).arg(program.get_program());
    command.args(program.get_args());
    command
}

#[test]
fn an_agent_that_crashes_leaves_no_memory_behind() {
    let site = Site::new();
    site.configure("");
    let mut aborting = Command::new("/bin/sh");
    let control = with_cores(&site, aborting.args(["-c", "kill -ABRT $$"])).status().unwrap();
    if !control.core_dumped() {
        // No process may leave its memory behind here, so nothing can be seen of the agent.
        return;
    }
    let agent = RunningAgent::wait(&site, with_cores(&site, &site.command(&["agent"])));
    agent.signal("-ABRT");
    let ended = agent.end();
    assert!(ended.signal().is_some() && !ended.core_dumped(), "{ended}");
}
