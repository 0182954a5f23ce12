//! Takes up the configuration anew when its files change, or when a signal asks for it.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::control::{Control, RefusalKind, ReloadOutcome};
use crate::config::{self, Environment, Location, Watcher};

/// How long a configuration waits that could not be recorded: somebody has to make room.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Follows the files until `stop`. `asked` stands for SIGHUP. `told` hears of every reading that was asked for, and else of
/// those that found something new.
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
        let occasion = tokio::select! {
            () = stop.cancelled() => return,
            () = watcher.changed() => Occasion::Look,
            () = asked.notified() => Occasion::Wish,
            () = tokio::time::sleep(AGAIN_AFTER), if is_unrecorded => Occasion::Look,
        };
        occasion.begins(&told);
        let (location, environment) = source.clone();
        let Ok(loaded) = tokio::task::spawn_blocking(move || config::load(&location, &environment)).await else {
            tracing::error!("failed to read the configuration");
            occasion.ends(Phase::Done(ReloadOutcome::Rejected), &told);
            continue;
        };
        watcher.watch(&loaded.watched);
        match control.apply(loaded).await {
            Ok(report) => {
                is_unrecorded = false;
                occasion.ends(Phase::Done(report.outcome), &told);
            }
            Err(refusal) => {
                if !is_unrecorded {
                    tracing::error!(hint = refusal.hint, "failed to take up the configuration: {}", refusal.message);
                }
                is_unrecorded = refusal.kind == RefusalKind::Unrecorded;
                occasion.ends(Phase::Unrecorded, &told);
            }
        }
    }
}

/// Why the files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// They may have changed, or it is time to look whether they have.
    Look,
    /// Somebody asked for it, and waits for the end.
    Wish,
}

impl Occasion {
    pub fn begins(self, told: impl Fn(Phase)) {
        if self == Self::Wish {
            told(Phase::Reading);
        }
    }

    /// A look that finds nothing is no news.
    pub fn ends(self, phase: Phase, told: impl Fn(Phase)) {
        if self == Self::Wish || phase != Phase::Done(ReloadOutcome::Unchanged) {
            told(phase);
        }
    }
}

/// How far a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Reading,
    Done(ReloadOutcome),
    /// The configuration is sound and could not be recorded: the running one stays, and it is tried again.
    Unrecorded,
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn looks_that_find_nothing_are_not_told_and_wishes_always_are() {
        let check = |occasion: Occasion, outcome, expect: &[Phase]| {
            let heard = RefCell::new(Vec::new());
            let told = |phase| heard.borrow_mut().push(phase);
            occasion.begins(told);
            occasion.ends(Phase::Done(outcome), told);
            assert_eq!(heard.into_inner(), expect, "{occasion:?} {outcome:?}");
        };
        let (unchanged, applied) = (ReloadOutcome::Unchanged, ReloadOutcome::Applied);
        check(Occasion::Look, unchanged, &[]);
        check(Occasion::Look, applied, &[Phase::Done(applied)]);
        check(Occasion::Wish, unchanged, &[Phase::Reading, Phase::Done(unchanged)]);
        check(Occasion::Wish, applied, &[Phase::Reading, Phase::Done(applied)]);
    }
}
