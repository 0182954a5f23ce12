//! A working folder, orders for it, and waiting for what is to be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use suitesync_runner::{Redactor, RunEnd, RunLimits, RunMarker, RunOrder, RunProgress, Runner, base_environment};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// What should be so is so within this.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A run to be: a working folder, a log beside it, and generous limits.
pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) order: RunOrder,
    pub(crate) cancel: CancellationToken,
    /// What was told on the way.
    pub(crate) progress: Mutex<Vec<RunProgress>>,
}

impl Stage {
    /// A run of a shell script.
    pub(crate) fn shell(script: &str) -> Self {
        Self::command(&["sh", "-c", script])
    }

    pub(crate) fn command(command: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let working_folder = folder.path().join("work");
        fs::create_dir(&working_folder).unwrap();
        let own: BTreeMap<String, String> = std::env::vars().filter(|(name, _)| name == "PATH").collect();
        let limits = RunLimits {
            time: Duration::from_secs(60),
            grace: Duration::from_millis(300),
            log_bytes: 1 << 20,
            disk_bytes: 1 << 30,
        };
        let order = RunOrder {
            id: format!("{}-{}", std::process::id(), folder.path().display()),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            environment: base_environment(&own, &working_folder.to_string_lossy()),
            working_folder,
            log: folder.path().join("run.log"),
            limits,
            redactor: Redactor::default(),
            delegated_control_group: None,
        };
        Self { folder, order, cancel: CancellationToken::new(), progress: Mutex::default() }
    }

    pub(crate) async fn run(&self) -> RunEnd {
        let note = |progress| self.progress.lock().unwrap().push(progress);
        Runner::new().unwrap().run(self.order.clone(), note, &self.cancel).await
    }

    /// Runs, and cancels as soon as a file is there.
    pub(crate) async fn run_and_cancel_at(&self, file: &str) -> RunEnd {
        let (end, ()) = tokio::join!(self.run(), async {
            self.wait_for(file).await;
            self.cancel.cancel();
        });
        end
    }

    pub(crate) async fn wait_for(&self, file: &str) {
        until(|| self.work(file).exists()).await;
    }

    pub(crate) fn work(&self, file: &str) -> PathBuf {
        self.order.working_folder.join(file)
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.order.log).unwrap()).into_owned()
    }

    /// The process whose number the run wrote into a file.
    pub(crate) fn pid(&self, file: &str) -> i32 {
        fs::read_to_string(self.work(file)).unwrap().trim().parse().unwrap()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn marker(&self) -> RunMarker {
        let progress = self.progress.lock().unwrap();
        let started = progress.iter().find_map(|progress| match progress {
            RunProgress::Started(marker) => Some(marker.clone()),
            RunProgress::Stopping(_) => None,
        });
        started.unwrap()
    }
}

/// Whether a process is there, and be it as a zombie.
pub(crate) fn is_there(pid: i32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Whether a process is there and has not ended.
pub(crate) fn is_alive(pid: i32) -> bool {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    line.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not come to be");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
