//! Where a delegate is met: at the pipes of a child of ours, or behind a Unix socket.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use suitesync_contract::DelegateName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::errors_of_child;

/// What systemd told the agent about itself, which is not the child's.
const NOT_INHERITED: [&str; 7] =
    ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "JOURNAL_STREAM"];

/// How long it may take until a child that has closed its output has ended: only to be able to say how.
const END_SOON: Duration = Duration::from_secs(2);

/// How a delegate is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seat {
    /// A program and its arguments.
    Child(Vec<String>),
    /// Somebody else has started it, or systemd does when the socket is connected to.
    Socket(PathBuf),
}

/// Why a delegate cannot be met.
#[derive(Debug, thiserror::Error)]
pub(super) enum SeatError {
    #[error("the command is empty")]
    EmptyCommand,
    #[error("failed to start `{program}`: {source}")]
    Start { program: String, source: io::Error },
    #[error("failed to connect to {}: {source}", path.display())]
    Connect { path: PathBuf, source: io::Error },
}

/// A delegate that was met: the two ends of the way to it, and what holds it.
pub(super) struct Met {
    pub(super) reader: Box<dyn AsyncRead + Send + Unpin>,
    pub(super) writer: Box<dyn AsyncWrite + Send + Unpin>,
    pub(super) held: Held,
}

/// What can be done to a delegate besides speaking to it.
#[derive(Debug)]
pub(super) enum Held {
    Child(Leader),
    /// Whoever started it looks after it.
    Socket,
}

/// A child that leads a process group of its own.
#[derive(Debug)]
pub(super) struct Leader {
    child: Child,
    group: Option<Pid>,
}

impl Seat {
    pub(super) async fn meet(&self, delegate: &DelegateName) -> Result<Met, SeatError> {
        match self {
            Self::Child(words) => start(words, delegate),
            Self::Socket(path) => connect(path).await,
        }
    }
}

fn start(words: &[String], delegate: &DelegateName) -> Result<Met, SeatError> {
    let (program, arguments) = words.split_first().ok_or(SeatError::EmptyCommand)?;
    let failed = |source| SeatError::Start { program: program.clone(), source };
    let mut command = Command::new(program);
    command.args(arguments).process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(failed)?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(writer), Some(reader), Some(errors)) = pipes else {
        return Err(failed(io::ErrorKind::BrokenPipe.into()));
    };
    // It ends with the child, as soon as nobody holds the pipe any more.
    tokio::spawn(errors_of_child::pass_on(errors, delegate.clone()));
    let held = Held::Child(Leader { child, group });
    Ok(Met { reader: Box::new(reader), writer: Box::new(writer), held })
}

async fn connect(path: &Path) -> Result<Met, SeatError> {
    let stream = UnixStream::connect(path).await;
    let stream = stream.map_err(|source| SeatError::Connect { path: path.to_owned(), source })?;
    let (reader, writer) = stream.into_split();
    Ok(Met { reader: Box::new(reader), writer: Box::new(writer), held: Held::Socket })
}

impl Held {
    /// Returns when the program has ended, whoever else may still hold its output; never for one behind a socket.
    pub(super) async fn ended(&mut self) {
        match self {
            // How it ended is asked for again, and told then.
            Self::Child(leader) => drop(leader.child.wait().await),
            Self::Socket => std::future::pending().await,
        }
    }

    /// Asks it to end.
    pub(super) fn ask_to_end(&self) {
        if let Self::Child(leader) = self {
            leader.signal(Signal::TERM);
        }
    }

    /// Sees to it that nothing of it is left that was not told apart from it, and says how it ended.
    pub(super) async fn end(self) -> String {
        match self {
            Self::Socket => "it closed the connection".to_owned(),
            Self::Child(mut leader) => {
                let ended = tokio::time::timeout(END_SOON, leader.child.wait()).await;
                let told = match &ended {
                    Ok(Ok(status)) => told(*status),
                    Ok(Err(error)) => format!("failed to wait for it: {error}"),
                    Err(_) => "it closed its output".to_owned(),
                };
                leader.kill().await;
                told
            }
        }
    }

    /// Ends it without asking.
    pub(super) async fn kill(self) {
        if let Self::Child(mut leader) = self {
            leader.kill().await;
        }
    }
}

impl Leader {
    /// What it started and left behind is in its group as well.
    fn signal(&self, signal: Signal) {
        // Nothing to be had means that all of them have ended.
        let _ = self.group.map(|group| kill_process_group(group, signal));
    }

    async fn kill(&mut self) {
        self.signal(Signal::KILL);
        if let Err(error) = self.child.wait().await {
            tracing::debug!(%error, "failed to wait for a delegate's process");
        }
    }
}

fn told(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit status {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}
