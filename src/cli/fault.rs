//! Why a command did not do what it was asked, and the exit codes that scripts depend on.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::agent::AgentError;
use super::delegate::StationError;
use super::demo::DemoError;
use crate::engine::control::{Refusal, RefusalKind};

/// How a command ends. The numbers are a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done,
    /// The answer is no: a test or a sync failed or was refused, or what was asked for could not be recorded.
    AnswerIsNo,
    /// What was typed or configured is wrong.
    Usage,
    /// The agent is not there, or does not answer as it should.
    Unreachable,
    NotPermitted,
}

impl Exit {
    /// Whether something succeeded is the answer.
    pub(super) fn answer(succeeded: bool) -> Self {
        if succeeded { Self::Done } else { Self::AnswerIsNo }
    }

    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::AnswerIsNo => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::NotPermitted => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A command that could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{message}")]
    Usage { message: String, hint: String },
    #[error("the agent cannot be reached at {}", socket.display())]
    Unreachable { socket: PathBuf, source: io::Error },
    #[error("the agent cannot be reached at {}", socket.display())]
    NotPermitted { socket: PathBuf, source: io::Error },
    #[error("the agent at {} did not answer within {} s", socket.display(), limit.as_secs())]
    Silent { socket: PathBuf, limit: Duration },
    #[error("the agent at {} broke off", socket.display())]
    BrokenOff { socket: PathBuf, source: hyper::Error },
    #[error("failed to ask the agent for {path}")]
    Request { path: String, source: hyper::http::Error },
    #[error("failed to understand the agent's answer")]
    NotUnderstood { source: serde_json::Error },
    #[error("the agent's answer has a line longer than {limit} bytes")]
    LineTooLong { limit: usize },
    #[error("the agent did not take the request ({status}): {answer}")]
    NotTaken { status: u16, answer: String },
    #[error("{}", .0.message)]
    Refused(Refusal),
    #[error("{what} was stopped before its end")]
    NoEnd { what: String },
    #[error("failed to start the threads of this command")]
    Runtime { source: io::Error },
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error(transparent)]
    Station(#[from] StationError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error("failed to write what there is to show")]
    Output(#[from] io::Error),
}

impl Fault {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } | Self::Request { .. } => Exit::Usage,
            Self::NotPermitted { .. } => Exit::NotPermitted,
            Self::Unreachable { .. } | Self::Silent { .. } | Self::BrokenOff { .. } => Exit::Unreachable,
            Self::NotUnderstood { .. } | Self::LineTooLong { .. } | Self::NotTaken { .. } => Exit::Unreachable,
            Self::Agent(error) => {
                if error.is_lasting() {
                    Exit::Usage
                } else {
                    Exit::AnswerIsNo
                }
            }
            Self::Station(error) if error.is_lasting() => Exit::Usage,
            Self::Station(_) | Self::Demo(_) | Self::NoEnd { .. } | Self::Runtime { .. } | Self::Output(_) => {
                Exit::AnswerIsNo
            }
            Self::Refused(refusal) => match refusal.kind {
                RefusalKind::Unknown => Exit::Usage,
                RefusalKind::Conflict | RefusalKind::Unrecorded => Exit::AnswerIsNo,
                RefusalKind::Unavailable => Exit::Unreachable,
                RefusalKind::NotPermitted => Exit::NotPermitted,
            },
        }
    }

    /// The one next step.
    pub(super) fn hint(&self) -> Cow<'_, str> {
        let hint = match self {
            Self::Usage { hint, .. } => hint,
            Self::Unreachable { .. } => {
                "start it: `systemctl start suitesync`, or `suitesync agent`; `--socket` names another one"
            }
            Self::NotPermitted { .. } => "use it as root or as the agent's own user, such as by `sudo -u suitesync`",
            Self::Silent { .. } | Self::BrokenOff { .. } | Self::Runtime { .. } => "look at the agent's log",
            Self::Request { .. } => "`suitesync help` shows what can be asked",
            Self::NotUnderstood { .. } | Self::LineTooLong { .. } | Self::NotTaken { .. } => {
                "the CLI and the agent may be of different versions; restart the agent"
            }
            Self::Refused(refusal) => &refusal.hint,
            Self::NoEnd { .. } => "the agent stopped, or what it was about has changed: see `suitesync event list`",
            Self::Agent(error) => {
                if let Some(folder) = error.full_disk() {
                    return format!("make room in {}", folder.display()).into();
                }
                "`suitesync check` validates the configuration without starting anything"
            }
            Self::Station(StationError::File(_)) => "`suitesync delegate check` validates it without starting anything",
            Self::Station(StationError::Bus(failure)) => &failure.hint,
            Self::Station(_) => "`suitesync delegate run --help` tells what the file is for",
            Self::Demo(_) => "`suitesync demo` shows everything on loopback and needs only Git",
            Self::Output(_) => "check where the output goes to",
        };
        hint.into()
    }

    /// The message with its causes, in one line.
    pub(super) fn message(&self) -> String {
        let mut message = self.to_string();
        let mut cause = self.source();
        while let Some(source) = cause {
            // A text always takes what is written to it.
            let _ = write!(message, ": {source}");
            cause = source.source();
        }
        message
    }

    /// Whether the message is made of faults of files, each with a title of its own.
    pub(super) fn has_titles(&self) -> bool {
        matches!(self, Self::Agent(AgentError::Configuration(_)) | Self::Station(StationError::File(_)))
    }

    /// What `--json` writes to stderr.
    pub(super) fn json(&self) -> Value {
        json!({"error": {"message": self.message(), "hint": self.hint()}})
    }

    /// Whether nobody reads the output any more, as with `| head`: no reason to complain.
    pub(super) fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::catalog::CatalogError;

    #[test]
    fn exit_codes_are_as_documented() {
        let all = [Exit::Done, Exit::AnswerIsNo, Exit::Usage, Exit::Unreachable, Exit::NotPermitted];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_refusal_ends_with_the_code_of_its_kind() {
        let check = |refusal: Refusal, expect: Exit| assert_eq!(Fault::Refused(refusal).exit(), expect);
        check(Refusal::unknown("link", "x"), Exit::Usage);
        check(Refusal::conflict("it is archived", "unarchive it"), Exit::AnswerIsNo);
        check(Refusal::unavailable("the agent is stopping"), Exit::Unreachable);
        check(Refusal::unrecorded("failed to record it", None), Exit::AnswerIsNo);
    }

    #[test]
    fn a_full_disk_is_told_with_where_room_is_to_be_made() {
        let full = CatalogError::DiskFull { path: PathBuf::from("/state/catalog.sqlite3") };
        let fault = Fault::Agent(full.into());
        assert_eq!(fault.message(), "failed to use the catalog /state/catalog.sqlite3: the disk is full");
        assert_eq!((fault.hint(), fault.exit()), ("make room in /state".into(), Exit::AnswerIsNo));
        let refusal = Refusal::unrecorded("failed to record it", Some(Path::new("/state")));
        assert_eq!(refusal.hint, "make room where the state folder lies (/state)");
    }

    #[test]
    fn a_fault_tells_its_cause_and_the_next_step_as_json() {
        let source = io::Error::from(io::ErrorKind::NotFound);
        let fault = Fault::Unreachable { socket: PathBuf::from("/run/a.sock"), source };
        let message = "the agent cannot be reached at /run/a.sock: entity not found";
        assert_eq!(fault.json(), json!({"error": {"message": message, "hint": fault.hint()}}));
        assert!(fault.hint().starts_with("start it: `systemctl start suitesync`"));
    }

    #[test]
    fn only_a_closed_pipe_is_passed_over() {
        assert!(Fault::Output(io::ErrorKind::BrokenPipe.into()).is_closed_output());
        assert!(!Fault::Output(io::ErrorKind::StorageFull.into()).is_closed_output());
    }
}
