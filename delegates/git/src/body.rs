//! The body of an answer as a stream that cannot stall, drip or go on after a cancel.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use suitesync_contract::{Failure, FailureClass};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Meter;
use crate::cancel::unless_canceled;
use crate::classify::{self, Phase};
use crate::limits::TimeLimits;
use crate::place::Place;

#[derive(Debug)]
pub(crate) struct Body {
    response: Response,
    limits: TimeLimits,
    place: Arc<Place>,
    meter: Arc<Meter>,
    cancel: CancellationToken,
    window: Window,
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
    pub(crate) fn new(
        response: Response,
        limits: &TimeLimits,
        place: &Arc<Place>,
        meter: &Arc<Meter>,
        cancel: &CancellationToken,
    ) -> Self {
        Self {
            response,
            limits: *limits,
            place: Arc::clone(place),
            meter: Arc::clone(meter),
            cancel: cancel.clone(),
            window: Window::default(),
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The next piece, or `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let start = Instant::now();
        let read = tokio::time::timeout(self.limits.stall, self.response.chunk());
        let read = unless_canceled(&self.cancel, read).await?;
        self.window.waited += start.elapsed();
        let Ok(read) = read else {
            let cause = format_args!("nothing came for {} s", self.limits.stall.as_secs());
            return Err(self.place.host_failure(FailureClass::Timeout, "read the answer of", cause));
        };
        let piece = read.map_err(|error| classify::request(&self.place, &error, Phase::Receiving))?;
        if let Some(piece) = &piece {
            self.count(piece.len() as u64)?;
        }
        Ok(piece)
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
        self.meter.received_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.window.bytes += bytes;
        if self.window.waited < self.limits.rate_window {
            return Ok(());
        }
        let window = std::mem::take(&mut self.window);
        if window.bytes >= self.limits.rate_bytes {
            return Ok(());
        }
        let cause = format_args!("only {} bytes came in {} s", window.bytes, self.limits.rate_window.as_secs());
        Err(self.place.host_failure(FailureClass::Timeout, "read the answer of", cause))
    }
}
