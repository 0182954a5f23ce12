//! Public keys as they travel (RFC 4253, section 6.6), and how they are shown to people.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest, Sha256};

/// A public key, in the form that is hashed and compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicKey(Vec<u8>);

/// The families of keys that are used today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Ed25519,
    Ecdsa,
    Rsa,
    /// Retired, or newer than this version.
    Other,
}

impl PublicKey {
    pub(super) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Puts a key together from the fields that follow its name.
    pub(super) fn of_fields(fields: &[&[u8]]) -> Self {
        let mut bytes = Vec::new();
        for field in fields {
            // Fields of keys have some hundred bytes.
            bytes.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(field);
        }
        Self(bytes)
    }

    /// What the key says it is, such as `ssh-ed25519`.
    pub(super) fn name(&self) -> &[u8] {
        take_field(&self.0).map_or(&[], |(name, _)| name)
    }

    pub(super) fn kind(&self) -> KeyKind {
        match self.name() {
            b"ssh-ed25519" => KeyKind::Ed25519,
            b"ssh-rsa" => KeyKind::Rsa,
            b"ecdsa-sha2-nistp256" | b"ecdsa-sha2-nistp384" | b"ecdsa-sha2-nistp521" => KeyKind::Ecdsa,
            _ => KeyKind::Other,
        }
    }

    /// The hash as OpenSSH shows it, `SHA256:` and Base64 without padding.
    pub(super) fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&self.0)))
    }
}

impl fmt::Display for PublicKey {
    /// The family and the fingerprint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.fingerprint())
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "ED25519",
            Self::Ecdsa => "ECDSA",
            Self::Rsa => "RSA",
            Self::Other => "unknown",
        })
    }
}

/// A field, four bytes of length before it, and what follows.
pub(super) fn take_field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
