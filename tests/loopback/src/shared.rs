//! What the tasks of one server have in common: its options, its state, its end.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::authority::ServerIdentity;
use crate::error::LoopbackError;
use crate::fault::FaultRules;
use crate::ledger::Ledger;
use crate::options::{Login, Protocol, ServerOptions};

/// What the server's tasks have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) root: PathBuf,
    pub(crate) protocol: Protocol,
    pub(crate) git_config: Vec<(String, String)>,
    pub(crate) ledger: Ledger,
    pub(crate) stop: CancellationToken,
    login: RwLock<Login>,
    tls: RwLock<Option<Arc<ServerConfig>>>,
    faults: Mutex<FaultRules>,
    tasks: TaskTracker,
}

impl Shared {
    pub(crate) fn new(options: ServerOptions) -> Result<Self, LoopbackError> {
        Ok(Self {
            root: options.root,
            protocol: options.protocol,
            git_config: options.git_config,
            ledger: Ledger::new(options.remembered_requests),
            stop: CancellationToken::new(),
            login: RwLock::new(options.login),
            tls: RwLock::new(options.identity.as_ref().map(tls_config).transpose()?),
            faults: Mutex::default(),
            tasks: TaskTracker::new(),
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
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = Some(tls_config(identity)?);
        Ok(())
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultRules> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a task that is dropped when the server stops.
    pub(crate) fn track(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.track_to_the_end(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Runs a task that the server waits for when it stops.
    pub(crate) fn track_to_the_end(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Returns when every task has ended; the ones tracked as droppable do so when `stop` is cancelled.
    pub(crate) async fn wait_for_tasks(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn tls_config(identity: &ServerIdentity) -> Result<Arc<ServerConfig>, LoopbackError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(identity.certificates(), identity.private_key())
        })
        .map_err(|source| LoopbackError::Tls { source })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
