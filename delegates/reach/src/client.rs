//! HTTP clients, one for each trust: building one parses every root certificate, so they are made once and shared,
//! and their kept connections with them.
//!
//! Redirects and time limits are ours (see `http`), so that each has its own class; no proxy is taken from the
//! environment.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use suitesync_contract::{Failure, FailureClass};

use crate::agent_name::USER_AGENT;
use crate::knowledge::Knowledge;
use crate::limits::TimeLimits;
use crate::resolver::HostResolver;
use crate::trust::{Fingerprint, Trust};

/// Trusts in use at once: the delegate's own and a few connections'; the least recently used one goes first.
const MAX_CLIENTS: usize = 32;
/// Shorter than the idle limits of common servers (75 s and more), so that kept connections are seldom found closed.
const KEEP_IDLE: Duration = Duration::from_secs(50);
/// As many as there may be requests at once to one host.
const KEEP_PER_HOST: usize = 4;

/// All clients of a process.
#[derive(Debug, Default)]
pub struct Clients {
    limits: TimeLimits,
    knowledge: Knowledge,
    /// The most recently used one last.
    clients: Mutex<VecDeque<(Fingerprint, Client)>>,
}

/// A client under one trust; clones share everything.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) limits: TimeLimits,
    pub(crate) knowledge: Knowledge,
}

impl Clients {
    pub fn new(limits: TimeLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The client for a trust: the one at hand, or a new one where the content of the trust is new.
    pub fn client(&self, trust: &Trust) -> Result<Client, Failure> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let fingerprint = trust.fingerprint();
        let kept = clients.iter().position(|(kept, _)| *kept == fingerprint).and_then(|place| clients.remove(place));
        let client = match kept {
            Some((_, client)) => client,
            None => self.build(trust)?,
        };
        clients.push_back((fingerprint, client.clone()));
        if clients.len() > MAX_CLIENTS {
            clients.pop_front();
        }
        Ok(client)
    }

    fn build(&self, trust: &Trust) -> Result<Client, Failure> {
        let broken = |error: &dyn fmt::Display| {
            Failure::new(FailureClass::Internal, format!("failed to set up the HTTP client: {error}"))
        };
        let tls = trust.tls_config().map_err(|error| broken(&error))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .dns_resolver(HostResolver)
            .connect_timeout(self.limits.connect)
            .pool_idle_timeout(KEEP_IDLE)
            .pool_max_idle_per_host(KEEP_PER_HOST)
            .build()
            .map_err(|error| broken(&error))?;
        Ok(Client { http, tls: Arc::new(tls), limits: self.limits, knowledge: self.knowledge.clone() })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("limits", &self.limits).finish_non_exhaustive()
    }
}
