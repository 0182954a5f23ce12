//! The care for the mirrors of a delegate that has a folder of its own, every hour: those that no task has used for
//! long go. A mirror counts as used by each task of its repository, though most find nothing new and do not open it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use suitesync_contract::Access;
use suitesync_git::{CareError, CarePolicy, CareReport, MirrorKey, Mirrors};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Days count for mirrors.
const EVERY: Duration = Duration::from_secs(3600);

/// Looks after mirrors until it is dropped.
#[derive(Debug)]
pub(super) struct MirrorCare {
    /// Since the last round.
    used: Arc<Mutex<HashSet<MirrorKey>>>,
    _until_dropped: DropGuard,
}

impl MirrorCare {
    /// The first round is an hour away: tasks have to say first what they still use.
    pub(super) fn start(mirrors: Mirrors, keep: Duration) -> Self {
        let (used, stop) = (Arc::default(), CancellationToken::new());
        tokio::spawn(follow(mirrors, keep, Arc::clone(&used), stop.clone()));
        Self { used, _until_dropped: stop.drop_guard() }
    }

    pub(super) fn note_use(&self, access: &Access) {
        let key = MirrorKey { connection: access.connection.clone(), repository: access.url.identity().clone() };
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
    }
}

async fn follow(mirrors: Mirrors, keep: Duration, used: Arc<Mutex<HashSet<MirrorKey>>>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        let used = std::mem::take(&mut *used.lock().unwrap_or_else(PoisonError::into_inner));
        let (mirrors, stop) = (mirrors.clone(), stop.clone());
        let done = tokio::task::spawn_blocking(move || round(&mirrors, &used, keep, &stop)).await;
        match done {
            Ok(Ok(report)) => report.removed.iter().for_each(|removed| {
                tracing::info!(mirror = removed.name, bytes = removed.bytes, "a mirror that no task uses was removed");
            }),
            Ok(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "failed to look after the mirrors");
            }
            Err(_) => tracing::error!("the care for the mirrors broke off"),
        }
    }
}

fn round(
    mirrors: &Mirrors,
    used: &HashSet<MirrorKey>,
    keep: Duration,
    stop: &CancellationToken,
) -> Result<CareReport, CareError> {
    // The budget is the agent's, for its own folder.
    mirrors.care(used, &CarePolicy { keep, budget_bytes: u64::MAX }, SystemTime::now(), stop)
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use suitesync_contract::{Provider, RepoUrl};

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn key(repository: &str) -> MirrorKey {
        let url = format!("https://git.example.org/{repository}");
        let url = RepoUrl::parse(&url, Provider::Git).unwrap().repository;
        MirrorKey { connection: "contoso".parse().unwrap(), repository: url.identity().clone() }
    }

    #[test]
    fn a_mirror_goes_once_no_task_has_used_it_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let lock = |name: &str| folder.path().join(format!("{}.lock", key(name).name()));
        for (name, days) in [("used", 9), ("fresh", 6), ("unused", 8)] {
            let unused_since = FileTimes::new().set_modified(SystemTime::now() - DAY * days);
            File::create(lock(name)).unwrap().set_times(unused_since).unwrap();
        }
        let mirrors = Mirrors::new(folder.path(), "runner".parse().unwrap());
        round(&mirrors, &[key("used")].into(), DAY * 7, &CancellationToken::new()).unwrap();
        assert_eq!(["used", "fresh", "unused"].map(|name| lock(name).exists()), [true, true, false]);
    }
}
