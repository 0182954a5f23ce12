//! An agent as a process of its own: started, asked, looked at, ended.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The environment variable that the agent finds the token in.
pub(crate) const TOKEN_VARIABLE: &str = "SUITESYNC_BUDGETS_TOKEN";
const CONFIGURATION: &str = "suitesync.toml";
/// `USER_HZ`, in which Linux counts processor time for `/proc` on every architecture in use.
const TICKS_PER_SECOND: f64 = 100.0;
/// Where user and system time stand among the fields after the program's name (proc_pid_stat(5)).
const TIME_FIELDS: std::ops::Range<usize> = 11..13;
const KIB: f64 = 1024.0;
/// The agent itself gives what is under way 10 s.
const GRACE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(50);

pub(crate) struct Agent {
    child: Child,
    folder: PathBuf,
}

/// What the agent takes of the machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Bytes of memory that are in use now.
    pub(crate) resident: f64,
    /// The part of it that is no mapped file: heap and stacks.
    pub(crate) anonymous: f64,
    /// The most that was ever resident.
    pub(crate) highest: f64,
    /// Processor time so far.
    pub(crate) cpu: Duration,
}

impl Agent {
    /// Starts one in a folder with this configuration.
    pub(crate) fn start(folder: &Path, configuration: &str, token: &str) -> anyhow::Result<Self> {
        std::fs::write(folder.join(CONFIGURATION), configuration)?;
        let log = File::create(folder.join("agent.log"))?;
        let mut command = command(folder);
        command.arg("agent").env(TOKEN_VARIABLE, token).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Self { child, folder: folder.to_owned() })
    }

    /// How many links are synced; none while the agent does not answer yet.
    pub(crate) fn active_links(&mut self) -> anyhow::Result<usize> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the agent ended with {status}:\n{}", std::fs::read_to_string(self.folder.join("agent.log"))?);
        }
        let listed = command(&self.folder).args(["--json", "link", "list"]).output()?;
        if !listed.status.success() {
            return Ok(0);
        }
        let links: Vec<Value> = serde_json::from_slice(&listed.stdout)?;
        let is_active = |link: &&Value| link.get("status").is_some_and(|status| status == "active");
        Ok(links.iter().filter(is_active).count())
    }

    /// What a command answers as JSON.
    pub(crate) fn ask(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let output = command(&self.folder).arg("--json").args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).with_context(|| format!("{arguments:?} was not answered: {said}"))
    }

    /// Adds a file to the configuration and has it taken up.
    pub(crate) fn configure(&self, name: &str, text: &str) -> anyhow::Result<()> {
        std::fs::create_dir_all(self.folder.join("conf.d"))?;
        std::fs::write(self.folder.join("conf.d").join(name), text)?;
        self.ask(&["config", "reload"]).map(drop)
    }

    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let proc = Path::new("/proc").join(self.child.id().to_string());
        let status = std::fs::read_to_string(proc.join("status"))?;
        let stat = std::fs::read_to_string(proc.join("stat"))?;
        Ok(Usage {
            resident: bytes(&status, "VmRSS:")?,
            anonymous: bytes(&status, "RssAnon:")?,
            highest: bytes(&status, "VmHWM:")?,
            cpu: cpu(&stat)?,
        })
    }

    fn end(&mut self) -> std::io::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let deadline = Instant::now() + GRACE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.child.kill()?;
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.end();
    }
}

/// The release binary with a clean environment and the configuration of a folder.
fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suitesync"));
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path))).env("HOME", folder);
    command.arg("--config").arg(folder.join(CONFIGURATION));
    command
}

/// One of the lines of `/proc/PID/status` that tell KiB.
fn bytes(status: &str, key: &str) -> anyhow::Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key)).with_context(|| format!("there is no {key}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * KIB)
}

fn cpu(stat: &str) -> anyhow::Result<Duration> {
    let (_, after_name) = stat.rsplit_once(") ").context("the process has no name")?;
    let fields: Vec<_> = after_name.split(' ').collect();
    let mut ticks = 0.0;
    for field in fields.get(TIME_FIELDS).context("the process has no times")? {
        ticks += field.parse::<f64>()?;
    }
    Ok(Duration::from_secs_f64(ticks / TICKS_PER_SECOND))
}
