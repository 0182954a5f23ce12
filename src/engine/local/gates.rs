//! How much of a delegate and of a host one task may take, so that a slow host costs its own links only.
//!
//! A poll holds one of its host's requests. A fetch holds one of its host's fetches, then a request, then one of the
//! delegate's places: always in this order, so that nobody waits for someone who waits for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use suitesync_contract::{Failure, FailureClass, Origin};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Hosts whose gates are kept while nobody is at them.
const MAX_HOSTS: usize = 1024;

#[derive(Debug)]
pub(super) struct Gates {
    capacity: u32,
    per_host: u32,
    places: Arc<Semaphore>,
    hosts: Mutex<HashMap<Origin, Arc<Host>>>,
}

#[derive(Debug)]
struct Host {
    requests: Arc<Semaphore>,
    fetches: Arc<Semaphore>,
}

/// Leave to send requests to a host, until it is dropped.
#[derive(Debug)]
pub(super) struct Leave {
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Gates {
    pub(super) fn new(capacity: u32, per_host: u32) -> Self {
        let places = Arc::new(Semaphore::new(capacity.max(1) as usize));
        Self { capacity: capacity.max(1), per_host: per_host.max(1), places, hosts: Mutex::new(HashMap::new()) }
    }

    pub(super) fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Places that are taken.
    pub(super) fn running(&self) -> u32 {
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        self.capacity.saturating_sub(free)
    }

    /// Waits until the host may be asked something.
    pub(super) async fn poll(&self, origin: &Origin, cancel: &CancellationToken) -> Result<Leave, Failure> {
        let host = self.host(origin);
        Ok(Leave { _permits: vec![enter(&host.requests, cancel).await?] })
    }

    /// Waits until something may be fetched from the host and read.
    pub(super) async fn fetch(&self, origin: &Origin, cancel: &CancellationToken) -> Result<Leave, Failure> {
        let host = self.host(origin);
        let fetch = enter(&host.fetches, cancel).await?;
        let request = enter(&host.requests, cancel).await?;
        let place = enter(&self.places, cancel).await?;
        Ok(Leave { _permits: vec![fetch, request, place] })
    }

    fn host(&self, origin: &Origin) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= MAX_HOSTS {
            hosts.retain(|_, host| Arc::strong_count(host) > 1);
        }
        let new = || {
            // One host alone never takes every place, nor all of its own requests, for its fetches.
            let fetches = (self.capacity.min(self.per_host) / 2).max(1);
            let requests = Arc::new(Semaphore::new(self.per_host as usize));
            Arc::new(Host { requests, fetches: Arc::new(Semaphore::new(fetches as usize)) })
        };
        Arc::clone(hosts.entry(origin.clone()).or_insert_with(new))
    }
}

async fn enter(gate: &Arc<Semaphore>, cancel: &CancellationToken) -> Result<OwnedSemaphorePermit, Failure> {
    let canceled = || Failure::new(FailureClass::Canceled, "canceled while it waited for its turn");
    tokio::select! {
        () = cancel.cancelled() => Err(canceled()),
        permit = Arc::clone(gate).acquire_owned() => permit.map_err(|_| canceled()),
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use suitesync_contract::Scheme;

    use super::*;

    fn origin(host: &str) -> Origin {
        Origin { scheme: Scheme::Https, host: host.to_owned(), port: 443 }
    }

    /// What a wait comes to without anything else happening.
    fn now<T>(wait: impl Future<Output = Result<T, Failure>>) -> Option<T> {
        match pin!(wait).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done.unwrap()),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_host_is_asked_no_more_than_so_many_things_at_once() {
        let (gates, cancel) = (Gates::new(4, 2), CancellationToken::new());
        let held = [now(gates.poll(&origin("a"), &cancel)), now(gates.poll(&origin("a"), &cancel))];
        assert!(held.iter().all(Option::is_some));
        assert!(now(gates.poll(&origin("a"), &cancel)).is_none());
        assert!(now(gates.poll(&origin("b"), &cancel)).is_some());
        drop(held);
        assert!(now(gates.poll(&origin("a"), &cancel)).is_some());
    }

    #[test]
    fn fetches_of_one_host_leave_places_to_others_and_requests_to_its_polls() {
        let (gates, cancel) = (Gates::new(4, 4), CancellationToken::new());
        let held = [now(gates.fetch(&origin("a"), &cancel)), now(gates.fetch(&origin("a"), &cancel))];
        assert!(held.iter().all(Option::is_some));
        assert!(now(gates.fetch(&origin("a"), &cancel)).is_none());
        assert!(now(gates.poll(&origin("a"), &cancel)).is_some());
        assert!(now(gates.fetch(&origin("b"), &cancel)).is_some());
        assert_eq!(gates.running(), 2);
    }

    #[test]
    fn polls_take_no_place() {
        let (gates, cancel) = (Gates::new(1, 4), CancellationToken::new());
        let held = now(gates.poll(&origin("a"), &cancel));
        assert!(held.is_some() && now(gates.fetch(&origin("b"), &cancel)).is_some());
    }
}
