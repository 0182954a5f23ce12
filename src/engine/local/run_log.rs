//! Tells of a run's log while it is being written: from the file, which has no secrets and is bounded already.
//!
//! What is over half of the log's limit is put into the file when the run is over, and told then.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use suitesync_contract::Progress;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use crate::engine::delegate::ProgressSink;

/// Bytes told at once.
const PIECE: usize = 32 * 1024;

/// How often it is looked for more: people watch.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Tells what is in the file and what is added to it, until `written`, and then the rest.
pub(super) async fn follow(path: PathBuf, progress: &ProgressSink, written: &CancellationToken) {
    let mut file = None;
    loop {
        let is_last = written.is_cancelled();
        if file.is_none() {
            // It is not there before the run has begun, nor where it never did.
            file = File::open(&path).await.ok();
        }
        if let Some(file) = &mut file {
            tell(file, progress).await;
        }
        if is_last {
            return;
        }
        tokio::select! {
            () = written.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Tells what came since.
async fn tell(file: &mut File, progress: &ProgressSink) {
    let mut piece = vec![0; PIECE];
    loop {
        let mut filled = 0;
        while let Some(room) = piece.get_mut(filled..).filter(|room| !room.is_empty()) {
            match file.read(room).await {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) => {
                    tracing::warn!(%error, "failed to read the log of a run");
                    break;
                }
            }
        }
        let read = piece.get(..filled).unwrap_or_default();
        if read.is_empty() {
            return;
        }
        progress(Progress::Log { piece: STANDARD.encode(read), at: None });
        if filled < PIECE {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn a_log_is_told_in_pieces_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let text: Vec<u8> = (0..=255).cycle().take(PIECE * 2 + 100).collect();
        std::fs::write(&path, &text).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let progress: ProgressSink = Arc::new(move |progress| {
            let Progress::Log { piece, .. } = progress else { return };
            sink.lock().unwrap().push(STANDARD.decode(piece).unwrap());
        });
        let written = CancellationToken::new();
        written.cancel();
        follow(path, &progress, &written).await;
        let told = told.lock().unwrap();
        assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [PIECE, PIECE, 100]);
        assert_eq!(told.concat(), text);
    }
}
