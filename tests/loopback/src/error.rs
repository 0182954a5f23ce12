//! What can go wrong in setting the loopback server up; once it runs, faults are answers.

use std::io;
use std::path::PathBuf;

/// A step of the set-up that failed.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    #[error("failed to make a certificate for {subject}")]
    Certificate { subject: String, source: rcgen::Error },
    #[error("failed to take a certificate into use")]
    Tls { source: rustls::Error },
    #[error("failed to listen on 127.0.0.1:{port}")]
    Listen { port: u16, source: io::Error },
    #[error("failed to start the thread of the server")]
    Thread { source: io::Error },
    #[error("failed to make the folder {}", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("failed to start git {action}; install git")]
    Run { action: String, source: io::Error },
    #[error("failed to run git {action}: {said}")]
    Git { action: String, said: String },
    #[error("failed to make a temporary folder")]
    TemporaryFolder { source: io::Error },
    #[error("failed to read or write {}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("failed to start {program}; install {package}")]
    Start { program: &'static str, package: &'static str, source: io::Error },
    #[error("failed to run {program}: {said}")]
    Program { program: &'static str, said: String },
}
