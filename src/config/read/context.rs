//! What the readers of all tables share.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use suitesync_contract::SecretRef;

use crate::config::certificates::read_certificates;
use crate::config::environment::Environment;
use crate::config::place::{Place, Placed};
use crate::config::report::{Finding, Report};
use crate::config::section::Section;
use crate::config::settings::Certificates;

/// Surroundings of the reading, and what the readers leave for the checks across tables.
#[derive(Debug)]
pub(in crate::config) struct Context<'r> {
    pub(in crate::config) report: &'r Report<'r>,
    pub(in crate::config) environment: &'r Environment,
    /// Every place that asks for a secret.
    pub(in crate::config) secrets_used: RefCell<Vec<Placed<SecretRef>>>,
    /// Every tag that a connection asks of its delegates.
    pub(in crate::config) tags_used: RefCell<Vec<Placed<String>>>,
    /// Every path of certificates that was read: the PEM, or what is wrong and what to do.
    certificates: RefCell<BTreeMap<PathBuf, Result<String, Fault>>>,
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
            tags_used: RefCell::default(),
            certificates: RefCell::default(),
        }
    }

    /// The certificates that a table asks to trust.
    pub(super) fn certificates(&self, section: &Section<'_>) -> Option<Certificates> {
        let path = section.path("additional_certs_path")?;
        self.certificates_at(path.value, Some(path.place))
    }

    /// Certificates from a path that is written at `place`, or else comes from the environment.
    pub(super) fn certificates_at(&self, path: PathBuf, place: Option<Place>) -> Option<Certificates> {
        match (self.certificates_of(&path), place) {
            (Ok(pem), _) => Some(Certificates { path, pem }),
            (Err(Fault { message, help }), Some(place)) => {
                self.report.add(Finding::error(place, message).help(help));
                None
            }
            (Err(Fault { message, help }), None) => {
                self.report.add_of_surroundings(format!("{message}, which ADDITIONAL_CERTS_PATH names"), help);
                None
            }
        }
    }

    /// Many tables may name one path: it is read once.
    fn certificates_of(&self, path: &Path) -> Result<String, Fault> {
        let mut read = self.certificates.borrow_mut();
        let certificates = read.entry(path.to_owned()).or_insert_with(|| {
            read_certificates(path).map_err(|fault| Fault { message: fault.to_string(), help: fault.help() })
        });
        certificates.clone()
    }

    /// The paths of certificates that were read, with what they held.
    pub(in crate::config) fn certificates_read(self) -> Vec<(PathBuf, String)> {
        self.certificates.into_inner().into_iter().map(|(path, pem)| (path, pem.unwrap_or_default())).collect()
    }
}
