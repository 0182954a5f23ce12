//! What the server has seen and sent: counters, the last requests, and waiting for them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HeaderValue;

/// One request as it came in. Its headers are whole, credentials too: that is what tests look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    pub method: String,
    /// Percent-decoded.
    pub path: String,
    pub query: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
}

impl RequestRecord {
    /// What a request says of itself, and what its path is taken to be.
    pub(crate) fn of(request: &Request<Incoming>, path: String) -> Self {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self {
            method: request.method().to_string(),
            path,
            query: request.uri().query().unwrap_or_default().to_owned(),
            headers: request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        }
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Counts since the start or the last reset.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) connections: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    /// Common names from the certificates of clients.
    pub(crate) clients: Vec<String>,
    by_method_and_path: HashMap<(String, String), u64>,
    last_requests: VecDeque<RequestRecord>,
}

/// The books of one server.
#[derive(Debug)]
pub(crate) struct Ledger {
    remembered_requests: usize,
    counts: Mutex<Counts>,
    changed: Condvar,
}

impl Ledger {
    pub(crate) fn new(remembered_requests: usize) -> Self {
        Self { remembered_requests, counts: Mutex::default(), changed: Condvar::new() }
    }

    pub(crate) fn request(&self, record: RequestRecord) {
        let mut counts = self.counts();
        counts.requests += 1;
        *counts.by_method_and_path.entry((record.method.clone(), record.path.clone())).or_default() += 1;
        counts.last_requests.push_back(record);
        if counts.last_requests.len() > self.remembered_requests {
            counts.last_requests.pop_front();
        }
        drop(counts);
        self.changed.notify_all();
    }

    pub(crate) fn connection(&self) {
        self.counts().connections += 1;
        self.changed.notify_all();
    }

    pub(crate) fn client(&self, name: Option<&str>) {
        self.counts().clients.extend(name.map(str::to_owned));
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.counts().bytes_sent += bytes as u64;
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.counts().bytes_received += bytes as u64;
    }

    pub(crate) fn reset(&self) {
        *self.counts() = Counts::default();
    }

    pub(crate) fn read<T>(&self, figure: impl FnOnce(&Counts) -> T) -> T {
        figure(&self.counts())
    }

    pub(crate) fn last_requests(&self) -> Vec<RequestRecord> {
        self.counts().last_requests.iter().cloned().collect()
    }

    pub(crate) fn count(&self, method: &str, path: &str) -> u64 {
        let key = (method.to_owned(), path.to_owned());
        self.counts().by_method_and_path.get(&key).copied().unwrap_or_default()
    }

    /// Waits until a figure is at least `wanted`; false when the deadline came first.
    pub(crate) fn wait_until(&self, figure: impl Fn(&Counts) -> u64, wanted: u64, deadline: Duration) -> bool {
        let short_of = |counts: &mut Counts| figure(counts) < wanted;
        let waited = self.changed.wait_timeout_while(self.counts(), deadline, short_of);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counters are whole after every statement, so a panic elsewhere leaves nothing half done.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
