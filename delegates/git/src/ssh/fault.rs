//! What goes wrong over SSH, told by libssh2's codes and by a command's end; without a place, as sessions are shared.

use std::io;
use std::time::Duration;

use ssh2::ErrorCode;
use suitesync_contract::{Failure, FailureClass, Provider};
use suitesync_reach::{Place, ProviderCode, shown, system_words};

use super::fingerprint::KeyKind;
use super::host_key::Distrust;
use super::identity::KeyFault;

/// Codes of libssh2 (libssh2.h).
mod code {
    pub(super) const BANNER_RECV: i32 = -2;
    pub(super) const KEX_FAILURE: i32 = -5;
    pub(super) const SOCKET_SEND: i32 = -7;
    pub(super) const KEY_EXCHANGE_FAILURE: i32 = -8;
    pub(super) const TIMEOUT: i32 = -9;
    pub(super) const SOCKET_DISCONNECT: i32 = -13;
    pub(super) const METHOD_NONE: i32 = -17;
    pub(super) const AUTHENTICATION_FAILED: i32 = -18;
    pub(super) const PUBLICKEY_UNVERIFIED: i32 = -19;
    pub(super) const CHANNEL_FAILURE: i32 = -21;
    pub(super) const CHANNEL_REQUEST_DENIED: i32 = -22;
    pub(super) const SOCKET_TIMEOUT: i32 = -30;
    pub(super) const EAGAIN: i32 = -37;
    pub(super) const SOCKET_RECV: i32 = -43;
    pub(super) const ALGO_UNSUPPORTED: i32 = -51;
}

/// How long libssh2 itself waits for an answer to what it has asked.
const LIBRARY_PATIENCE: Duration = Duration::from_secs(60);
/// What a shell says of a program that it does not find, or may not run.
const NOT_FOUND_BY_SHELL: [i32; 2] = [126, 127];
/// What commands put before what they tell people.
const REMOTE_PREFIX: &[u8] = b"remote: ";

#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The connection is gone.
    Closed,
    /// The server says nothing any more.
    Silent {
        doing: &'static str,
        waited: Duration,
    },
    /// A command says nothing, which is about that command alone.
    Unanswered {
        doing: &'static str,
        waited: Duration,
    },
    /// What listens there does not speak SSH.
    NotSsh,
    /// There is no algorithm that both sides take.
    Algorithms,
    HostKey(Distrust),
    Key(KeyFault),
    Rejected {
        login: String,
        kind: KeyKind,
        key: String,
    },
    /// The login is fine, but no command may be run.
    CommandRefused,
    /// Not even one command at a time may be run.
    NoRoom,
    /// The command ended before it had said anything of use.
    Ended(Ending),
    /// The server broke the rules of SSH.
    Broken {
        code: i32,
        said: String,
    },
    /// This host could not do its part; why, in the system's words.
    Host(String),
}

/// How a command ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending {
    pub(super) status: i32,
    /// The beginning of what it wrote for people.
    pub(super) said: Vec<u8>,
}

/// Whether libssh2 only has to wait.
pub(super) fn would_block(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(code::EAGAIN)
}

/// Whether what came in the place of a banner cannot be one.
pub(super) fn is_no_banner(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(code::BANNER_RECV)
}

/// Whether the server did not grant what was asked of a channel.
pub(super) fn is_denied(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(code::CHANNEL_REQUEST_DENIED)
}

/// Whether the server opens no further channel.
pub(super) fn is_full(error: &ssh2::Error) -> bool {
    error.code() == ErrorCode::Session(code::CHANNEL_FAILURE)
}

impl Fault {
    /// An error of this host.
    pub(super) fn of_host(error: &io::Error) -> Self {
        Self::Host(system_words(error))
    }

    /// An error of the connection itself.
    pub(super) fn of(error: &ssh2::Error) -> Self {
        let (ErrorCode::Session(code) | ErrorCode::SFTP(code)) = error.code();
        match code {
            code::SOCKET_SEND | code::SOCKET_DISCONNECT | code::SOCKET_RECV => Self::Closed,
            code::TIMEOUT | code::SOCKET_TIMEOUT => {
                Self::Silent { doing: "get an answer of", waited: LIBRARY_PATIENCE }
            }
            code::KEX_FAILURE | code::KEY_EXCHANGE_FAILURE | code::METHOD_NONE | code::ALGO_UNSUPPORTED => {
                Self::Algorithms
            }
            code => Self::Broken { code, said: shown(error.message().as_bytes()) },
        }
    }

    /// An error of signing in. Whatever is neither the server's answer nor the connection's end is about the key, and
    /// came up before anything was sent.
    pub(super) fn of_sign_in(error: &ssh2::Error, rejected: Self, unusable: KeyFault) -> Self {
        let (ErrorCode::Session(code) | ErrorCode::SFTP(code)) = error.code();
        match code {
            code::AUTHENTICATION_FAILED | code::PUBLICKEY_UNVERIFIED => rejected,
            code::SOCKET_SEND | code::SOCKET_DISCONNECT | code::SOCKET_RECV | code::TIMEOUT | code::SOCKET_TIMEOUT => {
                Self::of(error)
            }
            _ => Self::Key(unusable),
        }
    }

    /// Whether another connection may fare better, as far as this one can tell.
    pub(super) fn is_of_connection(&self) -> bool {
        match self {
            Self::Closed | Self::Silent { .. } | Self::NoRoom | Self::Broken { .. } => true,
            Self::NotSsh | Self::Algorithms | Self::HostKey(_) | Self::Key(_) | Self::Rejected { .. } => false,
            Self::Unanswered { .. } | Self::CommandRefused | Self::Ended(_) | Self::Host(_) => false,
        }
    }

