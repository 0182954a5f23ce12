//! The life of a delegate: serve, then drain, then leave.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::hand::Lying;
use super::journal::Leftover;
use super::session::DelegateSide;
use super::{Shared, Station, carrying};
use crate::bus::follow;
use crate::message::Attendance;

/// How long tasks may take to end once they are told to: processes of runs have their own grace.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

/// How long the last announcement may take. Without it the agent finds out by itself.
const LEFT_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn serve(station: &Station, stop: CancellationToken) {
    let shared = &station.shared;
    let end = CancellationToken::new();
    answer_for_leftovers(shared);
    let life = async {
        stop.cancelled().await;
        leave(shared).await;
        end.cancel();
    };
    let following = follow(DelegateSide(Arc::clone(shared)), &station.bus, &station.end, &end);
    tokio::join!(following, life, watch_lease(shared, &end));
}

/// Runs that an earlier start took are in hand until they are answered for, so that none is begun again.
fn answer_for_leftovers(shared: &Arc<Shared>) {
    let leftovers = shared.journal.leftovers().unwrap_or_else(|error| {
        // Each of them is still never started again: its file is there.
        tracing::error!(%error, "the journal cannot be read");
        Vec::new()
    });
    for leftover in leftovers {
        let Leftover { key, sequence } = leftover;
        let lying = sequence.map(|sequence| Lying { sequence, reply: String::new() });
        if shared.take(key, lying.into_iter().collect()).is_some() {
            let shared = Arc::clone(shared);
            shared.tracker.clone().spawn(async move { carrying::bury(&shared, leftover).await });
        }
    }
}

/// Stops runs whenever the lease runs out.
async fn watch_lease(shared: &Shared, end: &CancellationToken) {
    loop {
        let run_out = async {
            shared.lease.held().await;
            shared.lease.run_out().await;
        };
        tokio::select! {
            () = end.cancelled() => return,
            () = run_out => {
                tracing::warn!("no announcement was stored for too long; runs are stopped");
                shared.hand().cut_off_runs("the delegate's lease ran out, and it ended the run");
            }
        }
    }
}

async fn leave(shared: &Shared) {
    shared.attendance.send_replace(Attendance::Draining);
    shared.news.notify_one();
    if timeout(shared.grace, empty(shared)).await.is_err() {
        shared.hand().cut_off_all("the delegate was stopped");
        if timeout(ENDED_WITHIN, empty(shared)).await.is_err() {
            tracing::warn!(in_hand = *shared.load.borrow(), "tasks did not end in time");
            return;
        }
    }
    shared.attendance.send_replace(Attendance::Gone);
    // The agent finds out by itself otherwise.
    let _ = timeout(LEFT_WITHIN, shared.announce_until(|last| last.attendance == Attendance::Gone)).await;
}

/// Waits until nothing is in hand.
async fn empty(shared: &Shared) {
    // The sender is this value's own.
    let _ = shared.load.subscribe().wait_for(|load| *load == 0).await;
}
