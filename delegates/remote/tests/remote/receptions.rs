//! Delegates that an agent does not let serve: who is told of it, and how often.

use suitesync_contract::{Facts, FailureClass};
use suitesync_remote::{Fleet, FleetSettings, Notice, Refusal};

use crate::support::{PATIENCE, Serving, Site, carry, connected, counting, eventually, name, probe, probe_report};

fn notice() -> Notice {
    Notice::NotAccepted { delegate: name("stranger"), refusal: Refusal::NotAccepted }
}

/// An agent, and a delegate that it has told that it may not serve.
async fn turned_away(site: &Site) -> (Fleet, Serving) {
    let (fleet, stranger) = (site.fleet(), site.station("stranger", counting().0));
    until_told(&stranger, Some(Refusal::NotAccepted)).await;
    (fleet, stranger)
}

async fn until_told(stranger: &Serving, expect: Option<Refusal>) {
    let mut refusal = stranger.station.refusal();
    let told = refusal.wait_for(|refusal| *refusal == expect);
    tokio::time::timeout(PATIENCE, told).await.expect("the delegate is not told in time").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_that_is_not_accepted_is_told_so_and_given_nothing() {
    let site = Site::new();
    let (fleet, _stranger) = turned_away(&site).await;
    let failure = carry(&fleet, "stranger", probe(1)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::NoEligibleDelegate);
    assert!(fleet.members().borrow().is_empty());
    eventually("it is told of", || *site.notices.lock().unwrap() == [notice()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_delegate_knows_is_no_news_to_an_agent_that_is_started_again() {
    let site = Site::new();
    let (fleet, stranger) = turned_away(&site).await;
    // Its last announcement says what it knows, and is kept.
    stranger.stop().await;
    fleet.close().await;
    site.fleet().left().await;
    assert_eq!(*site.notices.lock().unwrap(), [notice()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_that_is_accepted_at_last_hears_of_it_and_serves() {
    let site = Site::new();
    let (fleet, stranger) = turned_away(&site).await;
    fleet.close().await;
    let open = FleetSettings { admission: std::sync::Arc::new(|_| None), ..site.settings() };
    let fleet = Fleet::begin(site.bus(), open);
    until_told(&stranger, None).await;
    connected(&fleet, "stranger").await;
    assert_eq!(carry(&fleet, "stranger", probe(1)).await, Ok(Facts::Probe(probe_report())));
    assert_eq!(*site.notices.lock().unwrap(), [notice()]);
}
