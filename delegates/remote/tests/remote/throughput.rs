//! Round trips a second, beside what the same server does without us.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::{Config, RetentionPolicy};
use futures_util::{StreamExt, stream};

use crate::support::{Site, carry, counting, probe};

/// Tasks that are carried.
const TASKS: u64 = 4_000;

/// Of them at once.
const AT_ONCE: usize = 256;

/// How much longer than a bare message a task may take that goes there and comes back: half the pace of the two messages
/// that it is made of. Without optimizations it is our own code that takes the time.
const AT_MOST: f64 = if cfg!(debug_assertions) { 16.0 } else { 4.0 };

/// Stores, pulls and acknowledges as many messages, as a task is: once, with the server's word for each step.
async fn bare(url: String) -> Duration {
    let jetstream = jetstream::new(async_nats::connect(url).await.unwrap());
    let config = Config {
        name: "bare".to_owned(),
        subjects: vec!["bare".to_owned()],
        retention: RetentionPolicy::WorkQueue,
        ..Config::default()
    };
    let stream = jetstream.create_stream(config).await.unwrap();
    let config = pull::Config { ack_policy: AckPolicy::Explicit, max_ack_pending: -1, ..pull::Config::default() };
    let messages = stream.create_consumer(config).await.unwrap().messages().await.unwrap();
    let body = bytes::Bytes::from(serde_json::to_vec(&probe(1)).unwrap());
    let begun = Instant::now();
    let stored = stream::iter(0..TASKS).for_each_concurrent(AT_ONCE, |_| async {
        jetstream.publish("bare", body.clone()).await.unwrap().await.unwrap();
    });
    let taken = messages.take(TASKS as usize).for_each_concurrent(AT_ONCE, |message| async {
        message.unwrap().double_ack().await.unwrap();
    });
    tokio::join!(stored, taken);
    begun.elapsed()
}

async fn carried(site: &Site) -> Duration {
    let (fleet, _station) = site.pair(counting().0).await;
    let begun = Instant::now();
    let tasks = stream::iter(0..TASKS).for_each_concurrent(AT_ONCE, |id| {
        let fleet = Arc::clone(&fleet);
        async move { drop(carry(&fleet, "dc1", probe(id)).await.unwrap()) }
    });
    tasks.await;
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_trip_costs_little_more_than_its_messages() {
    let site = Site::new();
    let (bare, carried) = (bare(site.nats.url()).await, carried(&site).await);
    let rate = |took: Duration| TASKS as f64 / took.as_secs_f64();
    let ratio = carried.as_secs_f64() / bare.as_secs_f64();
    println!("{:.0} round trips/s, {:.0} bare messages/s: {ratio:.2} times as long", rate(carried), rate(bare));
    assert!(ratio < AT_MOST, "{ratio}");
}
