//! Takes what a run prints from its pipe to its log, at the pace of the disk and never slower.

use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio_util::sync::CancellationToken;

use crate::log::{LogFile, LogSummary};

/// Bytes taken at once: what a pipe holds.
const PIECE: usize = 64 * 1024;

/// The pipe, ready to be waited for.
pub(super) fn receive(pipe: PipeReader) -> io::Result<Receiver> {
    Receiver::from_owned_fd(OwnedFd::from(pipe))
}

/// Takes all until nobody holds the other end, or until `stop`.
pub(super) async fn take(mut pipe: Receiver, log: LogFile, stop: CancellationToken) -> LogSummary {
    let mut present = (log, vec![0; PIECE]);
    loop {
        let count = tokio::select! {
            biased;
            count = pipe.read(&mut present.1) => count.unwrap_or_default(),
            () = stop.cancelled() => 0,
        };
        if count == 0 {
            break;
        }
        // The disk may be slow: others shall not wait for it.
        let written = tokio::task::spawn_blocking(move || {
            present.0.write(present.1.get(..count).unwrap_or_default());
            present
        });
        match written.await {
            Ok(again) => present = again,
            Err(error) => return lost(&error),
        }
    }
    match tokio::task::spawn_blocking(move || present.0.finish()).await {
        Ok(summary) => summary,
        Err(error) => lost(&error),
    }
}

/// The runtime ends before the run does.
fn lost(error: &tokio::task::JoinError) -> LogSummary {
    LogSummary { fault: Some(error.to_string()), ..LogSummary::default() }
}
