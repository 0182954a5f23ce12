//! The end of a child: it is waited for, and killed with all it started once nobody wants its answer any more.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;
use tokio_util::sync::DropGuard;

use crate::tasks::Tasks;

/// Waits for a child in the background; dropping the guard, or stopping the server, kills its process group.
pub(crate) fn supervise(tasks: &Tasks, mut child: Child) -> DropGuard {
    let unwanted = tasks.part();
    let guard = unwanted.clone().drop_guard();
    tasks.track_to_the_end(async move {
        let ended = tokio::select! {
            _ = child.wait() => true,
            () = unwanted.cancelled() => false,
        };
        if !ended {
            kill_group(&child);
            // Reaped here, so that no zombie is left; there is nobody to tell of an error.
            let _ = child.wait().await;
        }
    });
    guard
}

fn kill_group(child: &Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // Fails only when the group is gone already.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}
