//! The SSH server as its users hold it: connections, commands, keys, faults.

use std::fs;
use std::future::ready;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::clean_git::clean_program;
use crate::error::LoopbackError;
use crate::listener::Listener;
use crate::ssh::daemon::{Daemon, lock, said_by};
use crate::ssh::key::{SshKey, SshKeyKind};
use crate::ssh::options::SshOptions;

/// Between two looks at the file that the commands are written to, by other processes.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A way for a command to fail after the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SshFault {
    /// The command starts and never says a word.
    Silent,
    /// The command is killed after this many bytes of its output.
    CutAfter(u64),
    /// This one line on stderr after `remote: `, and status 1.
    Refuse(String),
}

/// A Git server over SSH on 127.0.0.1; it ends when it is stopped or dropped.
#[derive(Debug)]
pub struct SshServer {
    user: String,
    daemon: Arc<Daemon>,
    listener: Listener,
    // Last, so that it goes when nobody writes to it any more.
    _folder: TempDir,
}

impl SshServer {
    /// Makes the host keys and listens: the first connection may be made as soon as this returns.
    pub fn start(options: SshOptions) -> Result<Self, LoopbackError> {
        let folder = TempDir::new().map_err(|source| LoopbackError::TemporaryFolder { source })?;
        let daemon = Arc::new(Daemon::new(options, folder.path())?);
        let user = said_by(clean_program("id").arg("-un"), "id", "coreutils")?.trim_end().to_owned();
        let serving = Arc::clone(&daemon);
        let listener = Listener::start(daemon.options.port, Arc::clone(&daemon.tasks), move |stream| {
            serving.ledger.connection();
            serving.serve(stream);
            ready(())
        })?;
        Ok(Self { user, daemon, listener, _folder: folder })
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The only user who can log in: the one who runs this process.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// `ssh://USER@127.0.0.1:PORT` and the path, which is taken as it is and has to be encoded already.
    pub fn url(&self, path: &str) -> String {
        self.url_at(&self.address().ip().to_string(), path)
    }

    /// The same under another name for this host.
    pub fn url_at(&self, host: &str, path: &str) -> String {
        format!("ssh://{}@{host}:{}/{}", self.user, self.address().port(), path.trim_start_matches('/'))
    }

    /// Lets one more key in, from the next login on.
    pub fn authorize(&self, key: &SshKey) -> Result<(), LoopbackError> {
        let mut lines = lock(&self.daemon.authorized_keys).clone();
        lines.push(key.public_line().to_owned());
        self.set_authorized_keys(&lines)
    }

    /// Lets exactly these public lines in, from the next login on.
    pub fn set_authorized_keys(&self, public_lines: &[String]) -> Result<(), LoopbackError> {
        *lock(&self.daemon.authorized_keys) = public_lines.to_vec();
        self.daemon.files.write_authorized(public_lines)
    }

    /// The host keys that are offered.
    pub fn host_keys(&self) -> Vec<SshKey> {
        lock(&self.daemon.host_keys).clone()
    }

    /// `SHA256:…` of every host key that is offered.
    pub fn host_key_fingerprints(&self) -> Vec<(SshKeyKind, String)> {
        lock(&self.daemon.host_keys).iter().map(|key| (key.kind(), key.fingerprint())).collect()
    }

    /// Offers this key instead of the one of its kind, from the next connection on.
    pub fn set_host_key(&self, key: &SshKey) -> Result<(), LoopbackError> {
        self.daemon.set_host_key(key)
    }

    /// What a `known_hosts` file says of this server under a name for its host: a line for every host key.
    pub fn known_hosts(&self, host: &str) -> String {
        let port = self.address().port();
        lock(&self.daemon.host_keys).iter().map(|key| format!("[{host}]:{port} {}\n", key.public_words())).collect()
    }

    /// What every command meets from now on.
    pub fn set_fault(&self, fault: &SshFault) -> Result<(), LoopbackError> {
        let text = match fault {
            SshFault::Silent => "silent".to_owned(),
            SshFault::CutAfter(bytes) => format!("cut {bytes}"),
            SshFault::Refuse(line) => format!("refuse {line}"),
        };
        let file = self.daemon.files.fault();
        fs::write(&file, text).map_err(|source| LoopbackError::File { file, source })
    }

    pub fn clear_fault(&self) {
        // One that is not there needs no clearing.
        let _ = fs::remove_file(self.daemon.files.fault());
    }

    /// Ends every connection that is open, whatever is under way on it; new ones are welcome.
    pub fn close_connections(&self) {
        lock(&self.daemon.connections).clear();
    }

    /// Connections accepted.
    pub fn connections(&self) -> u64 {
        self.daemon.ledger.read(|counts| counts.connections)
    }

    /// What clients asked to run, oldest first, word for word; empty for one that asked for a shell.
    pub fn commands(&self) -> Vec<String> {
        self.read(&self.daemon.files.commands()).lines().map(str::to_owned).collect()
    }

    /// What `sshd` wrote down at its level VERBOSE.
    pub fn log(&self) -> String {
        self.read(&self.daemon.files.log())
    }

    /// Blocks until `connections()` is at least `count`; false when the deadline comes first.
    pub fn wait_for_connections(&self, count: u64, deadline: Duration) -> bool {
        self.daemon.ledger.wait_until(|counts| counts.connections, count, deadline)
    }

    /// Blocks until there are at least `count` commands; false when the deadline comes first.
    pub fn wait_for_commands(&self, count: usize, deadline: Duration) -> bool {
        let started = Instant::now();
        while self.commands().len() < count {
            if started.elapsed() >= deadline {
                return false;
            }
            thread::sleep(LOOK_EVERY);
        }
        true
    }

    /// Ends every connection and returns when that is done.
    pub fn stop(self) {
        drop(self);
    }

    /// A file that has not been written to yet is not there, and says nothing.
    fn read(&self, file: &Path) -> String {
        fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}
