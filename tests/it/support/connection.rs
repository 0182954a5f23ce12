//! The text of a `[[connection]]` to one repository, and files that its keys name.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use suitesync_loopback::Authority;

use super::Site;

#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) name: String,
    pub(crate) url: String,
    lines: Vec<String>,
}

impl Connection {
    pub(crate) fn new(name: &str, url: &str) -> Self {
        Self { name: name.to_owned(), url: url.to_owned(), lines: Vec::new() }
    }

    /// A further key with its value, as it stands in the file.
    pub(crate) fn with(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// The URL of one repository of Azure Repos.
    pub(crate) fn azure(self) -> Self {
        self.with("provider = \"azure-repos\"").with("url_type = \"repository\"")
    }

    pub(crate) fn trusting(self, authority: &Path) -> Self {
        self.with(format!("additional_certs_path = {authority:?}"))
    }

    /// A token that an environment variable holds.
    pub(crate) fn token(self, variable: &str) -> Self {
        self.with(format!("credentials = {{ password = {{ env = {variable:?} }} }}"))
    }

    /// A token that a file holds.
    pub(crate) fn token_in(self, file: &Path) -> Self {
        self.with(format!("credentials = {{ password = {{ file = {file:?} }} }}"))
    }

    /// A key that a file holds, and what else `credentials` have.
    pub(crate) fn key_in(self, file: &Path, others: &str) -> Self {
        self.with(format!("credentials = {{ private_key = {{ file = {file:?} }}, {others} }}"))
    }

    /// The provider's API, with a token that a file holds.
    pub(crate) fn api_token_in(self, file: &Path) -> Self {
        self.with(format!("api = {{ token = {{ file = {file:?} }} }}"))
    }

    /// Host and port, as messages name them.
    pub(crate) fn host(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap();
        let authority = rest.split('/').next().unwrap();
        let host = authority.rsplit('@').next().unwrap();
        let port = if scheme == "https" { 443 } else { 22 };
        if host.contains(':') { host.to_owned() } else { format!("{host}:{port}") }
    }

    /// The URL as messages name it: without a login.
    pub(crate) fn shown_url(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap();
        let path = rest.split_once('/').unwrap().1;
        format!("{scheme}://{}/{path}", self.host())
    }

    /// A link to the same repository, polled every second.
    pub(crate) fn link(&self, name: &str) -> String {
        format!(
            "[[link]]\nname = {name:?}\nconnection = {:?}\nurl = {:?}\nsync_every = \"1s\"\n\n",
            self.name, self.url
        )
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines.join("\n");
        write!(f, "[[connection]]\nname = {:?}\nurl = {:?}\ntest_every = \"1h\"\n{lines}\n\n", self.name, self.url)
    }
}

impl Site {
    /// Writes a file that its owner alone may read, in place of an earlier one.
    pub(crate) fn secret_file(&self, name: &str, text: &str) -> PathBuf {
        let (path, beside) = (self.path(name), self.path(&format!("{name}.new")));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        std::fs::rename(&beside, &path).unwrap();
        path
    }

    /// Another authority, and the file with its certificate.
    pub(crate) fn authority(&self, name: &str) -> (Authority, PathBuf) {
        let authority = Authority::new(name).unwrap();
        let path = self.secret_file(&format!("{}.pem", name.replace(' ', "-")), authority.pem());
        (authority, path)
    }
}
