//! What systemd is told: ready, reloading, stopping, and that a service is alive. Nothing where there is no systemd.

use sd_notify::NotifyState;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::engine::control::ReloadOutcome;
use crate::engine::reload::Phase;

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "failed to tell systemd");
    }
}

pub(super) fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("running")]);
}

pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("ending what is under way")]);
}

/// A reload ends with READY, whatever came of it; the status line says what.
pub(super) fn reloading(phase: Phase) {
    match phase {
        Phase::Reading => match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(_) => tell(&[NotifyState::Reloading]),
        },
        Phase::Done(ReloadOutcome::Applied | ReloadOutcome::Unchanged) => ready(),
        Phase::Done(ReloadOutcome::Rejected) => {
            ready_but("the configuration on disk is faulty; the last good one runs");
        }
        Phase::Unrecorded => ready_but("the configuration on disk could not be recorded; the last one runs"),
    }
}

fn ready_but(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Shows how things stand.
pub(super) fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// Feeds systemd's watchdog as long as what does the work answers.
pub(super) fn spawn_watchdog<A: Future<Output = bool> + Send>(
    stop: CancellationToken,
    is_alive: impl Fn() -> A + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let Some(limit) = sd_notify::watchdog_enabled() else {
            return;
        };
        let mut beat = tokio::time::interval(limit / 2);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = beat.tick() => {}
            }
            if is_alive().await {
                tell(&[NotifyState::Watchdog]);
            }
        }
    })
}
