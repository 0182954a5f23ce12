//! The body of an answer as a stream that cannot stall, drip or go on after a cancel, whatever it comes over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use suitesync_contract::{Failure, FailureClass, Transfer};
use suitesync_reach::{Phase, Place, TimeLimits, unless_canceled};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ssh::Pieces;

/// Counts what the exchanges of one remote cost.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    requests: AtomicU64,
    received_bytes: AtomicU64,
}

/// What an answer is read for, and how long that may take.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) limits: TimeLimits,
    pub(crate) place: Arc<Place>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) cancel: CancellationToken,
}

#[derive(Debug)]
pub(crate) struct Body {
    source: Source,
    /// What came already and was given back.
    unread: Option<Bytes>,
    reading: Reading,
    window: Window,
}

#[derive(Debug)]
enum Source {
    Response(Response),
    /// What a command at the other end writes.
    Command(Pieces),
}

/// What came in the time that was spent waiting; time spent on what came is not the server's fault.
#[derive(Debug, Default)]
struct Window {
    waited: Duration,
    bytes: u64,
}

/// An error's body is only for show: what has not come by then is left.
const BEGINNING_WAIT: Duration = Duration::from_secs(5);

impl Body {
    pub(crate) fn of_response(response: Response, reading: Reading) -> Self {
        Self { source: Source::Response(response), unread: None, reading, window: Window::default() }
    }

    /// The output of a command, the first piece of which is here already.
    pub(crate) fn of_command(first: Bytes, pieces: Pieces, reading: Reading) -> Self {
        reading.meter.count_bytes(first.len() as u64);
        Self { source: Source::Command(pieces), unread: Some(first), reading, window: Window::default() }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.reading.place
    }

    /// Puts bytes back that are to be the next piece.
    pub(crate) fn unread(&mut self, bytes: Bytes) {
        self.unread = Some(bytes).filter(|bytes| !bytes.is_empty());
    }

    /// The next piece, or `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        if let Some(bytes) = self.unread.take() {
            return Ok(Some(bytes));
        }
        let start = Instant::now();
        let stall = self.reading.limits.stall;
        let place = Arc::clone(&self.reading.place);
        let read = tokio::time::timeout(stall, self.source.next(&place));
        let read = unless_canceled(&self.reading.cancel, read).await?;
        self.window.waited += start.elapsed();
        let Ok(read) = read else {
            let cause = format_args!("nothing came for {} s", stall.as_secs());
            return Err(place.host_failure(FailureClass::Timeout, "read the answer of", cause));
        };
        if let Some(piece) = read.as_ref().ok().and_then(Option::as_ref) {
            self.count(piece.len() as u64)?;
        }
        read
    }

    /// Counts what comes, and the wait for it, anew.
    pub(crate) fn begin_window(&mut self) {
        self.window = Window::default();
    }

    /// The first bytes, as many as come soon and without an error.
    pub(crate) async fn beginning(&mut self, most: usize) -> Result<Vec<u8>, Failure> {
        let end = Instant::now() + BEGINNING_WAIT;
        let mut bytes = Vec::new();
        while bytes.len() < most {
            match tokio::time::timeout_at(end, self.chunk()).await {
                Ok(Ok(Some(piece))) => bytes.extend_from_slice(&piece),
                Ok(Err(failure)) if failure.class == FailureClass::Canceled => return Err(failure),
                Ok(Ok(None) | Err(_)) | Err(_) => break,
            }
        }
        bytes.truncate(most);
        Ok(bytes)
    }

    fn count(&mut self, bytes: u64) -> Result<(), Failure> {
        let Reading { limits, place, meter, .. } = &self.reading;
        meter.count_bytes(bytes);
        self.window.bytes += bytes;
        if self.window.waited < limits.rate_window {
            return Ok(());
        }
        let window = std::mem::take(&mut self.window);
        if window.bytes >= limits.rate_bytes {
            return Ok(());
        }
        let cause = format_args!("only {} bytes came in {} s", window.bytes, limits.rate_window.as_secs());
        Err(place.host_failure(FailureClass::Timeout, "read the answer of", cause))
    }
}

impl Source {
    async fn next(&mut self, place: &Place) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Response(response) => {
                let piece = response.chunk().await;
                piece.map_err(|error| suitesync_reach::request(place, &error, Phase::Receiving))
            }
            Self::Command(pieces) => pieces.next().await.map_err(|fault| fault.at(place)),
        }
    }
}

impl Meter {
    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    fn count_bytes(&self, count: u64) {
        self.received_bytes.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Transfer {
        Transfer {
            requests: self.requests.load(Ordering::Relaxed),
            received_bytes: self.received_bytes.load(Ordering::Relaxed),
        }
    }
}
