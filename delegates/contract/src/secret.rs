//! Where a secret comes from. A task carries references, never values.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::SecretName;

/// A reference to a secret; the delegate that needs the value resolves it at the last moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SecretRef {
    /// A source declared under `[secrets.NAME]` where the delegate runs.
    Secret(SecretName),
    /// An environment variable.
    Env(String),
    /// A file; one line end at its end is not part of the secret.
    File(String),
    /// A credential that systemd hands to the service (`LoadCredential=`).
    Credential(String),
    /// What a command prints; one line end at its end is not part of the secret.
    Command(Vec<String>),
}

impl fmt::Display for SecretRef {
    /// The form shown wherever a value would stand, such as `[secret env:NAME]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(name) => write!(f, "[secret {name}]"),
            Self::Env(name) => write!(f, "[secret env:{name}]"),
            Self::File(path) => write!(f, "[secret file:{path}]"),
            Self::Credential(name) => write!(f, "[secret credential:{name}]"),
            // Its arguments may say more than they should.
            Self::Command(words) => write!(f, "[secret command:{}]", words.first().map_or("", String::as_str)),
        }
    }
}
