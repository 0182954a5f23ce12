//! Whatever a run does to stay, nothing of it does.

use std::time::{Duration, Instant};

use suitesync_contract::{Exit, StopReason};
use suitesync_runner::{RunProgress, StopSignal};

use crate::support::{Stage, is_there, until};

/// Writes the number of a new process that stays: `$1` names the file.
const STAYS: &str = "echo $$ > $1.part; mv $1.part $1; while :; do sleep 1; done";

/// Cancels a run when all of these files are there, and checks that the processes in them are gone.
async fn check_gone(script: &str, files: &[&str]) {
    let stage = Stage::shell(&format!("stays='{STAYS}'\n{script}\n"));
    let (end, ()) = tokio::join!(stage.run(), async {
        for file in files {
            stage.wait_for(file).await;
        }
        stage.cancel.cancel();
    });
    assert_eq!(end.exit, Exit::Stopped(StopReason::Canceled), "{script}: {}", stage.log());
    assert!(end.swept.remaining.is_empty(), "{script}: {:?}", end.swept);
    for file in files {
        assert!(!is_there(stage.pid(file)), "{script}: {file} stays");
    }
}

#[tokio::test]
async fn what_ignores_sigterm_is_killed_after_the_grace_time() {
    check_gone("trap '' TERM; sh -c \"$stays\" x child & exec sh -c \"$stays\" x leader", &["child", "leader"]).await;
}

#[tokio::test]
async fn what_leaves_the_group_or_the_session_is_killed() {
    check_gone("setsid sh -c \"$stays\" x one; wait", &["one"]).await;
    check_gone("setsid sh -c \"$stays\" x one & sh -c \"$stays\" x two", &["one", "two"]).await;
    check_gone(
        "(setsid sh -c \"$stays\" x one &) ; (setsid setsid -f sh -c \"$stays\" x two) ; sleep 60",
        &["one", "two"],
    )
    .await;
}

#[tokio::test]
async fn a_daemon_that_also_clears_its_environment_is_killed() {
    check_gone("trap '' TERM; (env -i setsid -f sh -c \"$stays\" x one &); sleep 60", &["one"]).await;
}

/// Leaves group, session, parent, environment, descriptors and folder behind. `$here/$1` names its file.
const HIDES: &str = "here=$PWD; (cd / && env -i setsid setsid -f sh -c \"exec <&- >&- 2>&-; cd $here; \
    echo \\$\\$ > hidden.part; mv hidden.part hidden; cd /; trap '' TERM; while :; do sleep 1; done\" &)";

#[tokio::test]
async fn a_daemon_that_leaves_everything_behind_is_killed_and_a_run_beside_it_is_not() {
    let (hiding, other) = (Stage::shell(&format!("{HIDES}; sleep 60")), Stage::shell("echo > ready; sleep 60"));
    let ends = async {
        hiding.wait_for("hidden").await;
        other.wait_for("ready").await;
        hiding.cancel.cancel();
    };
    let first = async {
        let (end, ()) = tokio::join!(hiding.run(), ends);
        assert!(end.swept.remaining.is_empty() && !is_there(hiding.pid("hidden")), "{:?}", end.swept);
        assert!(is_there(other.marker().leader.unwrap().pid));
        other.cancel.cancel();
    };
    let ((), other_end) = tokio::join!(first, other.run());
    assert_eq!(other_end.exit, Exit::Stopped(StopReason::Canceled));
}

#[tokio::test]
async fn what_is_stopped_is_ended() {
    check_gone("sh -c \"$stays\" x one & while ! test -e one; do :; done; kill -STOP $!; sleep 60", &["one"]).await;
}

#[tokio::test]
async fn a_group_that_has_stopped_itself_is_ended() {
    let deaf = "trap '' TERM CONT TSTP";
    check_gone(
        &format!("{deaf}; sh -c \"$stays\" x one & while ! test -e one; do :; done; echo $$ > two; kill -STOP 0"),
        &["one", "two"],
    )
    .await;
    let daemon = "setsid sh -c 'echo $$ > one; kill -STOP 0' & echo $$ > two; kill -STOP $$";
    check_gone(&format!("{deaf}; {daemon}"), &["one", "two"]).await;
}

#[tokio::test]
async fn daemons_that_a_run_leaves_behind_go_with_it() {
    let stage = Stage::shell(&format!(
        "stays='{STAYS}'; setsid -f sh -c \"trap '' TERM; $stays\" x one; while ! test -e one; do :; done; exit 3"
    ));
    let end = stage.run().await;
    assert_eq!(end.exit, Exit::Code(3));
    assert!(!is_there(stage.pid("one")));
    assert!(end.swept.stopped.iter().any(|process| process.by == StopSignal::Kill), "{:?}", end.swept);
}

#[tokio::test]
async fn what_ends_on_sigterm_has_its_grace_time() {
    let mut stage =
        Stage::shell("trap 'echo cleaned > cleaned; exit 0' TERM; echo > ready; while :; do sleep 0.05; done");
    stage.order.limits.grace = Duration::from_secs(20);
    let began = Instant::now();
    let end = stage.run_and_cancel_at("ready").await;
    assert!(stage.work("cleaned").exists());
    assert!(began.elapsed() < stage.order.limits.grace);
    assert!(end.swept.stopped.iter().all(|process| process.by == StopSignal::Term), "{:?}", end.swept);
}

#[tokio::test]
async fn a_run_past_its_time_is_stopped() {
    let mut stage = Stage::shell("echo begun; sleep 60");
    stage.order.limits.time = Duration::from_millis(200);
    assert_eq!(stage.run().await.exit, Exit::Stopped(StopReason::TimeLimit));
    assert_eq!(stage.progress.lock().unwrap().last(), Some(&RunProgress::Stopping(StopReason::TimeLimit)));
    assert_eq!(stage.log(), "begun\n");
}

#[tokio::test]
async fn a_run_that_fills_the_disk_is_stopped() {
    let mut stage = Stage::shell("for i in $(seq 200); do head -c 1000000 /dev/zero > file.$i; done; sleep 60");
    stage.order.limits.disk_bytes = 20_000_000;
    assert_eq!(stage.run().await.exit, Exit::Stopped(StopReason::DiskBudget));
}

#[tokio::test]
async fn a_run_that_is_dropped_is_ended_all_the_same() {
    let stage = Stage::shell(&format!("stays='{STAYS}'; setsid -f sh -c \"$stays\" x one; sh -c \"$stays\" x two"));
    tokio::select! {
        _ = stage.run() => panic!("it ended by itself"),
        () = async {
            stage.wait_for("one").await;
            stage.wait_for("two").await;
        } => {}
    }
    let leader = stage.marker().leader.unwrap().pid;
    until(|| [stage.pid("one"), stage.pid("two"), leader].into_iter().all(|pid| !is_there(pid))).await;
}

#[tokio::test]
async fn a_run_leaves_another_alone() {
    let (first, second) = (Stage::shell("echo > ready; setsid sh -c 'sleep 60'"), Stage::shell("sleep 0.5; exit 4"));
    let (first_end, second_end) = tokio::join!(first.run_and_cancel_at("ready"), second.run());
    assert_eq!(first_end.exit, Exit::Stopped(StopReason::Canceled));
    assert_eq!((second_end.exit, second_end.swept.stopped), (Exit::Code(4), Vec::new()));
}
