//! Delegates that die, fall silent or are cut off, and what becomes of their tasks.

use std::time::{Duration, Instant};

use suitesync_contract::{Facts, FailureClass, Progress, RunId};
use suitesync_remote::message::Key;
use suitesync_remote::{MemberStatus, Notice};
use tokio_util::sync::CancellationToken;

use crate::support::{
    Relay, Site, begun, both_begun, both_done, bus, carry, connected, counting, eventually, gated, keeping, name,
    probe_report, run, run_report, stubborn, sync, sync_report, until,
};

fn is_lost(status: &MemberStatus) -> bool {
    matches!(status, MemberStatus::Lost(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_delegate_is_lost_after_ten_seconds_and_its_tasks_with_it() {
    let site = Site::new();
    let (executor, gate) = gated();
    let (fleet, station) = site.pair(executor).await;
    let both = both_begun(&fleet, &gate).await;
    let killed = Instant::now();
    station.kill().await;
    for carried in both {
        assert_eq!(carried.await.unwrap().unwrap_err().class, FailureClass::DelegateLost);
    }
    assert!(killed.elapsed() >= Duration::from_secs(8), "{:?}", killed.elapsed());
    until(&fleet, "dc1", is_lost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_lost_delegate_never_took_was_not_begun() {
    let site = Site::new();
    let (fleet, station) = site.pair(counting().0).await;
    station.kill().await;
    let (sink, kept) = keeping();
    let handed = fleet.carry_out(&name("dc1"), run(1, 7, 1), sink, CancellationToken::new()).await;
    assert_eq!(handed.unwrap_err().class, FailureClass::DelegateLost);
    assert_eq!(*kept.lock().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_that_is_cut_off_ends_its_runs_before_the_agent_gives_them_up() {
    let site = Site::new();
    let (relay, (executor, gate)) = (Relay::to(site.nats.port()).await, gated());
    let (fleet, _station) = site.pair_over(bus(relay.url()), executor).await;
    let running = begun(&fleet, &gate, run(1, 7, 1)).await;
    relay.stall();
    eventually("the run is stopped", || gate.canceled() == 1).await;
    assert!(!running.is_finished(), "the agent still waits");
    assert_eq!(running.await.unwrap().unwrap_err().class, FailureClass::DelegateLost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_outcome_of_a_run_that_was_given_up_is_refused() {
    let site = Site::new();
    let (relay, (executor, gate)) = (Relay::to(site.nats.port()).await, stubborn());
    let (fleet, _station) = site.pair_over(bus(relay.url()), executor).await;
    let running = begun(&fleet, &gate, run(1, 7, 1)).await;
    relay.cut();
    assert_eq!(running.await.unwrap().unwrap_err().class, FailureClass::DelegateLost);
    gate.open();
    relay.mend();
    let refused = Notice::Refused { delegate: name("dc1"), key: Key::Run { run: RunId(7), fence: 1 } };
    eventually("the outcome is refused", || site.notices.lock().unwrap().contains(&refused)).await;
    connected(&fleet, "dc1").await;
    assert_eq!(carry(&fleet, "dc1", run(2, 7, 2)).await, Ok(Facts::Run(run_report(7, 2))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_for_a_moment_costs_nothing() {
    let site = Site::new();
    let (relay, (executor, gate)) = (Relay::to(site.nats.port()).await, gated());
    let (fleet, station) = site.pair_over(bus(relay.url()), executor).await;
    let both = both_begun(&fleet, &gate).await;
    relay.cut();
    let mut state = station.station.state();
    state.wait_for(|state| matches!(state, suitesync_remote::BusState::Away(_))).await.unwrap();
    gate.open();
    relay.mend();
    both_done(both).await;
    assert_eq!(gate.begun(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_that_was_killed_never_starts_a_run_again() {
    let site = Site::new();
    let (executor, gate) = gated();
    let (fleet, station) = site.pair(executor).await;
    let running = begun(&fleet, &gate, run(1, 7, 1)).await;
    station.kill().await;
    let (executor, count) = counting();
    let _again = site.station("dc1", executor);
    assert_eq!(running.await.unwrap().unwrap_err().class, FailureClass::DelegateLost);
    connected(&fleet, "dc1").await;
    carry(&fleet, "dc1", run(2, 8, 1)).await.unwrap();
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 1);
    eventually("the journal is empty", || journaled(&site) == 0).await;
}

/// Gives the stream of answers so much room.
async fn give_room(site: &Site, bytes: i64) {
    let jetstream = async_nats::jetstream::new(async_nats::connect(site.nats.url()).await.unwrap());
    let mut config =
        jetstream.get_stream("suitesync-agent~example-answers").await.unwrap().cached_info().config.clone();
    config.max_bytes = bytes;
    jetstream.update_stream(config).await.unwrap();
    let outcome = jetstream.publish("suitesync.agent~example.answer.dc9", "garbage!".into()).await.unwrap().await;
    assert_eq!(outcome.is_ok(), bytes > 1, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_nats_has_no_room_for_is_stored_once_it_has() {
    let site = Site::new();
    let (executor, gate) = gated();
    let (fleet, station) = site.pair(executor).await;
    let syncing = begun(&fleet, &gate, sync(1, 1)).await;
    give_room(&site, 1).await;
    gate.open();
    give_room(&site, 1 << 20).await;
    assert_eq!(syncing.await.unwrap(), Ok(Facts::Sync(sync_report(0))));
    eventually("nothing is in hand", || station.station.in_hand() == 0).await;
}

/// Runs in the journal of the delegate.
fn journaled(site: &Site) -> usize {
    let files = std::fs::read_dir(site.journal("dc1")).unwrap().flatten();
    files.filter(|file| file.file_name().to_string_lossy().starts_with("run-")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_of_a_delegate_that_was_killed_is_done_by_the_next_of_its_name() {
    let site = Site::new();
    let (executor, gate) = gated();
    let (fleet, station) = site.pair(executor).await;
    let syncing = begun(&fleet, &gate, sync(1, 1)).await;
    station.kill().await;
    let (executor, count) = counting();
    let _again = site.station("dc1", executor);
    assert_eq!(syncing.await.unwrap(), Ok(Facts::Sync(sync_report(0))));
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_the_journal_is_answered_for_and_never_started() {
    let site = Site::new();
    std::fs::create_dir_all(site.journal("dc1")).unwrap();
    std::fs::write(site.journal("dc1").join("run-7-1"), "1\n").unwrap();
    let fleet = site.fleet();
    fleet.left().await;
    let ((sink, kept), (executor, count)) = (keeping(), counting());
    let _station = site.station("dc1", executor);
    let carried = fleet.carry_out(&name("dc1"), run(1, 7, 1), sink, CancellationToken::new()).await;
    assert_eq!(carried.unwrap_err().class, FailureClass::DelegateLost);
    assert!(matches!(kept.lock().unwrap().first(), Some(Progress::Started { .. })));
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_keeps_a_run_from_being_started() {
    let site = Site::new();
    let (executor, count) = counting();
    let (fleet, _station) = site.pair(executor).await;
    std::fs::remove_dir_all(site.journal("dc1")).unwrap();
    let failure = carry(&fleet, "dc1", run(1, 7, 1)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::DiskFull);
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 0);
    let facts = carry(&fleet, "dc1", crate::support::probe(2)).await;
    assert_eq!(facts, Ok(Facts::Probe(probe_report())));
}
