//! Messages that nobody of ours would send, and secrets that nobody may find.

use std::sync::atomic::Ordering;

use async_nats::HeaderMap;
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{Credentials, Facts, Failure, FailureClass, SecretRef, Task};
use suitesync_remote::message::{Content, ENVELOPE, Envelope, Key, PROTOCOL, Part};
use suitesync_remote::{Guard, Offer, Permission};

use crate::support::{
    PATIENCE, Site, access, answering, begun, carry, counting, gated, offer, probe, probe_report, run, sync,
};

/// Messages in a stream of the agent.
pub(crate) async fn stored(client: &async_nats::Client, kind: &str) -> u64 {
    let jetstream = async_nats::jetstream::new(client.clone());
    jetstream
        .get_stream(format!("suitesync-agent~example-{kind}"))
        .await
        .unwrap()
        .get_info()
        .await
        .unwrap()
        .state
        .messages
}

async fn until_empty(client: &async_nats::Client, kind: &str) {
    let emptied = async {
        while stored(client, kind).await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, emptied).await.expect("messages are left");
}

fn part() -> Part {
    Part { index: 0, count: 1, length: 8, hash: String::new() }
}

fn envelope(key: Key, content: Content, part: Part) -> String {
    serde_json::to_string(&Envelope { protocol: PROTOCOL, key, content, part }).unwrap()
}

/// Envelopes that lie, and texts that are none.
fn lies(content: Content) -> Vec<String> {
    let (run, task) = ("run-7-1".parse().unwrap(), Key::Task { epoch: 1, serial: 1 });
    vec![
        "{".to_owned(),
        "[]".to_owned(),
        "x".repeat(100_000),
        "{\"protocol\":1,\"key\":\"../../etc\",\"content\":\"task\",\"part\":{}}".to_owned(),
        envelope(task, content, Part { length: 1 << 40, ..part() }),
        envelope(task, content, Part { count: u32::MAX, index: 7, ..part() }),
        envelope(task, content, Part { index: 3, ..part() }),
        envelope(task, content, part()),
        envelope(run, content, Part { length: 1 << 40, ..part() }),
    ]
}

async fn send_lies(client: &async_nats::Client, subject: &str, content: Content) {
    client.publish(subject.to_owned(), "garbage!".into()).await.unwrap();
    for lie in lies(content) {
        let mut headers = HeaderMap::new();
        headers.insert(ENVELOPE, lie.as_str());
        client.publish_with_headers(subject.to_owned(), headers, "garbage!".into()).await.unwrap();
    }
    client.flush().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_lie_harm_no_other_task() {
    let site = Site::new();
    let (executor, gate) = gated();
    let (fleet, _station) = site.pair(executor).await;
    let probing = begun(&fleet, &gate, probe(1)).await;
    let client = async_nats::connect(site.nats.url()).await.unwrap();
    for content in [Content::Task, Content::Progress, Content::Outcome] {
        send_lies(&client, "suitesync.agent~example.answer.dc1", content).await;
    }
    gate.open();
    assert_eq!(probing.await.unwrap(), Ok(Facts::Probe(probe_report())));
    // Of a run that nobody claims yet, answers are kept for a while.
    let of_runs = 3;
    let settled = async {
        while stored(&client, "answers").await > of_runs {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.expect("answers are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_lie_are_passed_over() {
    let site = Site::new();
    let (executor, count) = counting();
    let (fleet, _station) = site.pair(executor).await;
    let client = async_nats::connect(site.nats.url()).await.unwrap();
    send_lies(&client, "suitesync.agent~example.task.dc1", Content::Outcome).await;
    send_lies(&client, "suitesync.agent~example.task.dc1", Content::Task).await;
    client.publish("suitesync.agent~example.cancel.dc1", "garbage!".into()).await.unwrap();
    client.publish("suitesync.agent~example.progress.dc1", "garbage!".into()).await.unwrap();
    assert_eq!(carry(&fleet, "dc1", probe(1)).await, Ok(Facts::Probe(probe_report())));
    assert_eq!(count.load(Ordering::SeqCst), 1);
    until_empty(&client, "tasks").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_in_another_s_name_is_passed_over() {
    let site = Site::new();
    let (fleet, _station) = site.pair(counting().0).await;
    let client = async_nats::connect(site.nats.url()).await.unwrap();
    let forged = serde_json::json!({
        "protocol": PROTOCOL, "name": "dc2", "instance": 1, "attendance": "serving", "tags": [], "capacity": 1,
        "work": [WorkKind::Run], "program": "forged", "runs": [],
    });
    for body in [forged.to_string(), "garbage!".to_owned()] {
        client.publish("suitesync.agent~example.delegate.dc9", body.into()).await.unwrap();
    }
    client.flush().await.unwrap();
    carry(&fleet, "dc1", probe(1)).await.unwrap();
    assert_eq!(fleet.members().borrow().len(), 1);
}

async fn check_protocol(task: Task, answer: Result<Facts, Failure>, expect: FailureClass) {
    let site = Site::new();
    let (fleet, _station) = site.pair(answering(move |_, _| answer.clone())).await;
    assert_eq!(carry(&fleet, "dc1", task).await.unwrap_err().class, expect);
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_of_another_kind_are_a_fault_of_the_protocol() {
    check_protocol(sync(1, 1), Ok(Facts::Probe(probe_report())), FailureClass::Protocol).await;
}

const CANARY: &str = "canary-5d0c7a1e";

/// Whether a text stands in any file below the folder.
fn holds(folder: &std::path::Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let content = std::fs::read(path).unwrap_or_default();
        content.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

fn with_secret(name: &str) -> Task {
    let password = SecretRef::Secret(name.parse().unwrap());
    let credentials = Some(Credentials::Basic { username: String::new(), password });
    Task { access: suitesync_contract::Access { credentials, ..access() }, ..probe(1) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_used_by_its_name_and_never_travels() {
    let site = Site::new();
    // As an executor that looks the secret up where it runs.
    let secrets = [("contoso-pat", CANARY)];
    let executor = answering(move |_, _| {
        assert_eq!(secrets.first().map(|(name, _)| *name), Some("contoso-pat"));
        Ok(Facts::Probe(probe_report()))
    });
    let (fleet, station) = site.pair(executor).await;
    let permission = Permission { hosts: vec!["git.example.org".parse().unwrap()], runs: false };
    let guard = Guard { secrets: [("contoso-pat".parse().unwrap(), permission)].into(), executes_runs: true };
    station.station.revise(Offer { guard, ..offer() });
    assert_eq!(carry(&fleet, "dc1", with_secret("contoso-pat")).await, Ok(Facts::Probe(probe_report())));
    let refused = carry(&fleet, "dc1", with_secret("other-pat")).await.unwrap_err();
    assert_eq!(refused.class, FailureClass::SecretUnavailable);
    // The file store keeps what was said for a while: the name is there, the value is not.
    assert!(!holds(&site.nats.store(), CANARY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_refused_where_none_are_executed() {
    let site = Site::new();
    let (executor, count) = counting();
    let (fleet, station) = site.pair(executor).await;
    station.station.revise(Offer { guard: Guard::default(), ..offer() });
    let failure = carry(&fleet, "dc1", run(1, 7, 1)).await.unwrap_err();
    assert_eq!((failure.class, count.load(Ordering::SeqCst)), (FailureClass::NoEligibleDelegate, 0));
}
