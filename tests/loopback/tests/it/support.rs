//! A served repository, the real Git as its client, and bare HTTP where Git would hide what matters.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::time::Duration;

use suitesync_loopback::{Authority, Change, GitServer, SampleRepository, ServerOptions, clean_git};
use tempfile::TempDir;

pub(crate) const REPOSITORY: &str = "/contoso/payments/_git/checkout";
/// Generous: it passes only when something is broken.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
/// How long a client waits before it calls a server silent.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);

/// A repository of one commit, to be served from a folder of its own.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) authority: Authority,
    pub(crate) repository: SampleRepository,
    pub(crate) commit: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let repository = SampleRepository::create(folder.path().join("served").join(&REPOSITORY[1..])).unwrap();
        let commit = repository.commit("main", "First", &[Change::write("README", "hello\n")]).unwrap();
        let authority = Authority::new("Loopback Root").unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        Self { folder, authority, repository, commit }
    }

    /// Plain HTTP, for clients that are sockets.
    pub(crate) fn plain(&self) -> ServerOptions {
        ServerOptions::new(self.folder.path().join("served"))
    }

    pub(crate) fn https(&self) -> ServerOptions {
        self.plain().identity(self.authority.issue(&Default::default()).unwrap())
    }

    /// The real Git, trusting this site's authority alone.
    pub(crate) fn git_command(&self, arguments: &[&str]) -> Command {
        let trusted = format!("http.sslCAInfo={}", self.folder.path().join("ca.pem").display());
        let mut command = clean_git();
        command.current_dir(self.folder.path()).args(["-c", &trusted]).args(arguments);
        command
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> Output {
        self.git_command(arguments).output().unwrap()
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asks a plain server for the refs, over a connection of its own.
pub(crate) fn ask(server: &GitServer) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let request = format!(
        "GET {REPOSITORY}/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: loopback\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// All that comes until the connection ends.
pub(crate) fn answer(mut stream: TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
