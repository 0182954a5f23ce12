//! What the connections of one Git server have in common: its options and its state.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rustls::ServerConfig;

use crate::error::LoopbackError;
use crate::fault::FaultRules;
use crate::front::Front;
use crate::identity::ServerIdentity;
use crate::ledger::Ledger;
use crate::options::{Login, Protocol, ServerOptions};
use crate::tasks::Tasks;
use crate::tls::TlsTerms;

/// What the server's connections have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) root: PathBuf,
    pub(crate) protocol: Protocol,
    pub(crate) git_config: Vec<(String, String)>,
    pub(crate) ledger: Ledger,
    pub(crate) tasks: Arc<Tasks>,
    /// Takes the login's place where there is one.
    pub(crate) front: Option<Arc<dyn Front>>,
    login: RwLock<Login>,
    tls_terms: TlsTerms,
    tls: RwLock<Option<Arc<ServerConfig>>>,
    faults: Mutex<FaultRules>,
}

impl Shared {
    pub(crate) fn new(options: ServerOptions, front: Option<Arc<dyn Front>>) -> Result<Self, LoopbackError> {
        let tls_terms = TlsTerms { versions: options.tls_versions, client_authority: options.client_authority };
        let tls = options.identity.as_ref().map(|identity| tls_terms.configuration(identity)).transpose()?;
        Ok(Self {
            root: options.root,
            protocol: options.protocol,
            git_config: options.git_config,
            ledger: Ledger::new(options.remembered_requests),
            tasks: Arc::default(),
            front,
            login: RwLock::new(options.login),
            tls_terms,
            tls: RwLock::new(tls),
            faults: Mutex::default(),
        })
    }

    pub(crate) fn login(&self) -> Login {
        self.login.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_login(&self, login: Login) {
        *self.login.write().unwrap_or_else(PoisonError::into_inner) = login;
    }

    pub(crate) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_identity(&self, identity: &ServerIdentity) -> Result<(), LoopbackError> {
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = Some(self.tls_terms.configuration(identity)?);
        Ok(())
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultRules> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
