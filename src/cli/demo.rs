//! `suitesync demo`: the main job shown on a sample repository, with nothing to configure and nothing made up.
//!
//! A loopback HTTPS server with its own authority and token serves the sample through real Git; an agent of this very
//! binary runs on it; every step of the tour is a command that the user could type.

mod sample;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use suitesync_loopback::{Authority, GitServer, IssueOptions, Login, LoopbackError, SampleRepository, ServerOptions};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

/// How long a step of the tour may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether the agent is there, or still there.
const LOOK: Duration = Duration::from_millis(100);

/// The environment variable that the demo's token stands in.
const TOKEN_VARIABLE: &str = "SUITESYNC_DEMO_TOKEN";

/// When the demo's suite is run during the tour, and after it.
const OFTEN: &str = "*/3 * * * * *";
const HOURLY: &str = "0 0 * * * *";

/// Whether the demo ends with its tour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stay {
    /// The agent stays up until it is interrupted.
    Up,
    EndAfterTour,
}

/// Why the demo cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    #[error("failed to set the demo up; it needs `git` with its `http-backend`")]
    Loopback(#[from] LoopbackError),
    #[error("failed to set the demo up")]
    Io(#[from] io::Error),
    #[error("`suitesync {command}` ended with {status}, which the demo did not expect")]
    Step { command: String, status: ExitStatus },
    #[error("the demo's agent ended with {status}:\n{log}")]
    AgentEnded { status: ExitStatus, log: String },
    #[error("the demo waited in vain for {0}")]
    TimedOut(&'static str),
}

/// Shows the tour.
pub(super) fn run(stay: Stay) -> Result<(), DemoError> {
    let mut demo = Demo::set_up()?;
    demo.tour()?;
    match stay {
        Stay::EndAfterTour => Ok(()),
        Stay::Up => demo.stay_up(),
    }
}

struct Demo {
    folder: TempDir,
    token: String,
    repository: SampleRepository,
    server: GitServer,
    agent: Option<Child>,
}

impl Demo {
    fn set_up() -> Result<Self, DemoError> {
        let folder = tempfile::Builder::new().prefix("suitesync-demo-").tempdir()?;
        let token: String = std::iter::repeat_with(fastrand::alphanumeric).take(24).collect();
        let repository = SampleRepository::create(folder.path().join("server/contoso/shop/_git/tests"))?;
        repository.commit("main", "Add the shop's tests", &sample::first())?;
        let authority = Authority::new("suitesync demo authority")?;
        std::fs::write(folder.path().join("ca.pem"), authority.pem())?;
        let identity = authority.issue(&IssueOptions::default())?;
        let options =
            ServerOptions::new(folder.path().join("server")).identity(identity).login(Login::Token(token.clone()));
        let server = GitServer::start(options)?;
        std::fs::create_dir(folder.path().join("conf.d"))?;
        let demo = Self { folder, token, repository, server, agent: None };
        std::fs::write(demo.path("suitesync.toml"), demo.configuration())?;
        Ok(demo)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configuration(&self) -> String {
        format!(
            r#"[agent]
name = "demo"
state_dir = "state"
socket = "agent.sock"

[[delegate]]
name = "local"
runs = true

[[connection]]
name = "contoso"
provider = "azure-repos"
url = "{connection}"
url_type = "project"
test_repository = "tests"
additional_certs_path = "ca.pem"
[connection.credentials]
password = {{ env = "{TOKEN_VARIABLE}" }}

[[link]]
name = "shop"
display_name = "Shop tests"
connection = "contoso"
url = "{link}?version=GBmain"
sync_every = "2s"
"#,
            connection = self.server.url("/contoso/shop"),
            link = self.server.url("/contoso/shop/_git/tests"),
        )
    }

    fn tour(&mut self) -> Result<(), DemoError> {
        say(&format!(
            "A sample Katalon repository is served at {}, behind a certificate authority of its own, to those who have \
             its token.\nThe configuration of an agent for it, in {}:\n",
            self.server.url("/contoso/shop/_git/tests"),
            self.path("suitesync.toml").display(),
        ))?;
        show_file(&self.path("suitesync.toml"))?;
        self.start_agent()?;
        say("\nThe agent runs. It tests the connection by itself; by hand it looks like this:")?;
        self.step(&["connection", "test", "contoso"])?;
        say("\nIts links are synced after the first test. The catalog then knows cases, suites and collections:")?;
        self.step(&["link", "sync", "shop", "--wait"])?;
        self.step(&["suite", "list"])?;
        self.step(&["suite", "show", "Test Suites/Smoke"])?;
        self.step(&["case", "search", "checkout"])?;
        say("\nSomeone pushes: a case is renamed, one is changed, one comes and one goes.")?;
        self.repository.commit("main", "Rework the checkout", &sample::second())?;
        self.step(&["link", "sync", "shop", "--wait"])?;
        self.step(&["link", "history", "shop", "--limit", "1"])?;
        say("\nA second link is added by a file in conf.d. The agent takes it up without a restart:")?;
        let link = format!(
            "[[link]]\nname = \"checkout\"\nconnection = \"contoso\"\nurl = \"{}?path=%2FTest%20Cases%2FCheckout\"\n",
            self.server.url("/contoso/shop/_git/tests"),
        );
        std::fs::write(self.path("conf.d/checkout.toml"), &link)?;
        say(&link)?;
        self.step(&["config", "reload"])?;
        self.step(&["link", "sync", "checkout", "--wait"])?;
        self.step(&["case", "list", "--link", "checkout"])?;
        self.tour_of_runs()?;
        self.step(&["status"])
    }

    fn tour_of_runs(&mut self) -> Result<(), DemoError> {
        say("\nA schedule runs a suite every three seconds, on a checkout of the commit that the catalog is at:")?;
        self.write_schedule(OFTEN)?;
        show_file(&self.path("conf.d/smoke.toml"))?;
        self.step(&["config", "reload"])?;
        self.step(&["schedule", "next", "smoke", "--count", "3"])?;
        let run = self.wait_for_run("passed")?;
        self.step(&["run", "list", "--limit", "3"])?;
        self.step(&["run", "show", &run])?;
        say("\nIts log holds what the command printed, but for the secret that it was given:")?;
        self.step(&["run", "logs", &run])?;
        self.step(&["case", "show", "Test Cases/Login/Sign in", "--link", "shop"])?;
        say("\nThe link is archived: it leaves every view, and what falls due for it is canceled from now on.")?;
        self.step(&["link", "archive", "shop", "--yes"])?;
        self.wait_for_run("canceled")?;
        self.step(&["run", "list", "--limit", "3"])?;
        self.step(&["link", "unarchive", "shop"])?;
        self.write_schedule(HOURLY)?;
        self.step(&["config", "reload"])
    }

    fn write_schedule(&self, cron: &str) -> Result<(), DemoError> {
        let schedule = format!(
            r#"[[schedule]]
name = "smoke"
link = "shop"
cron = "{cron}"
suites = ["Test Suites/Smoke"]
command = ["/bin/sh", "run-suite.sh", "{{suite}}"]
environment = {{ SHOP_PASSWORD = {{ env = "{TOKEN_VARIABLE}" }} }}
results = ["Reports/**/JUnit_Report.xml"]
"#
        );
        Ok(std::fs::write(self.path("conf.d/smoke.toml"), schedule)?)
    }

    /// Waits for a run with this status; its id.
    fn wait_for_run(&mut self, status: &str) -> Result<String, DemoError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.expect_agent()?;
            let listed = self.command(&["--json", "run", "list", "--status", status])?.output()?;
            let runs: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).unwrap_or_default();
            if let Some(id) = runs.last().and_then(|run| run.get("id")) {
                return Ok(id.to_string());
            }
            if Instant::now() > deadline {
                return Err(DemoError::TimedOut("a scheduled run"));
            }
            std::thread::sleep(LOOK);
        }
    }

    fn command(&self, arguments: &[&str]) -> Result<Command, DemoError> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--config").arg(self.path("suitesync.toml")).args(arguments).env(TOKEN_VARIABLE, &self.token);
        Ok(command)
    }

    fn start_agent(&mut self) -> Result<(), DemoError> {
        let log = std::fs::File::create(self.path("agent.log"))?;
        let mut command = self.command(&["agent"])?;
        let agent = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        self.agent = Some(agent);
        let deadline = Instant::now() + PATIENCE;
        while !self.command(&["status"])?.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
            self.expect_agent()?;
            if Instant::now() > deadline {
                return Err(DemoError::TimedOut("the agent to answer"));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Shows a command and what it prints.
    fn step(&mut self, arguments: &[&str]) -> Result<(), DemoError> {
        let typed = arguments.iter().map(|word| shown(word)).collect::<Vec<_>>().join(" ");
        say(&format!("\n$ suitesync {typed}"))?;
        self.expect_agent()?;
        let status = self.command(arguments)?.stdin(Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(DemoError::Step { command: typed, status }) }
    }

    fn expect_agent(&mut self) -> Result<(), DemoError> {
        if let Some(status) = self.agent.as_mut().map(Child::try_wait).transpose()?.flatten() {
            let log = std::fs::read_to_string(self.path("agent.log"))?;
            return Err(DemoError::AgentEnded { status, log });
        }
        Ok(())
    }

    /// Stays up for the user to try things, until SIGINT or SIGTERM.
    fn stay_up(&mut self) -> Result<(), DemoError> {
        let bare = self.repository.folder().display().to_string();
        let program = std::env::current_exe()?;
        say(&format!(
            "\nEverything stays up until you press Ctrl-C. In another terminal, try:\n\n  export SUITESYNC_SOCKET={}\n  \
             {program} status\n  {program} event follow\n  {program} link list --json\n\nThe repository lies at {bare}: \
             clone it, push to it, and see `event follow` tell.\nThe configuration is {}: edit it and it is taken up; \
             break it and see `status`.",
            self.path("agent.sock").display(),
            self.path("suitesync.toml").display(),
            program = program.display(),
        ))?;
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(self.until_interrupted())
    }

    async fn until_interrupted(&mut self) -> Result<(), DemoError> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        loop {
            tokio::select! {
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
                () = tokio::time::sleep(LOOK) => self.expect_agent()?,
            }
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            // It may have ended already, with the terminal's interrupt.
            let _ =
                rustix::process::kill_process(rustix::process::Pid::from_child(agent), rustix::process::Signal::TERM);
            let _ = agent.wait();
        }
    }
}

fn say(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

fn show_file(path: &Path) -> io::Result<()> {
    say(&std::fs::read_to_string(path)?.lines().map(|line| format!("    {line}\n")).collect::<String>())
}

fn shown(word: &str) -> String {
    if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}
