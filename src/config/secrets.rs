//! Resolves references to secrets at the moment they are needed, and keeps the values from being shown.

mod command;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use suitesync_contract::{Failure, FailureClass, SecretName, SecretRef};
use zeroize::Zeroizing;

use super::environment::Environment;
use super::proxy;
use super::settings::{Config, ProxyLogin, SecretSource};

/// Largest secret that is read: room for any key, none for a file named by mistake.
pub const MAX_SECRET_FILE: u64 = 64 * 1024;

/// Knows every declared source. Resolving blocks: it reads files and runs commands.
#[derive(Debug, Clone)]
pub struct Secrets {
    sources: BTreeMap<SecretName, SecretSource>,
    environment: Environment,
    /// Variables that secrets come from: none of our commands' business.
    variables: BTreeSet<String>,
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

    /// Where it came from.
    pub fn source(&self) -> &SecretRef {
        &self.source
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
        Self { sources, environment, variables: BTreeSet::new() }
    }

    /// The secrets of a configuration.
    pub fn of(config: &Config, environment: Environment) -> Self {
        Self { variables: config.secret_variables(), ..Self::new(config.secrets.clone(), environment) }
    }

    /// Gets a value of one line now: a password, a token, a passphrase. A failure is of class `secret_unavailable` and
    /// names the source.
    pub fn resolve(&self, reference: &SecretRef) -> Result<SecretValue, Failure> {
        let value = self.fetch(reference)?;
        if value.chars().any(char::is_control) {
            return Err(unavailable(reference, "holds a line break or another control character"));
        }
        Ok(SecretValue { value, source: reference.clone() })
    }

    /// Gets a value of any number of lines now, as runs may need: a key, a document.
    pub fn resolve_lines(&self, reference: &SecretRef) -> Result<SecretValue, Failure> {
        let value = self.fetch(reference)?;
        if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(unavailable(reference, "holds a control character that no text has"));
        }
        Ok(SecretValue { value, source: reference.clone() })
    }

    /// Gets a private key now, whose lines end as on Unix, the last one too.
    pub fn resolve_key(&self, reference: &SecretRef) -> Result<SecretValue, Failure> {
        let text = self.fetch(reference)?;
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(unavailable(reference, "holds a control character that no key in PEM has"));
        }
        let mut value = Zeroizing::new(String::with_capacity(text.len() + 1));
        for line in text.lines() {
            value.push_str(line);
            value.push('\n');
        }
        Ok(SecretValue { value, source: reference.clone() })
    }

    /// Gets user and password for a proxy now.
    pub fn resolve_proxy_login(&self, login: &ProxyLogin) -> Result<(String, SecretValue), Failure> {
        match login {
            ProxyLogin::Written { username, password } => Ok((username.clone(), self.resolve(password)?)),
            ProxyLogin::InVariable(name) => {
                let source = SecretRef::Env(name.clone());
                let url = self.variable(name, &source)?;
                let login = proxy::read(&url).ok().and_then(|proxy| proxy.login);
                let login = login.ok_or_else(|| unavailable(&source, "holds no user and password any more"))?;
                Ok((login.username, SecretValue { value: login.password, source }))
            }
        }
    }

    /// What tells this secret from another one; none while it cannot be had. Commands are not run for that.
    pub fn digest(&self, reference: &SecretRef) -> Option<SecretDigest> {
        let is_command = matches!(self.source(reference).ok()?, SecretRef::Command(_));
        let value = if is_command { None } else { self.fetch(reference).ok() }?;
        Some(SecretDigest(Sha256::digest(value.as_bytes()).into()))
    }

    fn fetch(&self, reference: &SecretRef) -> Result<Zeroizing<String>, Failure> {
        let value = match self.source(reference)? {
            SecretRef::Env(name) => self.variable(&name, reference),
            SecretRef::File(path) => file(Path::new(&path), reference),
            SecretRef::Credential(name) => self.credential(&name, reference),
            SecretRef::Command(words) => command::run(&words, &self.variables, command::TIME_LIMIT)
                .map_err(|fault| unavailable(reference, &fault.to_string()))
                .and_then(|printed| text(&printed, reference)),
            SecretRef::Secret(_) => Err(unavailable(reference, "is not declared")),
        }?;
        if value.is_empty() { Err(unavailable(reference, "is empty")) } else { Ok(value) }
    }

    /// The reference itself, or what is declared under the name that it gives.
    fn source(&self, reference: &SecretRef) -> Result<SecretRef, Failure> {
        let SecretRef::Secret(name) = reference else { return Ok(reference.clone()) };
        let source = self.sources.get(name).map(SecretSource::reference);
        source
            .ok_or_else(|| unavailable(reference, "is not declared").with_hint(format!("add a [secrets.{name}] table")))
    }

    fn variable(&self, name: &str, reference: &SecretRef) -> Result<Zeroizing<String>, Failure> {
        let value = self.environment.get(name).map(Zeroizing::new);
        value
            .ok_or_else(|| unavailable(reference, "is not set").with_hint("set the environment variable for the agent"))
    }

    fn credential(&self, name: &str, reference: &SecretRef) -> Result<Zeroizing<String>, Failure> {
        let hint = format!("add `LoadCredential={name}:/path` to the unit");
        let path = credential_path(&self.environment, name)
            .ok_or_else(|| unavailable(reference, "is not there: systemd has given no credentials"));
        path.and_then(|path| file(&path, reference)).map_err(|failure| failure.with_hint(hint))
    }
}

/// Where systemd has put a credential, if it has given any.
pub(super) fn credential_path(environment: &Environment, name: &str) -> Option<PathBuf> {
    let folder = environment.get("CREDENTIALS_DIRECTORY")?;
    is_credential_name(name).then(|| Path::new(&folder).join(name))
}

/// Whether a text can be the name of a credential: that of a file right in its folder.
pub(super) fn is_credential_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
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
    text(&bytes, reference)
}

/// The text without the line end that files and commands have at their ends.
fn text(bytes: &[u8], reference: &SecretRef) -> Result<Zeroizing<String>, Failure> {
    if bytes.len() as u64 > MAX_SECRET_FILE {
        return Err(unavailable(reference, "is larger than 64 KiB"));
    }
    let text = str::from_utf8(bytes).map_err(|_| unavailable(reference, "is not text in UTF-8"))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn unavailable(reference: &SecretRef, why: &str) -> Failure {
    Failure::new(FailureClass::SecretUnavailable, format!("{reference} {why}"))
}

#[cfg(test)]
mod tests;
