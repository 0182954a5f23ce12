//! What the readers of all tables share.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use suitesync_contract::{SecretRef, Tags};

use crate::config::certificates::{read_certificates, read_chain};
use crate::config::environment::Environment;
use crate::config::known_hosts;
use crate::config::place::Placed;
use crate::config::report::{Finding, Report};
use crate::config::section::Section;
use crate::config::settings::Certificates;

/// Surroundings of the reading, and what the readers leave for the checks across tables.
#[derive(Debug)]
pub(in crate::config) struct Context<'r> {
    pub(in crate::config) report: &'r Report<'r>,
    pub(in crate::config) environment: &'r Environment,
    /// Every place that asks for a secret, but for those below.
    pub(in crate::config) secrets_used: RefCell<Vec<Placed<SecretRef>>>,
    /// Every place that gives one to runs: whoever executes them may know it when the agent does not.
    pub(in crate::config) secrets_given: RefCell<Vec<Placed<SecretRef>>>,
    /// Every tag that a table asks of delegates.
    pub(in crate::config) tags_used: RefCell<Vec<Placed<String>>>,
    /// Every file that a setting names and that was read with it: its content, or what is wrong and what to do.
    files: RefCell<BTreeMap<(PathBuf, NamedFile), Result<String, Fault>>>,
}

/// Files that settings name and that are read with them, so that their content can travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NamedFile {
    /// Certificates to trust: a file, or a folder of them.
    Certificates,
    /// A certificate of our own.
    Chain,
    KnownHosts,
}

#[derive(Debug, Clone)]
struct Fault {
    message: String,
    help: String,
}

impl<'r> Context<'r> {
    pub(in crate::config) fn new(report: &'r Report<'r>, environment: &'r Environment) -> Self {
        Self {
            report,
            environment,
            secrets_used: RefCell::default(),
            secrets_given: RefCell::default(),
            tags_used: RefCell::default(),
            files: RefCell::default(),
        }
    }

    /// The tags that a table asks of delegates; nothing where it does not say.
    pub(super) fn delegate_tags(&self, section: &Section<'_>) -> Option<Tags> {
        let tags = section.tags("delegate_tags")?;
        self.tags_used.borrow_mut().extend(tags.iter().map(|tag| tag.map(str::to_owned)));
        Some(tags.iter().map(|tag| tag.value).collect())
    }

    /// The certificates that a table asks to trust.
    pub(super) fn certificates(&self, section: &Section<'_>) -> Option<Certificates> {
        let path = section.path("additional_certs_path")?;
        let pem = self.read_named(NamedFile::Certificates, &path)?;
        Some(Certificates { path: path.value, pem })
    }

    /// The certificates that the environment asks to trust.
    pub(super) fn certificates_of_environment(&self) -> Option<Certificates> {
        let path = PathBuf::from(self.environment.get("ADDITIONAL_CERTS_PATH")?);
        match self.read_once(NamedFile::Certificates, &path) {
            Ok(pem) => Some(Certificates { path, pem }),
            Err(Fault { message, help }) => {
                self.report.add_of_surroundings(format!("{message}, which ADDITIONAL_CERTS_PATH names"), help);
                None
            }
        }
    }

    /// What a file holds that is written down in a setting.
    pub(super) fn read_named(&self, kind: NamedFile, path: &Placed<PathBuf>) -> Option<String> {
        match self.read_once(kind, &path.value) {
            Ok(content) => Some(content),
            Err(Fault { message, help }) => {
                self.report.add(Finding::error(path.place, message).help(help));
                None
            }
        }
    }

    /// Many tables may name one path: it is read once.
    fn read_once(&self, kind: NamedFile, path: &Path) -> Result<String, Fault> {
        let mut read = self.files.borrow_mut();
        read.entry((path.to_owned(), kind)).or_insert_with(|| kind.read(path)).clone()
    }

    /// The paths of files that settings name and that were read with them, with what they held.
    pub(in crate::config) fn files_read(self) -> Vec<(PathBuf, String)> {
        let files = self.files.into_inner().into_iter();
        files.map(|((path, _), content)| (path, content.unwrap_or_default())).collect()
    }
}

impl NamedFile {
    fn read(self, path: &Path) -> Result<String, Fault> {
        match self {
            Self::Certificates => read_certificates(path).map_err(|fault| Fault::new(&fault, fault.help())),
            Self::Chain => read_chain(path).map_err(|fault| Fault::new(&fault, fault.help())),
            Self::KnownHosts => known_hosts::read_known_hosts(path).map_err(|fault| Fault::new(&fault, fault.help())),
        }
    }
}

impl Fault {
    fn new(message: &impl ToString, help: String) -> Self {
        Self { message: message.to_string(), help }
    }
}
