//! What a delegate says of its tasks: what may be lost is said once, all else until it is stored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use suitesync_contract::{Failure, FailureClass, Outcome, Progress};
use tokio::sync::mpsc;

use super::Shared;
use crate::bus::Pauses;
use crate::message::{Content, Envelope, Key, MAX_WHOLE, Part};

/// Stores a body among the answers, over as many connections as it takes. Whether it is stored: it is not where there will
/// be no other connection.
pub(super) async fn store(shared: &Shared, key: Key, content: Content, body: Bytes) -> bool {
    let (mut line, mut pauses) = (shared.line.clone(), Pauses::default());
    while let Some(bus) = line.bus().await {
        let part = |(part, body)| (Envelope::new(key, content, part), body);
        let parts = bus.parts(&body).into_iter().map(part).collect();
        if bus.store_parts(&bus.names.answer(&shared.name), parts).await.is_ok() {
            return true;
        }
        tokio::time::sleep(pauses.next()).await;
    }
    false
}

/// An outcome as it is sent; one that is too long is a failure that says so.
pub(super) fn outcome(outcome: &Outcome) -> Bytes {
    let written = |outcome: &Outcome| serde_json::to_vec(outcome).map(Bytes::from);
    let failed =
        |message: String| Outcome { task: outcome.task, result: Err(Failure::new(FailureClass::Internal, message)) };
    let refusal = match written(outcome) {
        Ok(body) if body.len() as u64 <= MAX_WHOLE => return body,
        Ok(body) => failed(format!("the outcome has {} bytes, at most {MAX_WHOLE} are carried", body.len())),
        Err(error) => failed(format!("the outcome cannot be written: {error}")),
    };
    written(&refusal).unwrap_or_default()
}

/// Tells how far a task is, in order, until `progress` is closed.
pub(super) async fn tell(shared: &Shared, key: Key, mut progress: mpsc::UnboundedReceiver<Progress>) {
    let mut told = 0;
    while let Some(progress) = progress.recv().await {
        match progress {
            Progress::Started { .. } => keep(shared, key, &progress).await,
            Progress::Log { piece, .. } => {
                let at = Some(told);
                told += STANDARD.decode(&piece).map_or(0, |bytes| bytes.len() as u64);
                keep(shared, key, &Progress::Log { piece, at }).await;
            }
            Progress::Step(_) | Progress::Received { .. } | Progress::Read { .. } => say(shared, key, &progress).await,
        }
    }
}

async fn keep(shared: &Shared, key: Key, progress: &Progress) {
    if let Ok(body) = serde_json::to_vec(progress) {
        store(shared, key, Content::Progress, body.into()).await;
    }
}

async fn say(shared: &Shared, key: Key, progress: &Progress) {
    let (Some(bus), Ok(body)) = (shared.line.now(), serde_json::to_vec(progress)) else { return };
    let part = Part::whole(&body);
    bus.say_with(bus.names.progress(&shared.name), &Envelope::new(key, Content::Progress, part), body.into()).await;
}
