//! Takes up the configuration anew when its files change, or when a signal asks for it.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::control::{Control, RefusalKind, ReloadOutcome};
use crate::config::{self, Environment, Location, Watcher};

/// How long a configuration waits that could not be recorded: somebody has to make room.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Follows the files until `stop`. `asked` stands for SIGHUP. `told` hears of every reading, whatever came of it.
pub async fn follow(
    control: Control,
    source: (Location, Environment),
    mut watcher: Watcher,
    asked: &Notify,
    stop: CancellationToken,
    told: impl Fn(Phase),
) {
    let mut is_unrecorded = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = watcher.changed() => {}
            () = asked.notified() => {}
            () = tokio::time::sleep(AGAIN_AFTER), if is_unrecorded => {}
        }
        told(Phase::Reading);
        let (location, environment) = source.clone();
        let Ok(loaded) = tokio::task::spawn_blocking(move || config::load(&location, &environment)).await else {
            tracing::error!("failed to read the configuration");
            told(Phase::Done(ReloadOutcome::Rejected));
            continue;
        };
        watcher.watch(&loaded.watched);
        match control.apply(loaded).await {
            Ok(report) => {
                is_unrecorded = false;
                told(Phase::Done(report.outcome));
            }
            Err(refusal) => {
                if !is_unrecorded {
                    tracing::error!("failed to take up the configuration: {}", refusal.message);
                }
                is_unrecorded = refusal.kind == RefusalKind::Unrecorded;
                told(Phase::Done(ReloadOutcome::Rejected));
            }
        }
    }
}

/// How far a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Reading,
    Done(ReloadOutcome),
}
