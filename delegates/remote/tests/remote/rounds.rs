//! Tasks of each kind, there and back.

use std::sync::Arc;

use suitesync_contract::{Facts, Failure, FailureClass, Progress, RunId, Step, StepOutcome, StepReport, Work};
use suitesync_remote::{MemberStatus, ProgressSink};
use tokio_util::sync::CancellationToken;

use crate::support::{
    Site, answering, begun, carry, connected, counting, eventually, gated, keeping, name, probe, probe_report, run,
    run_report, sync, sync_report, until,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_each_kind_comes_back_with_its_facts() {
    let site = Site::new();
    let fleet = site.fleet();
    let (executor, count) = counting();
    let _station = site.station("dc.1", executor);
    connected(&fleet, "dc.1").await;
    assert_eq!(carry(&fleet, "dc.1", probe(1)).await, Ok(Facts::Probe(probe_report())));
    assert_eq!(carry(&fleet, "dc.1", sync(2, 1)).await, Ok(Facts::Sync(sync_report(0))));
    assert_eq!(carry(&fleet, "dc.1", run(3, 7, 1)).await, Ok(Facts::Run(run_report(7, 1))));
    fleet.settled(RunId(7), 1);
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_says_what_it_is_good_for() {
    let site = Site::new();
    let (fleet, _station) = site.pair(counting().0).await;
    let members = Arc::clone(&fleet.members().borrow());
    let member = members.get(&name("dc1")).unwrap();
    assert_eq!(member.tags.to_string(), "dc1, linux");
    assert_eq!((member.capacity, member.program.as_str(), member.work.len()), (4, "test 1.0", 3));
}

async fn check_length(cases: usize, at_least: usize) {
    let site = Site::new();
    let (fleet, _station) = site.pair(answering(move |_, _| Ok(Facts::Sync(sync_report(cases))))).await;
    let facts = carry(&fleet, "dc1", sync(1, 1)).await.unwrap();
    let length = serde_json::to_vec(&facts).unwrap().len();
    assert!(length >= at_least, "{length}");
    assert_eq!(facts, Facts::Sync(sync_report(cases)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_of_600_kb_comes_whole() {
    check_length(3_000, 600_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_of_5_mb_comes_whole() {
    check_length(25_000, 5_000_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_is_too_long_is_a_failure_that_says_so() {
    let site = Site::new();
    let failing = answering(|_, _| Err(Failure::new(FailureClass::Internal, "x".repeat(65 << 20))));
    let (fleet, _station) = site.pair(failing).await;
    let failure = carry(&fleet, "dc1", probe(1)).await.unwrap_err();
    assert!(failure.message.ends_with("at most 67108864 are carried"), "{}", failure.message.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_longer_than_a_message_arrives_whole() {
    let site = Site::new();
    let executor = answering(|task, _| {
        let is_whole = matches!(task.work, Work::Sync(work) if work.links.len() == 10_000);
        let failure = Failure::new(FailureClass::Internal, "not whole");
        if is_whole { Ok(Facts::Sync(sync_report(1))) } else { Err(failure) }
    });
    let (fleet, _station) = site.pair(executor).await;
    assert_eq!(carry(&fleet, "dc1", sync(1, 10_000)).await, Ok(Facts::Sync(sync_report(1))));
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_comes_in_its_order_and_a_log_with_its_places() {
    let site = Site::new();
    let started = || Progress::Started { marker: serde_json::json!({ "pid": 9 }) };
    let log = |piece: &str, at| Progress::Log { piece: piece.to_owned(), at };
    let executor = answering(move |_, progress: ProgressSink| {
        progress(started());
        // "one, " and "two" in base64.
        progress(log("b25lLCA=", None));
        progress(log("dHdv", None));
        Ok(Facts::Run(run_report(7, 1)))
    });
    let (fleet, _station) = site.pair(executor).await;
    let (sink, kept) = keeping();
    fleet.carry_out(&name("dc1"), run(1, 7, 1), sink, CancellationToken::new()).await.unwrap();
    assert_eq!(*kept.lock().unwrap(), [started(), log("b25lLCA=", Some(0)), log("dHdv", Some(5))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_a_probe_are_told_on_the_way() {
    let site = Site::new();
    let step = || StepReport { step: Step::Dns, outcome: StepOutcome::Ok, detail: String::new(), duration_ms: 1 };
    let executor = answering(move |_, progress: ProgressSink| {
        progress(Progress::Step(step()));
        Ok(Facts::Probe(probe_report()))
    });
    let (fleet, _station) = site.pair(executor).await;
    let (sink, kept) = keeping();
    let told = async {
        // What may be lost is now and then overtaken by the outcome.
        while kept.lock().unwrap().is_empty() {
            fleet.carry_out(&name("dc1"), probe(1), Arc::clone(&sink), CancellationToken::new()).await.unwrap();
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, told).await.unwrap();
    assert_eq!(kept.lock().unwrap().first(), Some(&Progress::Step(step())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_canceled_ends_on_its_delegate() {
    let site = Site::new();
    let (executor, gate) = gated();
    let (fleet, _station) = site.pair(executor).await;
    let (cancel, carrying) = (CancellationToken::new(), Arc::clone(&fleet));
    let canceled = cancel.clone();
    let task = tokio::spawn(async move { carrying.carry_out(&name("dc1"), run(1, 7, 1), keeping().0, canceled).await });
    eventually("the run is begun", || gate.begun() == 1).await;
    cancel.cancel();
    let failure = task.await.unwrap().unwrap_err();
    assert_eq!((failure.class, gate.canceled()), (FailureClass::Canceled, 1));
    assert_eq!(failure.message, "canceled by the agent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_nobody_took_is_canceled_at_once() {
    let site = Site::new();
    let fleet = site.fleet();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let failure = fleet.carry_out(&name("dc1"), run(1, 7, 1), keeping().0, cancel).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Canceled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_that_is_stopped_ends_what_it_has_and_leaves() {
    let site = Site::new();
    let (executor, gate) = gated();
    let (fleet, station) = site.pair(executor).await;
    let task = begun(&fleet, &gate, run(1, 7, 1)).await;
    station.stop.cancel();
    until(&fleet, "dc1", |status| *status == MemberStatus::Draining).await;
    gate.open();
    assert_eq!(task.await.unwrap(), Ok(Facts::Run(run_report(7, 1))));
    until(&fleet, "dc1", |status| *status == MemberStatus::Stopped).await;
    station.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_within_the_grace_goes_back_to_the_agent() {
    let site = Site::new();
    let (executor, gate) = gated();
    let (fleet, station) = site.pair(executor).await;
    let task = begun(&fleet, &gate, sync(1, 1)).await;
    station.stop().await;
    assert_eq!(task.await.unwrap().unwrap_err().class, FailureClass::DelegateLost);
    assert_eq!(gate.canceled(), 1);
}
