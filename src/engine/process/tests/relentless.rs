//! Delegates that hang, that say too much, and that leave something behind.

use super::misbehaving::hasty;
use super::*;

/// A task whose time is over soon, in the hands of a delegate that never ends it.
async fn check_found_hung(script: &str) {
    let fake = Fake::with_patience(script, Patience { initialize: PATIENCE, ..hasty() });
    fake.until(DelegateStatus::Connected).await;
    let short = Task { time_limit_ms: 200, ..probe(7) };
    let failure = fake.told_of(short, &CancellationToken::new()).await.0.unwrap_err();
    assert_eq!(failure.class, FailureClass::DelegateLost, "{failure}");
    assert!(failure.message.contains("it did not end task 7 within 0 s after it was told to"), "{failure}");
}

#[tokio::test]
async fn one_that_hangs_is_found_when_the_time_of_its_task_is_over() {
    check_found_hung(&format!("{INTRODUCE} read -r task; kill -STOP $$")).await;
    check_found_hung(&format!("{INTRODUCE} read -r task; printf '{{\"jsonrpc\":'; sleep 600")).await;
}

#[tokio::test]
async fn one_that_closes_its_input_is_lost_with_the_next_task() {
    let fake = Fake::new(&format!("{INTRODUCE} exec <&-; : >closed; sleep 600"));
    until(|| fake.folder.path().join("closed").exists()).await;
    fake.until(DelegateStatus::Connected).await;
    let failure = fake.result(7).await.unwrap_err();
    assert!(failure.message.contains("it reads no more"), "{failure}");
}

#[tokio::test]
async fn one_that_hangs_is_found_when_a_task_is_canceled() {
    let script = format!("{INTRODUCE} read -r task; echo $$ >process; kill -STOP $$");
    let fake = Fake::with_patience(&script, Patience { initialize: PATIENCE, ..hasty() });
    let (failure, process) = fake.canceled_at("process").await;
    assert!(failure.message.contains("it did not end task 7"), "{failure}");
    until(|| !is_alive(process)).await;
}

#[tokio::test]
async fn one_that_hangs_before_it_introduces_itself_is_lost_and_killed() {
    let fake = Fake::with_patience("echo $$ >process; kill -STOP $$", hasty());
    let process = fake.process("process").await;
    fake.until(DelegateStatus::Lost).await;
    until(|| !is_alive(process)).await;
}

#[tokio::test]
async fn one_that_hangs_is_killed_when_the_agent_stops() {
    let script = format!("{INTRODUCE} echo $$ >process; kill -STOP $$");
    let fake = Fake::with_patience(&script, Patience { initialize: PATIENCE, ..hasty() });
    let process = fake.process("process").await;
    fake.stop.cancel();
    fake.tracker.close();
    tokio::time::timeout(PATIENCE, fake.tracker.wait()).await.unwrap();
    assert!(!is_alive(process));
}

#[tokio::test]
async fn one_that_ends_is_lost_though_what_it_left_behind_holds_its_output() {
    let script = format!("{INTRODUCE} read -r task; sleep 600 & echo $! >child; exit 3");
    let fake = Fake::new(&script);
    let failure = fake.result(7).await.unwrap_err();
    assert!(failure.message.contains("it ended with exit status 3"), "{failure}");
    let child = fake.process("child").await;
    until(|| !is_alive(child)).await;
}

#[tokio::test]
async fn what_one_says_before_it_ends_is_heard() {
    let fake = Fake::new(&format!("{INTRODUCE} read -r task; echo \"$ANSWER\"; exit 0"));
    assert_eq!(fake.result(7).await, Ok(facts()));
}

#[tokio::test]
async fn an_answer_that_comes_twice_is_passed_over() {
    let fine = answer(2, 8);
    let script =
        format!("{INTRODUCE} read -r a; echo \"$ANSWER\"; echo \"$ANSWER\"; read -r b; echo '{fine}'; cat >/dev/null");
    let fake = Fake::new(&script);
    assert_eq!((fake.result(7).await, fake.result(8).await), (Ok(facts()), Ok(facts())));
}

/// Whatever comes before the answer, and however much of it, the answer is heard.
async fn check_heard(line: &str, expect: usize) {
    let flood = format!("yes '{line}' | head -n 20000");
    let fake = Fake::new(&format!("{INTRODUCE} read -r task; {flood}; echo \"$ANSWER\"; cat >/dev/null"));
    let (result, told) = fake.told(7, &CancellationToken::new()).await;
    assert_eq!((result, told.len()), (Ok(facts()), expect));
}

#[tokio::test]
async fn a_flood_is_gone_through() {
    check_heard(
        r#"{"jsonrpc":"2.0","method":"progress","params":{"task":7,"progress":{"received":{"bytes":1}}}}"#,
        20_000,
    )
    .await;
    check_heard(r#"{"jsonrpc":"2.0","id":99,"result":{}}"#, 0).await;
}

#[tokio::test]
async fn one_that_asks_without_end_is_answered_a_hundred_times() {
    let question = r#"{"jsonrpc":"2.0","id":5,"method":"who_are_you"}"#;
    let flood = format!("yes '{question}' | head -n 20000");
    let fake = Fake::new(&format!("{INTRODUCE} read -r task; {flood}; echo \"$ANSWER\"; cat >heard; exit 0"));
    assert_eq!(fake.result(7).await, Ok(facts()));
    fake.stop.cancel();
    fake.tracker.close();
    tokio::time::timeout(PATIENCE, fake.tracker.wait()).await.unwrap();
    let heard = std::fs::read_to_string(fake.folder.path().join("heard")).unwrap();
    assert_eq!(heard.lines().filter(|line| line.contains("the agent answers no `who_are_you`")).count(), 100);
}
