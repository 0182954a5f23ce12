//! The file of a delegate that runs as somebody else than the agent: where it keeps things, and what secrets are called.
//!
//! ```toml
//! [delegate]
//! state_dir = "/var/lib/suitesync-runner"
//! [secrets.shop-password]
//! credential = "shop-password"
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use suitesync_contract::{SecretName, SecretRef};

use crate::config::SecretSource;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DelegateFile {
    pub(super) state_dir: Option<PathBuf>,
    pub(super) secrets: BTreeMap<SecretName, SecretSource>,
}

/// What is wrong with the file. A value out of it is never part of it: it may be a secret in the wrong place.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("failed to read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("failed to read {} at line {line}: {message}", path.display())]
    Syntax { path: PathBuf, line: usize, message: String },
    #[error("failed to read [delegate] in {}: {message}", path.display())]
    Delegate { path: PathBuf, message: String },
    #[error("failed to read [secrets.{name}] in {}; it is one of `env`, `file`, `credential` and `command`", path.display())]
    Secret { path: PathBuf, name: String },
    #[error("failed to read {}: there is no `{key}`, but [delegate] and [secrets.NAME]", path.display())]
    Unknown { path: PathBuf, key: String },
}

/// `[delegate]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DelegateTable {
    state_dir: Option<PathBuf>,
}

impl DelegateFile {
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let text = std::fs::read_to_string(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let path = || path.to_owned();
        let mut tables: toml::Table = toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            FileError::Syntax { path: path(), line, message: error.message().to_owned() }
        })?;
        let delegate = tables.remove("delegate").map(toml::Value::try_into::<DelegateTable>).transpose();
        let delegate = delegate
            .map_err(|error| FileError::Delegate { path: path(), message: error.message().to_owned() })?
            .unwrap_or_default();
        let named = match tables.remove("secrets") {
            Some(toml::Value::Table(named)) => named,
            Some(_) => return Err(FileError::Unknown { path: path(), key: "secrets =".to_owned() }),
            None => toml::Table::new(),
        };
        if let Some(key) = tables.keys().next() {
            return Err(FileError::Unknown { path: path(), key: key.clone() });
        }
        let secret = |(name, value): (String, toml::Value)| {
            read_secret(&name, value).ok_or(FileError::Secret { path: path(), name })
        };
        Ok(Self { state_dir: delegate.state_dir, secrets: named.into_iter().map(secret).collect::<Result<_, _>>()? })
    }
}

fn read_secret(name: &str, value: toml::Value) -> Option<(SecretName, SecretSource)> {
    Some((name.parse().ok()?, source_of(value.try_into().ok()?)?))
}

/// The source that a reference stands for; a name of another one is none.
pub(super) fn source_of(reference: SecretRef) -> Option<SecretSource> {
    match reference {
        SecretRef::Env(name) => Some(SecretSource::Env(name)),
        SecretRef::File(path) => Some(SecretSource::File(path.into())),
        SecretRef::Credential(name) => Some(SecretSource::Credential(name)),
        SecretRef::Command(words) => Some(SecretSource::Command(words)),
        SecretRef::Secret(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DelegateFile, String> {
        DelegateFile::parse(Path::new("delegate.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_says_where_things_are_kept_and_what_secrets_are_called() {
        let text = "[delegate]\nstate_dir = \"/var/lib/x\"\n[secrets.pat]\nenv = \"PAT\"\n[secrets.vault]\ncommand = [\"v\"]\n";
        let file = parse(text).unwrap();
        assert_eq!(file.state_dir, Some(PathBuf::from("/var/lib/x")));
        let sources: Vec<_> = file.secrets.into_values().collect();
        assert_eq!(sources, [SecretSource::Env("PAT".to_owned()), SecretSource::Command(vec!["v".to_owned()])]);
        assert_eq!(parse("").unwrap(), DelegateFile::default());
    }

    fn check_refused(text: &str, expect: &str) {
        let told = parse(text).unwrap_err();
        assert!(told.contains(expect) && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn what_is_wrong_is_told_without_any_value() {
        check_refused("[delegate]\nstate_dir = 'x", "at line 2");
        check_refused("[delegate]\nstate = 1", "unknown field `state`");
        check_refused("[secrets]\npat = \"hunter2\"", "[secrets.pat]");
        check_refused("[secrets.pat]\nvalue = \"hunter2\"", "it is one of `env`");
        check_refused("[secrets.pat]\nsecret = \"hunter2\"", "[secrets.pat]");
        check_refused("[[connection]]\nname = \"x\"", "there is no `connection`");
    }
}
