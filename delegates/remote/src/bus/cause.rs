//! Why NATS is not at hand, for a person; decided from structure.

use std::error::Error;

use async_nats::jetstream::{self, ErrorCode};
use async_nats::{ConnectError, ConnectErrorKind};
use suitesync_contract::DelegateName;

use super::NEEDED_VERSION;

type Source = Box<dyn Error + Send + Sync>;

/// A failed step on the way to NATS or over it, with the next step where there is one. Never a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    #[error("failed to read the address of NATS: write `tls://HOST:PORT` or `nats://HOST:PORT`")]
    Address,
    #[error("failed to read the login for NATS: {0} is expected")]
    Login(&'static str),
    #[error("failed to resolve {server}: check the host name and this host's resolver")]
    Resolve {
        server: String,
        #[source]
        source: ConnectError,
    },
    #[error("failed to connect to NATS at {server}: check that it is up and that this host may reach it")]
    Connect {
        server: String,
        #[source]
        source: ConnectError,
    },
    #[error("failed to connect to NATS at {server} within {seconds} s: check that this host may reach it")]
    Timeout { server: String, seconds: u64 },
    #[error("failed to begin TLS with NATS at {server}: check `additional_certs_path` and the server's certificate")]
    Tls {
        server: String,
        #[source]
        source: rustls::Error,
    },
    #[error("failed to log in to NATS at {server}: check the credentials or NKey, and that the server knows them")]
    Rejected { server: String },
    #[error("failed to use NATS at {server}: it is version {found}, at least {}.{} is needed", NEEDED_VERSION.0, NEEDED_VERSION.1)]
    Old { server: String, found: String },
    #[error("failed to use JetStream: it is not enabled on NATS at {server}; start it with `-js` or `jetstream {{}}`")]
    NoJetStream { server: String },
    #[error("failed to use JetStream: it is not enabled for this account; add `jetstream: enabled` to the account")]
    NoJetStreamForAccount,
    #[error(
        "failed to use JetStream: NATS has too little room; it sets about 2 GiB of disk aside for each agent: raise `max_file_store`, or the account's limits"
    )]
    NoRoom,
    #[error("failed to {verb} the stream or consumer {name}: check the account's permissions and limits")]
    Stream {
        verb: &'static str,
        name: String,
        #[source]
        source: Source,
    },
    #[error("failed to find the streams of agent {agent}: it has never connected; check `agent`, or start it")]
    NoAgent { agent: DelegateName },
    #[error("failed to serve as agent {agent}: another agent of that name is on this NATS; rename one of them")]
    OtherAgent { agent: DelegateName },
    #[error("failed to serve as delegate {delegate}: another of that name is announced; rename one of them, or wait")]
    OtherDelegate { delegate: DelegateName },
    #[error("lost the connection to NATS")]
    Lost,
    #[error("failed to use the journal {path}")]
    Journal {
        path: String,
        #[source]
        source: std::io::Error,
    },
}

/// What a failed try to connect means.
pub(super) fn of_connecting(server: String, seconds: u64, source: ConnectError) -> RemoteError {
    match source.kind() {
        ConnectErrorKind::ServerParse => RemoteError::Address,
        ConnectErrorKind::Dns => RemoteError::Resolve { server, source },
        ConnectErrorKind::Authentication => RemoteError::Login("a seed that can sign"),
        ConnectErrorKind::AuthorizationViolation => RemoteError::Rejected { server },
        ConnectErrorKind::TimedOut => RemoteError::Timeout { server, seconds },
        ConnectErrorKind::Tls | ConnectErrorKind::Io | ConnectErrorKind::MaxReconnects => match tls_fault(&source) {
            Some(source) => RemoteError::Tls { server, source },
            None => RemoteError::Connect { server, source },
        },
    }
}

/// The fault of TLS among the causes of an error.
fn tls_fault(error: &(dyn Error + 'static)) -> Option<rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(fault) = error.downcast_ref::<rustls::Error>() {
            return Some(fault.clone());
        }
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

/// What it means that a stream or a consumer could not be had.
pub(super) fn of_jetstream(
    verb: &'static str,
    name: &str,
    fault: Option<&jetstream::Error>,
    source: impl Into<Source>,
) -> RemoteError {
    match fault.map(jetstream::Error::error_code) {
        Some(ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT | ErrorCode::NO_ACCOUNT) => {
            RemoteError::NoJetStreamForAccount
        }
        Some(
            ErrorCode::INSUFFICIENT_RESOURCES
            | ErrorCode::STORAGE_RESOURCES_EXCEEDED
            | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
        ) => RemoteError::NoRoom,
        _ => RemoteError::Stream { verb, name: name.to_owned(), source: source.into() },
    }
}
