//! What a killed runner left is found and ended by a later process.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use suitesync_contract::Exit;
use suitesync_runner::{RUN_VARIABLE, RunMarker, RunProgress, Runner, sweep};

use crate::support::{Stage, is_alive, is_there, until};

/// What a runner that was killed left: a process with this mark that nobody looks after.
struct Left {
    child: Child,
    run: String,
}

impl Left {
    fn new() -> Self {
        let run = format!("left-{}-{}", std::process::id(), fastrand::u64(..));
        let child = Command::new("sleep").arg("60").env(RUN_VARIABLE, &run).process_group(0).spawn().unwrap();
        Self { child, run }
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_names_the_run_is_ended() {
    let mut left = Left::new();
    let swept = sweep(&RunMarker::new(&left.run).unwrap(), Duration::from_secs(5));
    assert_eq!(swept.stopped.len(), 1, "{swept:?}");
    assert!(left.has_ended());
}

#[test]
fn another_run_and_another_start_of_the_host_are_left_alone() {
    let mut left = Left::new();
    let marker = RunMarker::new(&left.run).unwrap();
    let other = RunMarker { run: format!("{}0", left.run), ..marker.clone() };
    let earlier = RunMarker { boot: "another".to_owned(), ..marker };
    for marker in [other, earlier] {
        assert!(sweep(&marker, Duration::ZERO).stopped.is_empty(), "{marker:?}");
    }
    assert!(!left.has_ended());
}

#[test]
fn a_number_that_another_process_has_now_is_not_enough() {
    let mut left = Left::new();
    let mut marker = RunMarker::new("no such run").unwrap();
    let pid = i32::try_from(left.child.id()).unwrap();
    marker.leader = Some(suitesync_runner::ProcessId { pid, started: 1 });
    assert!(sweep(&marker, Duration::ZERO).stopped.is_empty());
    assert!(!left.has_ended());
}

#[tokio::test]
async fn a_marker_is_read_back_as_it_was_written() {
    let stage = Stage::shell("exit 0");
    stage.run().await;
    let text = serde_json::to_string(&stage.marker()).unwrap();
    assert_eq!(serde_json::from_str::<RunMarker>(&text).unwrap(), stage.marker());
    assert!(sweep(&stage.marker(), Duration::ZERO).stopped.is_empty());
}

/// A folder of cgroup v2 that is ours for a test, where there can be one.
struct Delegated(PathBuf);

impl Delegated {
    fn new() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mount = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?;
        let folder = PathBuf::from(mount.split(' ').nth(1)?).join(format!("suitesync-test-{:x}", fastrand::u64(..)));
        fs::create_dir(&folder).ok()?;
        Some(Self(folder))
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[tokio::test]
async fn a_run_in_a_control_group_is_ended_by_it() {
    let Some(delegated) = Delegated::new() else { return };
    let mut stage =
        Stage::shell("trap '' TERM; cat /proc/self/cgroup; (env -i setsid sh -c 'echo $$ > one; sleep 60' &); exit 5");
    stage.order.delegated_control_group = Some(delegated.0.clone());
    let end = stage.run().await;
    assert_eq!(end.exit, Exit::Code(5));
    let group = stage.marker().control_group.unwrap();
    assert!(stage.log().contains(group.file_name().unwrap().to_str().unwrap()), "{}", stage.log());
    assert!(!group.exists());
}

#[tokio::test]
async fn a_sweep_finds_by_the_control_group_what_nothing_else_tells_of() {
    let Some(delegated) = Delegated::new() else { return };
    let group = delegated.0.join("run-x");
    fs::create_dir(&group).unwrap();
    let mut child = Command::new("sleep").arg("60").env_clear().spawn().unwrap();
    fs::write(group.join("cgroup.procs"), child.id().to_string()).unwrap();
    let marker = RunMarker { control_group: Some(group.clone()), ..RunMarker::new("x").unwrap() };
    sweep(&marker, Duration::ZERO);
    assert!(child.wait().unwrap().code().is_none());
    until(|| !group.exists()).await;
    assert!(!is_there(i32::try_from(child.id()).unwrap()));
}

/// Names the folder that the runner which is to be killed works in.
const KILLED_RUNNER: &str = "SUITESYNC_TEST_KILLED_RUNNER";

/// The runner that is to be killed: does nothing unless the test below starts it.
#[tokio::test]
async fn runner_to_be_killed() {
    let Some(folder) = std::env::var_os(KILLED_RUNNER).map(PathBuf::from) else { return };
    // The second leaves group, session, parent, environment, descriptors and folder behind.
    let hides = "here=$PWD; (cd / && env -i setsid setsid -f sh -c \"exec <&- >&- 2>&-; trap '' TERM; cd $here; \
        echo \\$\\$ > two.part; mv two.part two; cd /; while :; do sleep 1; done\" &)";
    let stays = "setsid sh -c 'trap \"\" TERM; echo $$ > one.part; mv one.part one; sleep 60' & sleep 60";
    let mut stage = Stage::shell(&format!("{hides}; {stays}"));
    stage.order.working_folder = folder.clone();
    let keep = |progress| {
        let RunProgress::Started(marker) = progress else { return };
        fs::write(folder.join("marker.part"), serde_json::to_string(&marker).unwrap()).unwrap();
        fs::rename(folder.join("marker.part"), folder.join("marker")).unwrap();
    };
    Runner::new().unwrap().run(stage.order.clone(), keep, &stage.cancel).await;
}

#[tokio::test]
async fn what_a_killed_runner_left_is_found_by_its_marker() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = Command::new(std::env::current_exe().unwrap());
    runner.args(["--exact", "sweeping::runner_to_be_killed"]).env(KILLED_RUNNER, folder.path());
    runner.env("TMPDIR", folder.path());
    let mut runner = runner.stdout(Stdio::null()).spawn().unwrap();
    let [marker, one, two] = ["marker", "one", "two"].map(|name| folder.path().join(name));
    until(|| marker.exists() && one.exists() && two.exists()).await;
    runner.kill().unwrap();
    runner.wait().unwrap();
    let marker: RunMarker = serde_json::from_str(&fs::read_to_string(marker).unwrap()).unwrap();
    let pid = |file| fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let pids = [pid(one), pid(two), marker.leader.unwrap().pid];
    assert!(pids.into_iter().all(is_alive), "nothing was left");
    let swept = sweep(&marker, Duration::from_millis(300));
    assert!(swept.remaining.is_empty() && !pids.into_iter().any(is_alive), "{swept:?}");
}
