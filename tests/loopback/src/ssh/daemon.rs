//! `sshd` itself, one child a connection, and what its children have in common.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpStream;
use tokio_util::sync::DropGuard;

use crate::child::supervise;
use crate::clean_git::clean_program;
use crate::error::LoopbackError;
use crate::ledger::Ledger;
use crate::ssh::configuration::Files;
use crate::ssh::key::{SshKey, SshKeyFormat, SshKeyKind};
use crate::ssh::options::SshOptions;
use crate::tasks::Tasks;

/// Where systems keep `sshd`, which is seldom on the path of a user.
const SSHD_FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// What the connections of one server have in common.
#[derive(Debug)]
pub(super) struct Daemon {
    sshd: PathBuf,
    pub(super) options: SshOptions,
    pub(super) files: Files,
    pub(super) ledger: Ledger,
    pub(super) tasks: Arc<Tasks>,
    pub(super) authorized_keys: Mutex<Vec<String>>,
    pub(super) host_keys: Mutex<Vec<SshKey>>,
    /// Dropping one ends its connection; those that have ended by themselves stay till then.
    pub(super) connections: Mutex<Vec<DropGuard>>,
}

impl Daemon {
    /// Makes the host keys and writes everything down in the folder.
    pub(super) fn new(options: SshOptions, folder: &Path) -> Result<Self, LoopbackError> {
        let generate = |kind: &SshKeyKind| SshKey::generate(*kind, SshKeyFormat::OpenSsh, None);
        let host_keys = options.host_keys.iter().map(generate).collect::<Result<Vec<_>, _>>()?;
        let files = Files::new(folder);
        files.write_fixed(&options)?;
        files.write_host_keys(&options, &host_keys)?;
        let daemon = Self {
            sshd: find_sshd(),
            files,
            ledger: Ledger::new(0),
            tasks: Arc::default(),
            authorized_keys: Mutex::new(options.authorized_keys.clone()),
            host_keys: Mutex::new(host_keys),
            connections: Mutex::default(),
            options,
        };
        daemon.check_configuration()?;
        Ok(daemon)
    }

    /// Offers this key instead of the one of its kind, from the next connection on.
    pub(super) fn set_host_key(&self, key: &SshKey) -> Result<(), LoopbackError> {
        let mut keys = lock(&self.host_keys);
        keys.retain(|known| known.kind() != key.kind());
        keys.push(key.clone());
        self.files.write_host_keys(&self.options, &keys)?;
        self.check_configuration()
    }

    /// Hands a connection to a child of its own.
    pub(super) fn serve(&self, stream: TcpStream) {
        match self.spawn(stream) {
            Ok(child) => lock(&self.connections).push(supervise(&self.tasks, child)),
            Err(error) => {
                // The client sees an end, and whoever wonders why looks at the log.
                let _ = self.open_log().and_then(|mut log| writeln!(log, "failed to start sshd: {error}"));
            }
        }
    }

    /// Asks `sshd` itself, which otherwise would say so to the first client only.
    fn check_configuration(&self) -> Result<(), LoopbackError> {
        said_by(self.command().arg("-t"), "sshd", "openssh-server").map(drop)
    }

    fn command(&self) -> Command {
        let mut command = clean_program(&self.sshd);
        command.arg("-f").arg(self.files.configuration());
        command
    }

    fn spawn(&self, stream: TcpStream) -> io::Result<tokio::process::Child> {
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        let mut command = self.command();
        command
            .args(["-i", "-e"])
            .stdin(Stdio::from(OwnedFd::from(stream.try_clone()?)))
            .stdout(Stdio::from(OwnedFd::from(stream)))
            .stderr(Stdio::from(self.open_log()?))
            // A group of its own, so that what it starts can be ended with it.
            .process_group(0);
        tokio::process::Command::from(command).spawn()
    }

    fn open_log(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).open(self.files.log())
    }
}

fn find_sshd() -> PathBuf {
    let places = SSHD_FOLDERS.iter().map(|folder| Path::new(folder).join("sshd"));
    // Started by its bare name it is looked for on the path, or named in the error.
    places.into_iter().find(|place| place.is_file()).unwrap_or_else(|| "sshd".into())
}

pub(super) fn said_by(
    command: &mut Command,
    program: &'static str,
    package: &'static str,
) -> Result<String, LoopbackError> {
    let output = command.output().map_err(|source| LoopbackError::Start { program, package, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(LoopbackError::Program { program, said: String::from_utf8_lossy(&output.stderr).trim_end().to_owned() })
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
