//! Resolves references to secrets at the moment they are needed, and keeps the values from being shown.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};
use suitesync_contract::{Failure, FailureClass, SecretName, SecretRef};
use zeroize::Zeroizing;

use super::environment::Environment;
use super::settings::SecretSource;

/// Largest file a secret is read from: room for any key, none for a file named by mistake.
pub const MAX_SECRET_FILE: u64 = 64 * 1024;

/// Knows every declared source. Reading a file blocks.
#[derive(Debug, Clone)]
pub struct Secrets {
    sources: BTreeMap<SecretName, SecretSource>,
    environment: Environment,
}

/// A secret in the clear. It is wiped when dropped, and shown as where it came from.
#[derive(Clone)]
pub struct SecretValue {
    value: Zeroizing<String>,
    source: SecretRef,
}

/// Tells whether a secret is another than before, and nothing else of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretDigest([u8; 32]);

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest")
    }
}

impl SecretValue {
    /// The value itself, to be handed on and not kept.
    pub fn expose(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl fmt::Display for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl Secrets {
    pub fn new(sources: BTreeMap<SecretName, SecretSource>, environment: Environment) -> Self {
        Self { sources, environment }
    }

    /// Gets the value now. A failure is of class `secret_unavailable` and names the source.
    pub fn resolve(&self, reference: &SecretRef) -> Result<SecretValue, Failure> {
        let value = match reference {
            SecretRef::Env(name) => self.variable(name, reference),
            SecretRef::File(path) => file(Path::new(path), reference),
            SecretRef::Secret(name) => match self.sources.get(name) {
                Some(SecretSource::Env(variable)) => self.variable(variable, reference),
                Some(SecretSource::File(path)) => file(path, reference),
                None => {
                    Err(unavailable(reference, "is not declared").with_hint(format!("add a [secrets.{name}] table")))
                }
            },
        }?;
        if value.is_empty() {
            return Err(unavailable(reference, "is empty"));
        }
        if value.chars().any(char::is_control) {
            return Err(unavailable(reference, "holds a line break or another control character"));
        }
        Ok(SecretValue { value, source: reference.clone() })
    }

    /// What tells this secret from another one; none while it cannot be had.
    pub fn digest(&self, reference: &SecretRef) -> Option<SecretDigest> {
        let value = self.resolve(reference).ok()?;
        Some(SecretDigest(Sha256::digest(value.expose().as_bytes()).into()))
    }

    fn variable(&self, name: &str, reference: &SecretRef) -> Result<Zeroizing<String>, Failure> {
        let value = self.environment.get(name).map(Zeroizing::new);
        value
            .ok_or_else(|| unavailable(reference, "is not set").with_hint("set the environment variable for the agent"))
    }
}

fn file(path: &Path, reference: &SecretRef) -> Result<Zeroizing<String>, Failure> {
    let unreadable = |fault: std::io::Error| unavailable(reference, &format!("cannot be read: {fault}"));
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unavailable(reference, "is not a file"));
    }
    // Room for all of it from the start: a buffer that grows would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_SECRET_FILE).unwrap_or_default() + 1));
    File::open(path).map_err(unreadable)?.take(MAX_SECRET_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_SECRET_FILE {
        return Err(unavailable(reference, "is larger than 64 KiB"));
    }
    let text = str::from_utf8(&bytes).map_err(|_| unavailable(reference, "is not text in UTF-8"))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn unavailable(reference: &SecretRef, why: &str) -> Failure {
    Failure::new(FailureClass::SecretUnavailable, format!("{reference} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let sources = [("pat".parse().unwrap(), SecretSource::Env("PAT".to_owned()))].into();
        Secrets::new(sources, Environment::of([("PAT", "hunter2"), ("EMPTY", ""), ("TWO", "a\nb")]))
    }

    fn resolve_file(content: &[u8]) -> Result<SecretValue, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, content).unwrap();
        secrets().resolve(&SecretRef::File(path.display().to_string()))
    }

    #[test]
    fn variables_and_declared_names_are_resolved() {
        for reference in [SecretRef::Env("PAT".to_owned()), SecretRef::Secret("pat".parse().unwrap())] {
            assert_eq!(secrets().resolve(&reference).unwrap().expose(), "hunter2");
        }
    }

    #[test]
    fn a_value_is_shown_as_its_source() {
        let value = secrets().resolve(&SecretRef::Env("PAT".to_owned())).unwrap();
        assert_eq!(format!("{value} {value:?}"), "[secret env:PAT] [secret env:PAT]");
    }

    #[test]
    fn one_line_end_of_a_file_is_not_part_of_the_secret() {
        let check = |content: &[u8], expect: &str| assert_eq!(resolve_file(content).unwrap().expose(), expect);
        check(b"hunter2", "hunter2");
        check(b"hunter2\n", "hunter2");
        check(b"hunter2\r\n", "hunter2");
        check(b" hunter2 ", " hunter2 ");
    }

    #[test]
    fn files_that_hold_no_secret_are_a_failure() {
        let too_large = vec![b'x'; 64 * 1024 + 1];
        for content in [&b""[..], b"\n", b"a\n\n", b"\xff\xfe", &too_large] {
            assert_eq!(resolve_file(content).unwrap_err().class, FailureClass::SecretUnavailable);
        }
        assert!(resolve_file(&vec![b'x'; 64 * 1024]).is_ok());
    }

    #[test]
    fn a_failure_names_the_source_and_never_the_value() {
        let check = |reference: SecretRef, message: &str| {
            assert_eq!(secrets().resolve(&reference).unwrap_err().message, message);
        };
        check(SecretRef::Env("NONE".to_owned()), "[secret env:NONE] is not set");
        check(SecretRef::Env("EMPTY".to_owned()), "[secret env:EMPTY] is not set");
        check(SecretRef::Env("TWO".to_owned()), "[secret env:TWO] holds a line break or another control character");
        check(SecretRef::Secret("none".parse().unwrap()), "[secret none] is not declared");
        check(SecretRef::File("/".to_owned()), "[secret file:/] is not a file");
    }
}
