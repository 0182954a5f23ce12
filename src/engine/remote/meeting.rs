//! Where delegates of other hosts are met: from `[remote]` to a connection, and what it means when there is none.

use std::error::Error;
use std::future::Future;

use suitesync_contract::{Facts, Failure, FailureClass, SecretRef};
use suitesync_reach::Trust;
use suitesync_remote::{BusSettings, Fleet, Login, RemoteError};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::config::{RemoteConfig, RemoteLogin, Secrets};

/// The fleet, or why there cannot be one before another start of the agent.
#[derive(Debug)]
pub(super) struct Meeting {
    pub(super) fleet: Result<Fleet, Failure>,
    pub(super) stop: CancellationToken,
}

impl Meeting {
    /// What comes of something that the fleet does. When the agent stops nobody waits for it any longer, and nothing of it
    /// is canceled: it goes on where it is.
    pub(super) async fn until_left<'f, W>(&'f self, work: impl FnOnce(&'f Fleet) -> W) -> Result<Facts, Failure>
    where
        W: Future<Output = Result<Facts, Failure>>,
    {
        let fleet = self.fleet.as_ref().map_err(Failure::clone)?;
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {
                fleet.let_go();
                Err(Failure::new(FailureClass::Canceled, "the agent stops"))
            }
            result = work(fleet) => result,
        }
    }
}

/// Where and as whom NATS is met. The login is read now, which blocks.
pub fn bus_settings(remote: &RemoteConfig, secrets: &Secrets) -> Result<BusSettings, Failure> {
    let read = |reference: &SecretRef| -> Result<_, Failure> {
        let value = secrets.resolve_key(reference).map_err(restarted)?;
        Ok(Zeroizing::new(value.expose().to_owned()))
    };
    let login = match &remote.login {
        None => Login::Nobody,
        Some(RemoteLogin::Credentials(reference)) => Login::Credentials(read(reference)?),
        Some(RemoteLogin::NKey(reference)) => Login::Nkey(read(reference)?),
    };
    let tls = || -> Result<_, Box<dyn Error>> {
        let additional = remote.additional_certs.iter().map(|certificates| certificates.pem.as_str());
        Ok(Trust::with_additional(additional)?.client_config()?)
    };
    let tls = tls().map_err(|error| Failure::new(FailureClass::TlsOther, format!("failed to prepare TLS: {error}")))?;
    Ok(BusSettings { url: remote.url.clone(), login, tls })
}

/// It is read at a start alone.
fn restarted(failure: Failure) -> Failure {
    let hint = format!("{}; then start it again", failure.hint);
    failure.with_hint(hint)
}

/// A connection to NATS that cannot be had now, for a person.
pub fn trouble_with(error: &RemoteError) -> Failure {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let told = source.to_string();
        // Errors of the library repeat their causes.
        if !message.contains(&told) {
            message = format!("{message}: {told}");
        }
        cause = source.source();
    }
    Failure::new(class_of(error), message).with_hint("it is tried again by itself; what is for those delegates waits")
}

fn class_of(error: &RemoteError) -> FailureClass {
    match error {
        RemoteError::Resolve { .. } => FailureClass::Dns,
        RemoteError::Connect { .. } | RemoteError::Lost => FailureClass::Connect,
        RemoteError::Timeout { .. } => FailureClass::Timeout,
        RemoteError::Tls { .. } => FailureClass::TlsOther,
        RemoteError::Login(_) | RemoteError::Rejected { .. } => FailureClass::AuthRejected,
        RemoteError::NoAgent { .. } | RemoteError::OtherAgent { .. } | RemoteError::OtherDelegate { .. } => {
            FailureClass::DelegateLost
        }
        RemoteError::Address
        | RemoteError::Old { .. }
        | RemoteError::NoJetStream { .. }
        | RemoteError::NoJetStreamForAccount
        | RemoteError::NoRoom
        | RemoteError::Stream { .. }
        | RemoteError::Journal { .. }
        | _ => FailureClass::ServerError,
    }
}
