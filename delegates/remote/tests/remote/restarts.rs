//! NATS that is started again, and an agent that is.

use std::sync::Arc;

use suitesync_contract::{Facts, FailureClass, RunId};
use suitesync_remote::Resumption;
use tokio_util::sync::CancellationToken;

use crate::hostile::stored;
use crate::support::{
    PATIENCE, Site, begin, begun, both_begun, both_done, carry, connected, counting, eventually, gated, keeping, name,
    probe, probe_report, run, run_report,
};

fn resumption() -> Resumption {
    Resumption { delegate: name("dc1"), run: RunId(7), fence: 1 }
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_that_is_started_again_costs_no_task() {
    let mut site = Site::new();
    let (executor, gate) = gated();
    let (fleet, _station) = site.pair(executor).await;
    let both = both_begun(&fleet, &gate).await;
    site.nats.kill();
    gate.open();
    site.nats.begin().unwrap();
    both_done(both).await;
    assert_eq!(carry(&fleet, "dc1", probe(3)).await, Ok(Facts::Probe(probe_report())));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_begins_without_nats_and_its_tasks_wait() {
    let mut site = Site::new();
    site.nats.kill();
    let fleet = Arc::new(site.fleet());
    let probing = begin(&fleet, probe(1));
    let (executor, _) = counting();
    let _station = site.station("dc1", executor);
    let mut state = fleet.state();
    state.wait_for(|state| matches!(state, suitesync_remote::BusState::Away(_))).await.unwrap();
    site.nats.begin().unwrap();
    assert_eq!(probing.await.unwrap(), Ok(Facts::Probe(probe_report())));
}

/// A run that was begun, and an agent that has gone since.
async fn left_behind(site: &Site) -> (crate::support::Serving, crate::support::Gate) {
    let (executor, gate) = gated();
    let (fleet, station) = site.pair(executor).await;
    let running = begun(&fleet, &gate, run(1, 7, 1)).await;
    running.abort();
    let _ = running.await;
    Arc::into_inner(fleet).unwrap().close().await;
    (station, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_started_again_goes_on_waiting_for_a_run() {
    let site = Site::new();
    let (_station, gate) = left_behind(&site).await;
    let fleet = site.fleet();
    assert_eq!(fleet.left().await, [resumption()]);
    let resumed = fleet.resume(resumption(), keeping().0, CancellationToken::new());
    let opened = async { gate.open() };
    let (resumed, ()) = tokio::join!(resumed, opened);
    assert_eq!(resumed, Ok(Facts::Run(run_report(7, 1))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_waits_for_the_agent_until_it_is_settled() {
    let site = Site::new();
    let (station, gate) = left_behind(&site).await;
    gate.open();
    eventually("the outcome is stored", || station.station.in_hand() == 0).await;
    // Its last announcement, in which the run is no longer in hand, is stored with this.
    station.stop().await;
    for _ in 0..2 {
        // Not settled: the next start has it again.
        let fleet = site.fleet();
        let resumed = fleet.resume(resumption(), keeping().0, CancellationToken::new()).await;
        assert_eq!(resumed, Ok(Facts::Run(run_report(7, 1))));
        fleet.close().await;
    }
    let fleet = site.fleet();
    fleet.resume(resumption(), keeping().0, CancellationToken::new()).await.unwrap();
    fleet.settled(RunId(7), 1);
    fleet.close().await;
    assert_eq!(site.fleet().left().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_its_delegate_no_longer_has_is_lost() {
    let site = Site::new();
    let (fleet, _station) = site.pair(counting().0).await;
    let failure = fleet.resume(resumption(), keeping().0, CancellationToken::new()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::DelegateLost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_an_earlier_start_began_is_not_begun_again() {
    let site = Site::new();
    let (_station, gate) = left_behind(&site).await;
    let fleet = site.fleet();
    let failure = carry(&fleet, "dc1", run(2, 7, 2)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::DelegateLost);
    eventually("the first is canceled", || gate.canceled() == 1).await;
    assert_eq!(gate.begun(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_nobody_took_are_gone_with_the_agent() {
    let site = Site::new();
    let fleet = Arc::new(site.fleet());
    fleet.left().await;
    let handing = begin(&fleet, run(1, 7, 1));
    let client = async_nats::connect(site.nats.url()).await.unwrap();
    let handed = async {
        while stored(&client, "tasks").await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, handed).await.unwrap();
    handing.abort();
    let _ = handing.await;
    Arc::into_inner(fleet).unwrap().close().await;
    let (fleet, (executor, count)) = (site.fleet(), counting());
    fleet.left().await;
    let _station = site.station("dc1", executor);
    connected(&fleet, "dc1").await;
    carry(&fleet, "dc1", run(2, 7, 2)).await.unwrap();
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 1);
}
