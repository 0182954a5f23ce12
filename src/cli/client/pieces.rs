//! The bytes of an answer, piece by piece as they come in.

use std::path::PathBuf;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::task::JoinSet;

use super::Answer;
use crate::cli::fault::Fault;

#[derive(Debug)]
pub(in crate::cli) struct Pieces {
    socket: PathBuf,
    body: Incoming,
    /// Drives the connection; ends with this.
    _driver: JoinSet<()>,
}

impl Pieces {
    pub(super) fn of(answer: Answer) -> Self {
        let Answer { socket, response, driver } = answer;
        Self { socket, body: response.into_body(), _driver: driver }
    }

    /// The next piece; nothing after the last.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|source| Fault::BrokenOff { socket: self.socket.clone(), source })?;
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}
