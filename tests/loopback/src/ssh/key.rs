//! SSH keys, made by `ssh-keygen`, in the forms in which people keep them.

use std::fmt;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::clean_git::clean_program;
use crate::error::LoopbackError;

/// The least that every client of today takes, and quick to make.
const RSA_BITS: &str = "2048";
const KEYGEN: &str = "ssh-keygen";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SshKeyKind {
    Ed25519,
    Rsa,
    Ecdsa,
}

impl SshKeyKind {
    /// The word for it in the options of `ssh-keygen`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa",
            Self::Ecdsa => "ecdsa",
        }
    }
}

/// How the private half is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SshKeyFormat {
    /// `BEGIN OPENSSH PRIVATE KEY`
    OpenSsh,
    /// `BEGIN RSA PRIVATE KEY` or `BEGIN EC PRIVATE KEY`; there is no such form of Ed25519 and it stays as OpenSSH's.
    Pem,
    /// `BEGIN PRIVATE KEY`, or `BEGIN ENCRYPTED PRIVATE KEY` with a passphrase; again not for Ed25519.
    Pkcs8,
}

impl SshKeyFormat {
    fn word(self) -> &'static str {
        match self {
            Self::OpenSsh => "RFC4716",
            Self::Pem => "PEM",
            Self::Pkcs8 => "PKCS8",
        }
    }
}

/// A pair of keys; its `Debug` shows the public half alone.
#[derive(Clone, PartialEq, Eq)]
pub struct SshKey {
    kind: SshKeyKind,
    private_text: String,
    public_line: String,
}

impl SshKey {
    /// A fresh pair; a passphrase has five characters at least.
    pub fn generate(kind: SshKeyKind, format: SshKeyFormat, passphrase: Option<&str>) -> Result<Self, LoopbackError> {
        let folder = TempDir::new().map_err(|source| LoopbackError::TemporaryFolder { source })?;
        let file = folder.path().join("key");
        let mut keygen = clean_program(KEYGEN);
        keygen.args(["-q", "-C", "loopback", "-t", kind.word(), "-m", format.word()]);
        if kind == SshKeyKind::Rsa {
            keygen.args(["-b", RSA_BITS]);
        }
        run(keygen.args(["-N", passphrase.unwrap_or_default(), "-f"]).arg(&file))?;
        let public_line = read(&file.with_extension("pub"))?.trim_end().to_owned();
        Ok(Self { kind, private_text: read(&file)?, public_line })
    }

    pub fn kind(&self) -> SshKeyKind {
        self.kind
    }

    /// The private half, as it stands in a file.
    pub fn private_text(&self) -> &str {
        &self.private_text
    }

    /// The public half in one line, without the line's end: kind, Base64, comment.
    pub fn public_line(&self) -> &str {
        &self.public_line
    }

    /// `SHA256:` and the hash in Base64 without padding, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        let blob = self.public_line.split(' ').nth(1).and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob)))
    }

    /// Kind and Base64, which is what a line of `known_hosts` ends with.
    pub(super) fn public_words(&self) -> &str {
        self.public_line.rsplit_once(' ').map_or(self.public_line.as_str(), |(words, _comment)| words)
    }
}

impl fmt::Debug for SshKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("SshKey").field(&self.public_line).finish()
    }
}

fn run(keygen: &mut Command) -> Result<(), LoopbackError> {
    let output = keygen.output().map_err(|source| LoopbackError::Start {
        program: KEYGEN,
        package: "openssh-client",
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    Err(LoopbackError::Program { program: KEYGEN, said })
}

fn read(file: &Path) -> Result<String, LoopbackError> {
    std::fs::read_to_string(file).map_err(|source| LoopbackError::File { file: file.to_owned(), source })
}
