//! The beginning of a session, on its thread: the handshake, the server's key, then our own key.
//!
//! Nothing that could identify us is sent before the server's key is trusted, and exactly one key is offered: no agent,
//! no files, no password.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, sockopt};
use ssh2::{BlockDirections, MethodType};
use suitesync_reach::TimeLimits;
use tokio::sync::oneshot;

use super::fault::{Fault, is_no_banner, would_block};
use super::fingerprint::PublicKey;
use super::host_key::Expectation;
use super::identity::{Identity, KeyFault};
use super::session::{Greeting, Shared};
use super::waker::left;

/// The signatures that are made with RSA keys. SHA-1 is not among them, but libssh2 asks for nothing else where a server
/// does not say what it takes (RFC 8308, `server-sig-algs`), as OpenSSH before 7.2 does not.
const RSA_SIGNATURES: &str = "rsa-sha2-512,rsa-sha2-256";

/// Servers introduce themselves first. One that waits for us is seen to have said nothing before we did.
const INTRODUCTION: Duration = Duration::from_millis(200);
/// A connection whose other end is gone without a word is found out in half a minute.
const PROBE_AFTER: Duration = Duration::from_secs(15);
const PROBE_EVERY: Duration = Duration::from_secs(5);
const PROBES: u32 = 3;

/// What a session is begun with.
pub(super) struct Login {
    pub(super) identity: Identity,
    pub(super) expectation: Expectation,
    /// Of the server's key.
    pub(super) algorithms: String,
    pub(super) limits: TimeLimits,
    pub(super) shared: Arc<Shared>,
}

/// A connection with a session on it.
pub(super) struct Connected {
    pub(super) session: ssh2::Session,
    /// The same socket that the session has.
    pub(super) socket: OwnedFd,
}

/// The key that a server has shown.
#[derive(Debug)]
pub(super) struct Shown(pub(super) PublicKey);

impl Login {
    /// Shakes hands and judges the server's key.
    pub(super) fn greet(&self, socket: OwnedFd) -> Result<(Connected, Greeting), Fault> {
        let host = |error: std::io::Error| Fault::of_host(&error);
        let mut session = ssh2::Session::new().map_err(|error| Fault::of(&error))?;
        let kept = socket.try_clone().map_err(host)?;
        session.set_tcp_stream(socket);
        session.set_blocking(false);
        for (method, preferred) in
            [(MethodType::HostKey, self.algorithms.as_str()), (MethodType::SignAlgo, RSA_SIGNATURES)]
        {
            session.method_pref(method, preferred).map_err(|error| Fault::of(&error))?;
        }
        let connected = Connected { session: session.clone(), socket: kept };
        connected.set_up();
        self.shared.waker.wait(connected.socket.as_fd(), &BlockDirections::Inbound, INTRODUCTION).map_err(host)?;
        let mut heard = false;
        let shaken = self.until_done(&connected, self.limits.connect, "shake hands with", || {
            heard = heard || connected.has_said_something();
            session.handshake()
        });
        shaken.map_err(|error| connected.in_handshake(error, heard))?;
        let key = session.host_key().map(|(key, _)| PublicKey::new(key));
        let key = key.ok_or(Fault::Algorithms)?;
        let vouched = self.expectation.judge(&key).map_err(Fault::HostKey)?;
        Ok((connected, Greeting { shown: Shown(key), vouched }))
    }

    /// Offers the key. What is said of it on success is for people.
    pub(super) fn sign_in(&self, connected: &Connected) -> Result<String, Fault> {
        let identity = &self.identity;
        let key = identity.public_key().map_err(Fault::Key)?;
        let done = self.until_done(connected, self.limits.first_byte, "sign in to", || {
            connected.session.userauth_pubkey_memory(
                &identity.login,
                None,
                identity.private_key(),
                identity.passphrase(),
            )
        });
        let detail = format!("{} with key {key}", identity.login);
        match done {
            Ok(()) => Ok(detail),
            Err(Waited::Failed(_)) if connected.is_gone() => Err(Fault::Closed),
            Err(Waited::Failed(error)) => {
                let login = identity.login.clone();
                let rejected = Fault::Rejected { login, kind: key.kind(), key: key.to_string() };
                let unusable = identity.passphrase().map_or(KeyFault::Damaged, |_| KeyFault::PassphraseWrong);
                Err(Fault::of_sign_in(&error, rejected, unusable))
            }
            Err(Waited::Fault(fault)) => Err(fault),
        }
    }

    /// Tells who waits, and leaves the session to nobody.
    pub(super) fn refuse<T>(&self, fault: Fault, waiting: oneshot::Sender<Result<T, Fault>>) {
        self.shared.close(&fault);
        // Who gave up waiting does not want to know.
        let _ = waiting.send(Err(fault));
    }

    fn until_done<T>(
        &self,
        connected: &Connected,
        limit: Duration,
        doing: &'static str,
        mut work: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, Waited> {
        let end = Instant::now() + limit;
        loop {
            match work() {
                Ok(done) => return Ok(done),
                Err(error) if would_block(&error) => {}
                Err(error) => return Err(Waited::Failed(error)),
            }
            if self.shared.is_released() {
                return Err(Waited::Fault(Fault::Closed));
            }
            if left(end).is_zero() {
                return Err(Waited::Fault(Fault::Silent { doing, waited: limit }));
            }
            let directions = connected.session.block_directions();
            let waited = self.shared.waker.wait(connected.socket.as_fd(), &directions, left(end));
            waited.map_err(|error| Waited::Fault(Fault::of_host(&error)))?;
        }
    }
}

/// Why something was not done.
enum Waited {
    Failed(ssh2::Error),
    Fault(Fault),
}

impl Connected {
    /// Small packets go at once, and the connection is watched. Neither can be set where a proxy's bytes are carried by
    /// a pair of local sockets, and neither is needed there.
    fn set_up(&self) {
        let _ = sockopt::set_tcp_nodelay(&self.socket, true);
        let _ = sockopt::set_socket_keepalive(&self.socket, true);
        let _ = sockopt::set_tcp_keepidle(&self.socket, PROBE_AFTER);
        let _ = sockopt::set_tcp_keepintvl(&self.socket, PROBE_EVERY);
        let _ = sockopt::set_tcp_keepcnt(&self.socket, PROBES);
    }

    /// Whether something of the server waits to be read.
    fn has_said_something(&self) -> bool {
        let mut byte = [0];
        let peeked = rustix::net::recv(&self.socket, &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        peeked.is_ok_and(|(_, count)| count > 0)
    }

    /// Whether the server has closed the connection.
    fn is_gone(&self) -> bool {
        let mut waited = [PollFd::new(&self.socket, PollFlags::RDHUP)];
        poll(&mut waited, Some(&Timespec::default())).is_ok_and(|count| count > 0)
    }

    /// An error before the server has introduced itself is about what listens there.
    fn in_handshake(&self, waited: Waited, heard: bool) -> Fault {
        // libssh2 takes any line for a banner until one is.
        let banner = self.session.banner_bytes();
        if banner.is_some_and(|line| line.starts_with(b"SSH-")) {
            return match waited {
                Waited::Failed(error) => Fault::of(&error),
                Waited::Fault(fault) => fault,
            };
        }
        let heard = heard || banner.is_some();
        match waited {
            Waited::Failed(error) if heard || is_no_banner(&error) => Fault::NotSsh,
            Waited::Fault(Fault::Silent { .. }) if heard => Fault::NotSsh,
            Waited::Failed(_) => Fault::Closed,
            Waited::Fault(fault) => fault,
        }
    }
}
