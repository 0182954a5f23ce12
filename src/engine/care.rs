//! The care for the agent's disk, at its start and every hour: logs of forgotten runs and mirrors that no link uses go, and
//! the budget holds.
//!
//! A mirror is in use while a link of the configuration that is not archived looks at its repository. What is done about
//! the others, and when there is too little room, is decided by `suitesync_git::Mirrors::care`.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::Utc;
use suitesync_contract::{DelegateName, LinkName};
use suitesync_git::{CareError, CarePolicy, CareReport, MirrorKey, Mirrors};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::control::Control;
use super::local::Workshop;
use super::run_logs::RunLogs;
use crate::catalog::{Catalog, CatalogError, link, run};
use crate::config::{Config, DelegateKind};
use crate::domain::event::{Event, EventName};

/// Days count for mirrors, and a disk that fills within an hour is full in the next one whatever is done.
const EVERY: Duration = Duration::from_secs(3600);

/// Why a round of care was not done.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Mirrors(#[from] CareError),
    #[error("failed to read the folder of the logs of runs")]
    Logs(#[source] std::io::Error),
    #[error("the care for the disk broke off")]
    BrokeOff(#[from] tokio::task::JoinError),
}

/// Looks after the state folder at `state_dir`, in which `workshop` works and `logs` are, until `stop`.
pub async fn follow(
    control: Control,
    workshop: Arc<Workshop>,
    logs: RunLogs,
    state_dir: PathBuf,
    stop: CancellationToken,
) {
    let mut beat = tokio::time::interval(EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut carer = Carer { catalog: control.catalog.clone(), workshop, logs, state_dir, stop, over_budget: false };
    loop {
        tokio::select! {
            () = carer.stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        let Ok(state) = control.state().await else { return };
        if let Err(error) = carer.round(&state.config).await {
            tracing::error!(error = &error as &dyn std::error::Error, "failed to look after the state folder");
        }
    }
}

struct Carer {
    catalog: Catalog,
    workshop: Arc<Workshop>,
    logs: RunLogs,
    state_dir: PathBuf,
    stop: CancellationToken,
    /// Whether it was told that the budget is too small; it is news once.
    over_budget: bool,
}

impl Carer {
    async fn round(&mut self, config: &Config) -> Result<(), RoundError> {
        let swept = self.sweep_logs().await;
        self.care_for_mirrors(config).await?;
        swept
    }

    /// Removes the logs of runs that are forgotten: whoever forgot them may have been killed before that.
    async fn sweep_logs(&self) -> Result<(), RoundError> {
        let logs = self.logs.clone();
        // Before the catalog is asked: a run is recorded before there is a log of it.
        let kept = tokio::task::spawn_blocking(move || logs.runs()).await?.map_err(RoundError::Logs)?;
        let gone = self.catalog.read(move |sql| run::unknown(sql, kept)).await?;
        let logs = self.logs.clone();
        Ok(tokio::task::spawn_blocking(move || logs.remove(&gone)).await?)
    }

    async fn care_for_mirrors(&mut self, config: &Config) -> Result<(), RoundError> {
        // They share the folder of their mirrors; others have one of their own.
        let local = config.delegates.iter().find(|delegate| delegate.kind == DelegateKind::Local);
        let Some(delegate) = local.map(|delegate| delegate.name.clone()) else { return Ok(()) };
        let archived = self.catalog.read(archived).await?;
        let wanted = wanted(config, &archived);
        let (mirrors, folder) = (self.workshop.mirrors(&delegate), self.workshop.folder_of_mirrors());
        let (state_dir, retention, stop) = (self.state_dir.clone(), config.retention, self.stop.clone());
        let cared = tokio::task::spawn_blocking(move || {
            let budget_bytes = retention.disk.saturating_sub(bytes_beside(&state_dir, &folder));
            let policy = CarePolicy { keep: retention.mirrors_keep, budget_bytes };
            Mirrors::care(&mirrors, &wanted, &policy, SystemTime::now(), &stop)
        });
        let report = cared.await??;
        let was_over = std::mem::replace(&mut self.over_budget, report.excess_bytes > 0);
        for event in events(&report, &delegate, was_over) {
            self.catalog.tell(event).await?;
        }
        Ok(())
    }
}

fn archived(sql: &rusqlite::Connection) -> Result<BTreeSet<LinkName>, CatalogError> {
    let links = link::list(sql)?.into_iter();
    Ok(links.filter(|record| record.state.is_archived()).map(|record| record.name).collect())
}

/// The mirrors that links use.
fn wanted(config: &Config, archived: &BTreeSet<LinkName>) -> HashSet<MirrorKey> {
    let links = config.links.values().filter(|link| !archived.contains(&link.name));
    let key = |link: &crate::config::LinkConfig| MirrorKey {
        connection: link.connection.clone(),
        repository: link.repository.identity().clone(),
    };
    links.map(key).collect()
}

/// The bytes of all files below a folder but those of the mirrors. Links are not followed, and what cannot be read or goes
/// meanwhile counts as nothing.
fn bytes_beside(folder: &Path, mirrors: &Path) -> u64 {
    let (mut folders, mut bytes) = (vec![folder.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() && entry.path() != mirrors => folders.push(entry.path()),
                Ok(found) if found.is_file() => bytes += found.len(),
                Ok(_) | Err(_) => {}
            }
        }
    }
    bytes
}

fn events(report: &CareReport, delegate: &DelegateName, was_over: bool) -> Vec<Event> {
    let now = Utc::now();
    let removed = report.removed.iter().map(|removed| {
        let message = format!("the mirror {} was removed: no link uses it", removed.name);
        Event::new(now, EventName::MirrorRemoved, message)
            .delegate(Some(delegate))
            .field("mirror", removed.name.as_str())
            .field("reason", removed.reason.code())
            .field("bytes", removed.bytes)
    });
    let over = (report.excess_bytes > 0 && !was_over).then(|| {
        let message = format!(
            "the mirrors that links use need {} MiB more than `disk` in [retention] leaves them; raise it",
            report.excess_bytes.div_ceil(1 << 20)
        );
        Event::new(now, EventName::MirrorOverBudget, message)
            .delegate(Some(delegate))
            .field("bytes", report.kept_bytes)
            .field("excess_bytes", report.excess_bytes)
    });
    removed.chain(over).collect()
}

#[cfg(test)]
mod tests {
    use suitesync_git::{RemovalReason, RemovedMirror};

    use super::*;
    use crate::config::{Environment, Location, load};

    const CONFIGURATION: &str = r#"
[[connection]]
name = "server"
url = "https://git.example.org/shop"

[[link]]
name = "whole"
connection = "server"
url = "https://git.example.org/shop"

[[link]]
name = "part"
connection = "server"
url = "https://git.example.org/shop"
directory = "ui"
"#;

    fn config() -> Config {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("suitesync.toml");
        std::fs::write(&main, CONFIGURATION).unwrap();
        let loaded = load(&Location::new(main), &Environment::of([("STATE_DIRECTORY", "/var/lib/suitesync")]));
        loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
    }

    #[test]
    fn a_mirror_is_wanted_while_one_link_of_its_repository_is_not_archived() {
        let config = config();
        let check = |archived: &[&str], expect: usize| {
            let archived = archived.iter().map(|name| name.parse().unwrap()).collect();
            assert_eq!(wanted(&config, &archived).len(), expect, "{archived:?}");
        };
        check(&[], 1);
        check(&["part"], 1);
        check(&["part", "whole"], 0);
    }

    #[test]
    fn what_was_removed_is_told_and_a_budget_that_is_too_small_once() {
        let removed = RemovedMirror { name: "m-0".into(), reason: RemovalReason::Budget, bytes: 7 };
        let report = CareReport { removed: vec![removed], excess_bytes: 1, ..CareReport::default() };
        let names = |was_over| {
            let events = events(&report, &"local".parse().unwrap(), was_over);
            events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(false), ["mirror.removed", "mirror.over_budget"]);
        assert_eq!(names(true), ["mirror.removed"]);
    }

    #[test]
    fn all_counts_that_lies_beside_the_mirrors() {
        let folder = tempfile::tempdir().unwrap();
        let mirrors = folder.path().join("delegate/mirrors");
        for name in ["catalog.sqlite3", "runs/1.log", "delegate/runs/local/s/1.1/log", "delegate/mirrors/shop/pack"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, [0; 100]).unwrap();
        }
        std::os::unix::fs::symlink(&mirrors, folder.path().join("link")).unwrap();
        assert_eq!(bytes_beside(folder.path(), &mirrors), 300);
    }
}
