//! Delegates that end, hang, or do not keep to the rules.

use suitesync_contract::rpc::MAX_LINE;

use super::*;

pub(super) fn hasty() -> Patience {
    let short = Duration::from_millis(300);
    Patience { initialize: short, cancel: short, stop: short, first_retry: Duration::from_millis(10) }
}

/// Whatever happens to the delegate, its task ends as lost, and why is told.
async fn check_lost(script: &str, reason: &str) {
    let fake = Fake::with_patience(script, Patience { initialize: PATIENCE, ..hasty() });
    let failure = fake.result(7).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::DelegateLost, "{failure}");
    assert!(failure.message.contains(reason), "{failure}");
}

#[tokio::test]
async fn the_tasks_of_one_that_ends_are_lost() {
    check_lost("exit 3", "it ended with exit status 3").await;
    check_lost(&format!("{INTRODUCE} read -r task; exit 4"), "it ended with exit status 4").await;
    check_lost(&format!("{INTRODUCE} read -r task; kill -9 $$"), "it was ended by signal 9").await;
    check_lost(&format!("{INTRODUCE} read -r task; exec >&-; sleep 600"), "it closed its output").await;
}

#[tokio::test]
async fn the_tasks_of_one_that_breaks_the_rules_are_lost() {
    check_lost(&format!("{INTRODUCE} read -r task; echo hello; sleep 600"), "a line that is no message").await;
    check_lost(&format!("{INTRODUCE} read -r task; printf '{{'; exit 0"), "the last line has no end").await;
    check_lost(&format!("{INTRODUCE} read -r task; printf '\"\\377\"\\n'; sleep 600"), "a line that is no message")
        .await;
    let endless = format!("{INTRODUCE} read -r task; head -c {} /dev/zero; sleep 600", MAX_LINE + (1 << 20));
    check_lost(&endless, &format!("a line has more than {MAX_LINE} bytes")).await;
    check_lost(&format!("{INTRODUCE} read -r task; echo \"[$ANSWER]\"; sleep 600"), "a line that is no message").await;
    let old = r#"{"jsonrpc":"1.0","id":1,"result":{}}"#;
    check_lost(&format!("{INTRODUCE} read -r task; echo '{old}'; sleep 600"), "a line that is no message").await;
}

#[tokio::test]
async fn one_that_does_not_introduce_itself_well_is_lost() {
    let hello = |result: &str| format!("read -r line; echo '{{\"jsonrpc\":\"2.0\",\"id\":0,{result}}}'; sleep 600");
    for version in [0, 2, 9] {
        let result = format!(r#""result":{{"protocol":{version},"program":"x","work":[]}}"#);
        check_lost(&hello(&result), &format!("it speaks version {version} of the protocol, not 1 to 1")).await;
    }
    check_lost(&hello(r#""result":{"protocol":1}"#), "its answer to `initialize` cannot be read").await;
    check_lost(&hello(r#""error":{"code":1,"message":"not today"}"#), "it refused `initialize`: not today").await;
}

#[tokio::test]
async fn one_that_says_nothing_is_lost_in_its_time() {
    let fake = Fake::with_patience("sleep 600", hasty());
    fake.until(DelegateStatus::Lost).await;
    let lost = fake.delegate.follow().unwrap().borrow().lost.clone();
    assert_eq!(lost.unwrap().to_string(), "it did not answer `initialize` within 0 s");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told() {
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let seat = Seat::Child(vec!["/nowhere/delegate".to_owned()]);
    let delegate = ProcessDelegate::start(settings(seat, Patience::default()), &tracker, stop);
    let mut standing = delegate.follow().unwrap();
    standing.wait_for(|standing| standing.status == DelegateStatus::Lost).await.unwrap();
    let told = standing.borrow().lost.clone().unwrap();
    assert!(told.to_string().starts_with("failed to start `/nowhere/delegate`: No such file"), "{told}");
}

/// An answer that does not fit fails its own task and no other.
async fn check_answer(wrong: &str, reason: &str) {
    let fine = answer(2, 8);
    let fake = Fake::new(&format!("{INTRODUCE} read -r a; echo '{wrong}'; read -r b; echo '{fine}'; cat >/dev/null"));
    let failure = fake.result(7).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Protocol, "{failure}");
    assert!(failure.message.contains(reason), "{failure}");
    assert_eq!(fake.result(8).await, Ok(facts()));
}

#[tokio::test]
async fn an_answer_of_the_wrong_shape_harms_its_own_task_alone() {
    check_answer(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such\u001b thing"}}"#,
        "error -32601: no such thing",
    )
    .await;
    check_answer(r#"{"jsonrpc":"2.0","id":1,"result":{"outcome":true}}"#, "with what cannot be read").await;
    check_answer(r#"{"jsonrpc":"2.0","id":1,"result":null}"#, "with nothing").await;
    check_answer(&answer(1, 9), "with the outcome of task 9").await;
    let sync = r#"{"links":[],"transfer":{"requests":0,"received_bytes":0},"mirror_rebuilt":null}"#;
    let other = format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"outcome":{{"task":7,"result":{{"Ok":{{"sync":{sync}}}}}}}}}}}"#
    );
    check_answer(&other, "with facts of another kind").await;
}

#[tokio::test]
async fn one_that_does_not_obey_is_killed_with_its_group() {
    let script = format!("{INTRODUCE} trap '' TERM; read -r task; sleep 600 & echo $! >child; sleep 600");
    let fake = Fake::with_patience(&script, Patience { initialize: PATIENCE, ..hasty() });
    let (failure, child) = fake.canceled_at("child").await;
    assert_eq!(failure.class, FailureClass::DelegateLost);
    assert!(failure.message.contains("it did not end task 7"), "{failure}");
    until(|| !is_alive(child)).await;
}

#[tokio::test]
async fn one_that_was_lost_is_begun_again() {
    let fake = Fake::new(&format!(
        "if [ ! -e again ]; then : >again; exit 1; fi; {INTRODUCE} read -r task; echo \"$ANSWER\"; cat >/dev/null"
    ));
    fake.until(DelegateStatus::Connected).await;
    assert_eq!(fake.result(7).await, Ok(facts()));
}

#[tokio::test]
async fn one_that_will_not_end_is_killed_when_the_agent_stops() {
    let fake = Fake::with_patience(
        &format!("{INTRODUCE} trap '' TERM; echo $$ >process; while :; do sleep 1; done"),
        Patience { initialize: PATIENCE, ..hasty() },
    );
    let process = fake.process("process").await;
    fake.until(DelegateStatus::Connected).await;
    fake.stop.cancel();
    fake.tracker.close();
    tokio::time::timeout(PATIENCE, fake.tracker.wait()).await.unwrap();
    assert!(!is_alive(process));
}

#[tokio::test]
async fn one_that_nobody_wants_any_more_is_told_to_end() {
    let fake = Fake::new(&format!("echo $$ >process; {INTRODUCE} cat >/dev/null; : >ended; exit 0"));
    let process = fake.process("process").await;
    fake.until(DelegateStatus::Connected).await;
    let Fake { folder, delegate, tracker, stop: _stop } = fake;
    drop(delegate);
    tracker.close();
    tokio::time::timeout(PATIENCE, tracker.wait()).await.unwrap();
    assert!(!is_alive(process) && folder.path().exists());
}
