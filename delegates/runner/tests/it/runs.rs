//! How runs end, and what they are started with.

use suitesync_contract::{Exit, StopReason};

use crate::support::{Stage, is_there};

async fn check_exit(script: &str, expect: Exit) {
    let stage = Stage::shell(script);
    let end = stage.run().await;
    assert_eq!(end.exit, expect, "{script}: {}", stage.log());
    assert!(!is_there(stage.marker().leader.unwrap().pid));
}

async fn check_not_started(command: &[&str], folder: &str, reason: &str) {
    let mut stage = Stage::command(command);
    stage.order.working_folder = stage.folder().join(folder);
    let end = stage.run().await;
    let Exit::NotStarted(told) = end.exit else { panic!("{:?}", end.exit) };
    assert!(told.contains(reason), "{told}");
}

#[tokio::test]
async fn a_run_ends_as_its_process_ends() {
    check_exit("exit 0", Exit::Code(0)).await;
    check_exit("exit 3", Exit::Code(3)).await;
    check_exit("kill -SEGV $$", Exit::Signal(11)).await;
    check_exit("sh -c 'kill -9 $PPID'; sleep 60", Exit::Signal(9)).await;
}

#[tokio::test]
async fn what_cannot_be_started_is_told_with_the_reason() {
    check_not_started(&[], "work", "the command is empty").await;
    check_not_started(&["no-such-tool"], "work", "failed to find the program \"no-such-tool\"").await;
    check_not_started(&["./work"], "", "failed to find the program").await;
    check_not_started(&["true"], "gone", "failed to enter the working folder").await;
    check_not_started(&["a\0b"], "work", "failed to").await;
}

#[tokio::test]
async fn a_run_that_is_canceled_before_it_begins_does_not_begin() {
    let stage = Stage::shell("echo > ran");
    stage.cancel.cancel();
    assert_eq!(stage.run().await.exit, Exit::Stopped(StopReason::Canceled));
    assert!(!stage.work("ran").exists());
}

#[tokio::test]
async fn a_run_has_the_environment_it_is_given_and_no_input() {
    let mut stage = Stage::shell("env | cut -d= -f1 | sort | tr '\\n' ' '; wc -c; pwd; ps -o sess= -p $$; echo $$");
    stage.order.environment.insert("STAGE".to_owned(), "qa".to_owned());
    stage.run().await;
    let log = stage.log();
    let lines: Vec<&str> = log.lines().map(str::trim).collect();
    let [first, folder, session, pid] = lines.as_slice() else { panic!("{log}") };
    assert_eq!(*first, "HOME LANG PATH PWD STAGE SUITESYNC_RUN 0");
    assert_eq!(*folder, stage.order.working_folder.canonicalize().unwrap().to_string_lossy());
    assert_eq!(session, pid);
}
