//! Both sides together: what one lends the other can use.

use std::sync::atomic::{AtomicU32, Ordering};

use suitesync_contract::rpc::MAX_LINE;
use suitesync_contract::{DelegateName, Tags};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use super::*;
use crate::engine::delegate::Carrying;
use crate::engine::process::{Host, ServingError, serve};

/// Answers task 7 at once, and task 9 with more than a line holds; others wait until they are canceled.
#[derive(Debug)]
struct Patient {
    name: DelegateName,
    tags: Tags,
    canceled: Arc<AtomicU32>,
}

impl Delegate for Patient {
    fn name(&self) -> &DelegateName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "test"
    }

    fn work(&self) -> Vec<WorkKind> {
        vec![WorkKind::Probe]
    }

    fn status(&self) -> DelegateStatus {
        DelegateStatus::Connected
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn capacity(&self) -> u32 {
        1
    }

    fn running(&self) -> u32 {
        0
    }

    fn carry_out(&self, task: Task, progress: ProgressSink, cancel: CancellationToken) -> Carrying<'_> {
        Box::pin(async move {
            (0..100).for_each(|bytes| progress(Progress::Received { bytes }));
            if task.id == TaskId(7) {
                return Outcome { task: task.id, result: Ok(facts()) };
            }
            if task.id == TaskId(9) {
                let endless = Failure::new(FailureClass::Timeout, "x".repeat(MAX_LINE));
                return Outcome { task: task.id, result: Err(endless) };
            }
            cancel.cancelled().await;
            self.canceled.fetch_add(1, Ordering::SeqCst);
            Outcome { task: task.id, result: Err(Failure::new(FailureClass::Canceled, "stopped")) }
        })
    }
}

fn host(canceled: &Arc<AtomicU32>) -> Host {
    let canceled = Arc::clone(canceled);
    Arc::new(move |asked| {
        let (name, tags, canceled) = (asked.delegate, Tags::default(), Arc::clone(&canceled));
        Ok(Arc::new(Patient { name, tags, canceled }) as Arc<dyn Delegate>)
    })
}

/// A delegate behind a socket, and the one conversation that it is served in.
fn behind_a_socket(host: Host) -> (Fake, JoinHandle<Result<(), ServingError>>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("delegate.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let serving = tokio::spawn(async move {
        let (reader, writer) = listener.accept().await.unwrap().0.into_split();
        serve(reader, writer, host, &CancellationToken::new()).await
    });
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let delegate = ProcessDelegate::start(settings(Seat::Socket(path), Patience::default()), &tracker, stop.clone());
    (Fake { folder, delegate, tracker, stop }, serving)
}

#[tokio::test]
async fn an_outcome_that_is_too_long_fails_its_own_task_and_no_other() {
    let (fake, serving) = behind_a_socket(host(&Arc::default()));
    let (failure, other) = (fake.result(9).await.unwrap_err(), fake.result(7).await);
    assert_eq!((failure.class, other), (FailureClass::Internal, Ok(facts())));
    assert!(failure.message.contains(&format!("at most {MAX_LINE} are carried")), "{failure}");
    fake.stop.cancel();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_delegate_behind_a_socket_is_served_and_its_tasks_end_with_the_connection() {
    let canceled = Arc::new(AtomicU32::new(0));
    let (fake, serving) = behind_a_socket(host(&canceled));
    let (result, told) = fake.told(7, &CancellationToken::new()).await;
    assert_eq!((result, told.len()), (Ok(facts()), 1));
    let standing = fake.delegate.follow().unwrap();
    assert_eq!(standing.borrow().user, Some(rustix::process::getuid().as_raw()));
    let (stopped, ()) = tokio::join!(fake.result(8), async { fake.stop.cancel() });
    assert!(stopped.is_err());
    serving.await.unwrap().unwrap();
    assert!(canceled.load(Ordering::SeqCst) <= 1);
}

/// What is answered to lines.
async fn answers(lines: &[&str]) -> Vec<String> {
    let (near, far) = tokio::io::duplex(1 << 16);
    let (reader, writer) = tokio::io::split(far);
    let canceled = Arc::new(AtomicU32::new(0));
    let serving = tokio::spawn(async move { serve(reader, writer, host(&canceled), &CancellationToken::new()).await });
    let (reader, mut writer) = tokio::io::split(near);
    for line in lines {
        writer.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }
    writer.shutdown().await.unwrap();
    let mut answers = Vec::new();
    let mut heard = BufReader::new(reader).lines();
    while let Some(line) = heard.next_line().await.unwrap() {
        answers.push(line);
    }
    serving.await.unwrap().unwrap();
    answers
}

async fn check(lines: &[&str], expect: &[&str]) {
    let answers = answers(lines).await;
    assert_eq!(answers.len(), expect.len(), "{answers:?}");
    for (answer, expect) in answers.iter().zip(expect) {
        assert!(answer.contains(expect), "{answer}");
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_answered_with_an_error() {
    check(&["hello"], &["-32700"]).await;
    check(&[r#"{"jsonrpc":"2.0","id":1,"method":"dance"}"#], &["-32601"]).await;
    check(&[r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#], &["-32602"]).await;
    check(&[r#"{"jsonrpc":"2.0","method":"cancel","params":{"task":1}}"#, r#"{"jsonrpc":"2.0","id":5}"#], &[]).await;
}

#[tokio::test]
async fn what_comes_too_early_or_twice_is_refused() {
    let task =
        serde_json::to_string(&Message::request(3, "run_task", &serde_json::json!({ "task": probe(8) }))).unwrap();
    let settings = settings(Seat::Child(Vec::new()), Patience::default());
    let hello = serde_json::to_string(&Message::request(1, "initialize", &settings.initialize)).unwrap();
    check(&[&task], &["`initialize` comes first"]).await;
    check(&[&hello, &hello], &["\"protocol\":1", "it was initialized before"]).await;
    let answers = answers(&[&hello, &task, &task]).await;
    assert!(answers.iter().any(|answer| answer.contains("task 8 is under way")), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.contains("\"stopped\"")), "{answers:?}");
}
