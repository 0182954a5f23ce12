//! The real `nats-server` with JetStream, that can be paused, killed and started again where it was.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::error::LoopbackError;
use crate::identity::ServerIdentity;

/// How long the server may take until it says where it listens.
const STARTED_WITHIN: Duration = Duration::from_secs(20);

/// Between looks whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Names the program where it is not on the `PATH`.
const PROGRAM: &str = "NATS_SERVER";

/// What the server is to be like.
#[derive(Debug, Clone, Default)]
pub struct NatsOptions {
    /// With what it does TLS, if it does.
    pub identity: Option<ServerIdentity>,
    /// More lines of its configuration.
    pub configuration: String,
    /// Whether it does without JetStream.
    pub without_jetstream: bool,
}

/// A server on a port of its own, with its store in a temporary folder. It is killed when this is dropped.
pub struct NatsServer {
    folder: TempDir,
    port: u16,
    scheme: &'static str,
    child: Option<Child>,
}

impl fmt::Debug for NatsServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NatsServer").field("port", &self.port).finish_non_exhaustive()
    }
}

impl NatsServer {
    pub fn start(options: &NatsOptions) -> Result<Self, LoopbackError> {
        let folder = tempfile::tempdir().map_err(|source| LoopbackError::TemporaryFolder { source })?;
        let configuration = configuration(folder.path(), options)?;
        write(&folder.path().join("nats.conf"), &configuration)?;
        let scheme = if options.identity.is_some() { "tls" } else { "nats" };
        let mut server = Self { folder, port: 0, scheme, child: None };
        server.begin()?;
        Ok(server)
    }

    /// Where clients connect to.
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder in which JetStream keeps its streams.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Kills it at once; what it has stored is there after `begin`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Fails only when it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again, on the same port.
    pub fn begin(&mut self) -> Result<(), LoopbackError> {
        let ports = self.folder.path().join("ports");
        // There may be none yet.
        let _ = fs::remove_dir_all(&ports);
        fs::create_dir(&ports).map_err(|source| LoopbackError::Folder { folder: ports.clone(), source })?;
        let program = std::env::var_os(PROGRAM).unwrap_or_else(|| OsString::from("nats-server"));
        let port = if self.port == 0 { "-1".to_owned() } else { self.port.to_string() };
        let child = Command::new(program)
            .arg("--config")
            .arg(self.folder.path().join("nats.conf"))
            .args(["--addr", "127.0.0.1", "--port", &port, "--ports_file_dir"])
            .arg(&ports)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| LoopbackError::Start { program: "nats-server", package: "nats-server", source })?;
        self.child = Some(child);
        self.port = self.wait_for_port(&ports)?;
        Ok(())
    }

    /// Holds it where it is: connections stay and nothing is answered.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Fails only when it has ended already.
            let _ = kill_process(pid, signal);
        }
    }

    fn wait_for_port(&mut self, ports: &Path) -> Result<u16, LoopbackError> {
        let deadline = Instant::now() + STARTED_WITHIN;
        while Instant::now() < deadline {
            if let Some(port) = port_in(ports) {
                return Ok(port);
            }
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                return Err(failed(format!("it ended with {status}")));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Err(failed("it did not say where it listens".to_owned()))
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.go_on();
        self.kill();
    }
}

fn failed(said: String) -> LoopbackError {
    LoopbackError::Program { program: "nats-server", said }
}

/// The port in the file that the server writes once it listens.
fn port_in(ports: &Path) -> Option<u16> {
    let file =
        fs::read_dir(ports).ok()?.flatten().find(|entry| entry.path().extension().is_some_and(|e| e == "ports"))?;
    let said: serde_json::Value = serde_json::from_slice(&fs::read(file.path()).ok()?).ok()?;
    said.get("nats")?.get(0)?.as_str()?.rsplit(':').next()?.parse().ok()
}

fn configuration(folder: &Path, options: &NatsOptions) -> Result<String, LoopbackError> {
    let mut lines = Vec::new();
    if !options.without_jetstream {
        lines.push(format!("jetstream {{ store_dir: {:?} }}", folder.join("store").display().to_string()));
    }
    if let Some(identity) = &options.identity {
        let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
        write(&certificate, &identity.certificate_pem())?;
        write(&key, &identity.key_pem())?;
        let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
        lines.push(format!("tls {{ cert_file: {certificate:?}, key_file: {key:?} }}"));
    }
    lines.push(options.configuration.clone());
    Ok(lines.join("\n"))
}

fn write(file: &Path, text: &str) -> Result<(), LoopbackError> {
    fs::write(file, text).map_err(|source| LoopbackError::File { file: file.to_owned(), source })
}
