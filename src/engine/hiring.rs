//! From the delegates of a configuration to those that carry out tasks. One whose settings stay is kept as it is, with
//! what it has under way; one that was replaced ends what it has, and then itself. Those of other hosts come by
//! themselves (`remote`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use suitesync_contract::rpc::{Initialize, PROTOCOL};
use suitesync_contract::{DelegateName, SecretName, Tags};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::delegate::Delegate;
use super::local::{ChildOfRuns, LocalDelegate, Workshop};
use super::process::{Patience, ProcessDelegate, ProcessSettings, Seat};
use crate::config::{Config, DelegateConfig, DelegateKind, SecretSource};

/// Hires delegates.
#[derive(Debug)]
pub struct Hiring {
    workshop: Arc<Workshop>,
    /// Where each process has a folder of its own.
    folder: PathBuf,
    tracker: TaskTracker,
    stop: CancellationToken,
    hired: Mutex<BTreeMap<DelegateName, Hired>>,
}

#[derive(Debug)]
struct Hired {
    terms: Terms,
    delegate: Arc<dyn Delegate>,
}

/// For whom delegates work, and what they are given.
#[derive(Debug, Clone, Copy)]
pub struct Employer<'a> {
    pub agent: &'a str,
    /// Requests at once to one host.
    pub per_host: u32,
    pub secrets: &'a BTreeMap<SecretName, SecretSource>,
    /// How long mirrors are kept that nobody uses.
    pub mirrors_keep: Duration,
}

/// All that makes a delegate what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Terms {
    config: DelegateConfig,
    initialize: Initialize,
}

impl Hiring {
    /// Processes keep things below `folder`; they have ended when `tracker` has, after `stop`.
    pub fn new(workshop: Arc<Workshop>, folder: &Path, tracker: TaskTracker, stop: CancellationToken) -> Self {
        Self { workshop, folder: folder.to_owned(), tracker, stop, hired: Mutex::default() }
    }

    /// The delegates of a configuration, in its order.
    pub fn hire(&self, config: &Config) -> Vec<Arc<dyn Delegate>> {
        let mut hired = self.hired.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *hired);
        let mut delegates = Vec::new();
        let employer = Employer {
            agent: &config.agent.name,
            per_host: config.agent.per_host,
            secrets: &config.secrets,
            mirrors_keep: config.retention.mirrors_keep,
        };
        for settings in &config.delegates {
            let terms = self.terms(&employer, settings);
            let kept = before.remove(&settings.name).filter(|hired| hired.terms == terms);
            let Some(one) = kept.or_else(|| Some(Hired { delegate: self.hire_one(&terms)?, terms })) else { continue };
            delegates.push(Arc::clone(&one.delegate));
            hired.insert(settings.name.clone(), one);
        }
        delegates
    }

    /// A delegate of threads of this process, whose runs are a child's.
    pub fn hire_local(&self, employer: &Employer<'_>, settings: &DelegateConfig) -> LocalDelegate {
        self.local(&self.terms(employer, settings))
    }

    fn hire_one(&self, terms: &Terms) -> Option<Arc<dyn Delegate>> {
        match &terms.config.kind {
            DelegateKind::Local => Some(Arc::new(self.local(terms))),
            DelegateKind::Command(words) => Some(Arc::new(self.process(terms, Seat::Child(words.clone())))),
            DelegateKind::Socket(path) => Some(Arc::new(self.process(terms, Seat::Socket(path.clone())))),
            DelegateKind::Remote => None,
        }
    }

    fn local(&self, terms: &Terms) -> LocalDelegate {
        let local = LocalDelegate::new(&terms.config, terms.initialize.per_host, Arc::clone(&self.workshop));
        if !terms.config.runs {
            return local;
        }
        let Some(program) = std::env::current_exe().ok().and_then(|path| path.into_os_string().into_string().ok())
        else {
            tracing::error!(delegate = %terms.config.name, "failed to find our own program: runs are not executed");
            return local;
        };
        let words = [program.as_str(), "delegate", "run", "--stdio"].map(str::to_owned).to_vec();
        let settings = process_settings(terms, Seat::Child(words));
        local.with_runs_in_child(ChildOfRuns { settings, tracker: self.tracker.clone(), stop: self.stop.clone() })
    }

    fn process(&self, terms: &Terms, seat: Seat) -> ProcessDelegate {
        ProcessDelegate::start(process_settings(terms, seat), &self.tracker, self.stop.clone())
    }

    fn terms(&self, employer: &Employer<'_>, delegate: &DelegateConfig) -> Terms {
        let state_dir = match &delegate.kind {
            DelegateKind::Local => self.workshop.folder().to_string_lossy().into_owned(),
            DelegateKind::Command(_) => self.folder.join(delegate.name.as_str()).to_string_lossy().into_owned(),
            // It runs as somebody else, who cannot use a folder of ours.
            DelegateKind::Socket(_) | DelegateKind::Remote => String::new(),
        };
        let secrets = match &delegate.kind {
            DelegateKind::Local | DelegateKind::Command(_) => employer.secrets.clone(),
            DelegateKind::Socket(_) | DelegateKind::Remote => BTreeMap::new(),
        };
        let mirrors_keep_s = match &delegate.kind {
            // Whoever hires looks after these, or nobody here does.
            DelegateKind::Local | DelegateKind::Remote => None,
            DelegateKind::Command(_) | DelegateKind::Socket(_) => Some(employer.mirrors_keep.as_secs()),
        };
        let initialize = Initialize {
            protocol: PROTOCOL,
            agent: employer.agent.to_owned(),
            delegate: delegate.name.clone(),
            state_dir,
            capacity: delegate.capacity,
            per_host: employer.per_host,
            secrets: secrets.iter().map(|(name, source)| (name.clone(), SecretSource::reference(source))).collect(),
            additional_certs: delegate.additional_certs.as_ref().map(|certificates| certificates.pem.clone()),
            proxy: delegate.proxy.clone(),
            no_proxy: delegate.no_proxy.clone(),
            runs_disk_bytes: Some(delegate.runs_disk),
            mirrors_keep_s,
        };
        Terms { config: delegate.clone(), initialize }
    }
}

fn process_settings(terms: &Terms, seat: Seat) -> ProcessSettings {
    let mut tags: Tags = terms.config.tags.clone();
    tags.insert(terms.config.name.as_str());
    let (initialize, runs) = (terms.initialize.clone(), terms.config.runs);
    ProcessSettings { seat, initialize, tags, runs, patience: Patience::default() }
}