    /// The same, with the words for people.
    pub(crate) fn at(&self, place: &Place) -> Failure {
        match self {
            Self::Closed => place.host_failure(FailureClass::Connect, "talk SSH with", "the connection was closed"),
            Self::Silent { doing, waited } | Self::Unanswered { doing, waited } => {
                let cause = format_args!("no answer came within {} s", waited.as_secs());
                place.host_failure(FailureClass::Timeout, doing, cause)
            }
            Self::NotSsh => place
                .host_failure(FailureClass::Protocol, "talk SSH with", "what listens there does not speak SSH")
                .with_hint("check the port in the URL: SSH is on 22 unless the server's owner says otherwise"),
            Self::Algorithms => {
                let cause = "it offers no algorithm that is still considered safe";
                place.host_failure(FailureClass::SshAlgorithms, "talk SSH with", cause)
            }
            Self::HostKey(distrust) => distrusted(place, distrust),
            Self::Key(fault) => unusable(place, *fault),
            Self::Rejected { login, kind, key } => rejected(place, login, *kind, key),
            Self::CommandRefused => {
                place.repository_failure(FailureClass::NotGit, "read", "the server runs no commands for this login")
            }
            Self::NoRoom => {
                let cause = "it opens no session on the connection";
                place.host_failure(FailureClass::ServerError, "run a command on", cause)
            }
            Self::Ended(ending) => ended(place, ending),
            Self::Broken { code, said } => {
                let cause = format_args!("{said} (libssh2 {code})");
                place.host_failure(FailureClass::Protocol, "talk SSH with", cause)
            }
            Self::Host(words) => place.host_failure(FailureClass::Internal, "talk SSH with", words),
        }
    }
}

fn distrusted(place: &Place, distrust: &Distrust) -> Failure {
    match distrust {
        Distrust::Unknown { shown } => {
            let cause = format_args!("its key is not known; it shows {shown}");
            let pin = shown.split(' ').next_back().unwrap_or_default();
            place.host_failure(FailureClass::HostKeyUnknown, "trust", cause).with_hint(format!(
                "compare the fingerprint with the one the server's owner publishes, then pin it: \
                 host_keys = [\"{pin}\"]"
            ))
        }
        Distrust::Mismatch { shown, expected } => {
            let cause = format_args!("its key has changed; it shows {shown}, expected was {}", expected.join(" or "));
            place.host_failure(FailureClass::HostKeyMismatch, "trust", cause)
        }
        Distrust::Revoked { shown } => {
            let cause = format_args!("its key is marked as revoked in known_hosts; it shows {shown}");
            place.host_failure(FailureClass::HostKeyMismatch, "trust", cause)
        }
    }
}

fn unusable(place: &Place, fault: KeyFault) -> Failure {
    let failure = place.host_failure(FailureClass::SecretUnavailable, "sign in to", fault);
    match fault {
        KeyFault::PassphraseMissing | KeyFault::PassphraseWrong => {
            failure.with_hint("check `passphrase` of the credentials")
        }
        KeyFault::Cipher => failure.with_hint("encrypt the key anew: `ssh-keygen -p -Z aes256-ctr -f FILE`"),
        KeyFault::Public | KeyFault::Putty | KeyFault::NoKey | KeyFault::Damaged | KeyFault::Unsupported => {
            failure.with_hint("check that the secret of `private_key` is the whole private key")
        }
    }
}

fn rejected(place: &Place, login: &str, kind: KeyKind, key: &str) -> Failure {
    let cause = format_args!("the key {key} was rejected for login {login}");
    let failure = place.host_failure(FailureClass::AuthRejected, "sign in to", cause);
    match (place.provider(), kind) {
        (Provider::AzureRepos, KeyKind::Ed25519 | KeyKind::Ecdsa | KeyKind::Other) => {
            failure.with_hint("use an RSA key: Azure Repos takes no other kind")
        }
        (Provider::AzureRepos, KeyKind::Rsa) => {
            failure.with_hint("add the public key to the user's SSH keys; on Azure they run out after a year")
        }
        (Provider::Git, KeyKind::Rsa) => failure.with_hint(
            "check that the server knows the public key, and for this login; if it does, use an Ed25519 or ECDSA key, \
             or have the server updated: old ones do not say which signatures of RSA keys they take",
        ),
        (Provider::Git, KeyKind::Ed25519 | KeyKind::Ecdsa | KeyKind::Other) => {
            failure.with_hint("check that the server knows the public key, and for this login")
        }
    }
}

/// The command ended without an answer: what its status means, and what it said.
fn ended(place: &Place, ending: &Ending) -> Failure {
    let said = ending.said.trim_ascii_start();
    let text = said.strip_prefix(REMOTE_PREFIX).unwrap_or(said);
    let (class, meaning) = match ending.status {
        0 => (FailureClass::Protocol, "it answers nothing"),
        status if NOT_FOUND_BY_SHELL.contains(&status) => {
            (FailureClass::NotGit, "the server does not run git-upload-pack")
        }
        _ => (FailureClass::RepositoryNotFound, "it is missing, disabled, or not to be seen with this key"),
    };
    let class = ProviderCode::at_start_of(text).and_then(ProviderCode::class).unwrap_or(class);
    let separator = if text.is_empty() { "" } else { ": " };
    let cause = format_args!("{meaning}, exit status {}{separator}{}", ending.status, shown(text));
    let failure = place.repository_failure(class, "read", cause);
    if class == FailureClass::RepositoryNotFound {
        failure.with_hint("check the repository in the URL, and that the key is known to the server and may read it")
    } else {
        failure
    }
}
