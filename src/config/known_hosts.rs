//! Host keys as the configuration has them: a `known_hosts` file, or fingerprints.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Largest file that is read: room for thousands of hosts; all of it travels with every task.
const MAX_FILE: u64 = 1024 * 1024;

/// What a fingerprint of a key begins with; others are of hashes that no longer hold.
const PREFIX: &str = "SHA256:";

/// Bytes of a SHA-256.
const DIGEST: usize = 32;

/// Why there are no host keys to be had from a path.
#[derive(Debug, thiserror::Error)]
pub enum KnownHostsError {
    #[error("failed to read {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is larger than 1 MiB", path.display())]
    TooLarge { path: PathBuf },
    #[error("{} holds no host key", path.display())]
    Empty { path: PathBuf },
}

impl KnownHostsError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Unreadable { source, .. } => format!("{source}; the agent's user must be able to read it"),
            Self::TooLarge { .. } => "name a file that holds the keys of this connection's host only".to_owned(),
            Self::Empty { .. } => "lines as `ssh-keyscan HOST` prints them, once they have been verified".to_owned(),
        }
    }
}

/// The text of a file in the format of sshd(8).
pub fn read_known_hosts(path: &Path) -> Result<String, KnownHostsError> {
    let path = || path.to_owned();
    let unreadable = |source| KnownHostsError::Unreadable { path: path(), source };
    let metadata = std::fs::metadata(path()).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(io::Error::other("it is not a file")));
    }
    if metadata.len() > MAX_FILE {
        return Err(KnownHostsError::TooLarge { path: path() });
    }
    let text = std::fs::read_to_string(path()).map_err(unreadable)?;
    let holds_key = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    if text.lines().any(holds_key) { Ok(text) } else { Err(KnownHostsError::Empty { path: path() }) }
}

/// Whether a file has keys of authorities that sign the keys of hosts.
pub(super) fn holds_authorities(content: &str) -> bool {
    content.lines().any(|line| line.trim_start().starts_with("@cert-authority"))
}

/// A fingerprint as OpenSSH shows it, without padding; or what is wrong with the text.
pub fn read_fingerprint(text: &str) -> Result<String, &'static str> {
    if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("MD5:")) {
        return Err("is of MD5, which can be forged");
    }
    let Some(digest) = text.strip_prefix(PREFIX) else { return Err("does not begin with `SHA256:`") };
    let padding = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&STANDARD, padding).decode(digest);
    if bytes.is_ok_and(|bytes| bytes.len() == DIGEST) {
        Ok(format!("{PREFIX}{}", digest.trim_end_matches('=')))
    } else {
        Err("is not the SHA-256 of a key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINGERPRINT: &str = "SHA256:ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6Og";

    #[test]
    fn a_fingerprint_is_kept_without_padding() {
        assert_eq!(read_fingerprint(FINGERPRINT).unwrap(), FINGERPRINT);
        assert_eq!(read_fingerprint(&format!("{FINGERPRINT}=")).unwrap(), FINGERPRINT);
    }

    #[test]
    fn what_is_no_fingerprint_is_refused_with_the_reason() {
        let check = |text: &str, expect| assert_eq!(read_fingerprint(text), Err(expect), "{text:?}");
        check("MD5:97:70:33:82:fd:29:3a:73:39:af:6a:07:ad:f8:80:49", "is of MD5, which can be forged");
        check("ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6Og", "does not begin with `SHA256:`");
        check("SHA256:", "is not the SHA-256 of a key");
        check("SHA256:ohD8VZEXGWo6Ez8GSEJQ9Wpafg", "is not the SHA-256 of a key");
        check("SHA256:ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6O!", "is not the SHA-256 of a key");
    }
}
