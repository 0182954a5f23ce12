//! Runs the command that prints a secret, without a shell, within a time limit, in a process group of its own.
//!
//! What it prints goes nowhere but into the value; what it says on standard error is dropped, as it may repeat it.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use zeroize::Zeroizing;

use super::MAX_SECRET_FILE;

/// Long enough to ask a vault over the network, short enough for someone who waits for a test.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Why a command gave no value. Its output is never part of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error("is no command")]
    Empty,
    #[error("cannot be started: {0}")]
    Start(io::Error),
    #[error("cannot be read: {0}")]
    Read(io::Error),
    #[error("did not end within {} s", .0.as_secs())]
    TimeLimit(Duration),
    #[error("{}", told(*.0))]
    Status(ExitStatus),
}

/// What the command prints, up to one byte more than a secret may have.
///
/// It has the environment of this process but for `hidden`, the variables that other secrets come from.
pub(super) fn run(
    words: &[String],
    hidden: &BTreeSet<String>,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let (program, arguments) = words.split_first().ok_or(CommandError::Empty)?;
    let mut command = Command::new(program);
    for variable in hidden {
        command.env_remove(variable);
    }
    let child = command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(CommandError::Start)?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (sender, printed) = mpsc::sync_channel(1);
    // It ends when the group does, and nobody waits for it then.
    thread::spawn(move || sender.send(collect(child)).ok());
    printed.recv_timeout(limit).unwrap_or_else(|_| {
        // The group may have ended by itself just now.
        group.map(|group| kill_process_group(group, Signal::KILL).ok());
        Err(CommandError::TimeLimit(limit))
    })
}

fn collect(mut child: Child) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    // Room for all of it from the start: a buffer that grows would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_SECRET_FILE).unwrap_or_default() + 1));
    if let Some(printed) = child.stdout.take() {
        printed.take(MAX_SECRET_FILE + 1).read_to_end(&mut bytes).map_err(CommandError::Read)?;
    }
    let is_cut = bytes.len() as u64 > MAX_SECRET_FILE;
    let status = child.wait().map_err(CommandError::Read)?;
    if status.success() || is_cut { Ok(bytes) } else { Err(CommandError::Status(status)) }
}

fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "did not end well".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        run(&["/bin/sh", "-c", script].map(str::to_owned), &BTreeSet::new(), limit)
    }

    fn check_fault(script: &str, expect: &str) {
        assert_eq!(shell(script, TIME_LIMIT).unwrap_err().to_string(), expect, "{script}");
    }

    #[test]
    fn what_is_printed_is_the_value() {
        assert_eq!(shell("printf 'hunter2\\n'", TIME_LIMIT).unwrap().as_slice(), b"hunter2\n");
        assert_eq!(shell("cat; printf done", TIME_LIMIT).unwrap().as_slice(), b"done");
    }

    #[test]
    fn a_command_that_fails_is_told_by_its_status_alone() {
        check_fault("echo hunter2; echo hunter2 >&2; exit 3", "ended with exit status 3");
        check_fault("kill -TERM $$", "was ended by signal 15");
        let missing = run(&["/nowhere/vault".to_owned()], &BTreeSet::new(), TIME_LIMIT).unwrap_err().to_string();
        assert!(missing.starts_with("cannot be started: No such file"), "{missing}");
    }

    #[test]
    fn no_more_is_read_than_a_secret_may_have() {
        let printed = shell("yes", TIME_LIMIT).unwrap();
        assert_eq!(printed.len() as u64, MAX_SECRET_FILE + 1);
    }

    #[test]
    fn a_command_that_does_not_end_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("child");
        let script = format!("sleep 600 & echo $! > {}; wait", file.display());
        let fault = shell(&script, Duration::from_secs(1)).unwrap_err().to_string();
        assert_eq!(fault, "did not end within 1 s");
        let child: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_running(child) {
            assert!(Instant::now() < deadline, "process {child} still runs");
            thread::yield_now();
        }
    }

    /// A process that ended may still wait for its parent to look at it.
    fn is_running(process: i32) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }
}
