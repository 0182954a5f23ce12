//! A port that is no server of Git: silence, one line, garbage, or an end.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::error::LoopbackError;
use crate::ledger::Ledger;
use crate::listener::Listener;
use crate::tasks::Tasks;

/// More than any greeting of a client; the rest is read in further pieces.
const PIECE: usize = 16 * 1024;

/// What a raw server does with a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawAnswer {
    /// Nothing is ever said.
    Silence,
    /// These bytes at once, then nothing.
    Greeting(Vec<u8>),
    /// These bytes as soon as the client has said something, then the end.
    Reply(Vec<u8>),
    /// The connection ends at once.
    Close,
    /// The connection is reset at once.
    Reset,
}

impl RawAnswer {
    /// The first line of an SSH server, and nothing after it.
    pub fn ssh_banner() -> Self {
        Self::Greeting(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())
    }

    /// Bytes that are no protocol at all, at once.
    pub fn garbage() -> Self {
        Self::Greeting((0..=u8::MAX).rev().cycle().take(4096).collect())
    }

    /// Plain HTTP, as where TLS or SSH was expected.
    pub fn http() -> Self {
        let answer = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";
        Self::Reply(answer.into())
    }

    /// The alert `protocol_version` (RFC 8446, section 6): a server whose versions of TLS are all too old or too new.
    pub fn tls_version_refused() -> Self {
        Self::Reply(vec![21, 3, 1, 0, 2, 2, 70])
    }
}

/// A listener on 127.0.0.1 that does the same with every connection.
#[derive(Debug)]
pub struct RawServer {
    shared: Arc<Shared>,
    listener: Listener,
}

#[derive(Debug)]
struct Shared {
    answer: RawAnswer,
    ledger: Ledger,
    received: Mutex<Vec<u8>>,
}

impl RawServer {
    pub fn start(answer: RawAnswer) -> Result<Self, LoopbackError> {
        let shared = Arc::new(Shared { answer, ledger: Ledger::new(0), received: Mutex::default() });
        let serving = Arc::clone(&shared);
        let listener = Listener::start(0, Arc::<Tasks>::default(), move |stream| {
            serving.ledger.connection();
            serve(Arc::clone(&serving), stream)
        })?;
        Ok(Self { shared, listener })
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Connections accepted.
    pub fn connections(&self) -> u64 {
        self.shared.ledger.read(|counts| counts.connections)
    }

    /// What clients have said so far, one after the other.
    pub fn received(&self) -> Vec<u8> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Blocks until `connections()` is at least `count`; false when the deadline comes first.
    pub fn wait_for_connections(&self, count: u64, deadline: Duration) -> bool {
        self.shared.ledger.wait_until(|counts| counts.connections, count, deadline)
    }

    /// Closes every connection and returns when that is done.
    pub fn stop(self) {
        drop(self);
    }
}

/// What a client breaks is the client's affair: an error on the way is an end.
async fn serve(shared: Arc<Shared>, mut stream: TcpStream) {
    match &shared.answer {
        RawAnswer::Close => return,
        RawAnswer::Reset => {
            // If the kernel refuses, the client still sees an end.
            let _ = stream.set_zero_linger();
            return;
        }
        RawAnswer::Silence | RawAnswer::Reply(_) => {}
        RawAnswer::Greeting(bytes) => {
            let _ = stream.write_all(bytes).await;
        }
    }
    let mut piece = vec![0; PIECE];
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        let heard = piece.get(..read).unwrap_or_default();
        shared.received.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(heard);
        if let RawAnswer::Reply(bytes) = &shared.answer {
            let _ = stream.write_all(bytes).await;
            // Its end is sent first; what is unread then would turn it into a reset.
            let _ = stream.shutdown().await;
        }
    }
}
