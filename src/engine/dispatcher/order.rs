//! An order from its placing to its end: carried out in its time, and apart from everything else should it fail badly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use suitesync_contract::{
    Access, ConnectionName, DelegateName, Failure, FailureClass, Outcome, Progress, RunId, Tags, Task, Work,
};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::domain::attempt::{self, Attempt, Server};
use crate::domain::selection::Wanted;
use crate::engine::delegate::{Delegate, ProgressSink};
use crate::engine::tasks::host_secret;

/// How long a delegate may take to end once its time is over, before its answer is no longer waited for: a run's processes
/// have their own grace, and then have to be found.
const END_GRACE: Duration = Duration::from_secs(30);

/// A task with what placing it needs.
pub(crate) struct Order {
    pub(crate) task: Task,
    pub(crate) wanted: Wanted,
    cancel: CancellationToken,
    progress: ProgressSink,
    attempt: u32,
    /// Whether the command of a run was started.
    begun: Arc<AtomicBool>,
    /// How it ended with the last one that could not connect.
    failed: Option<Attempted>,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub(crate) struct Attempted {
    pub(super) delegate: DelegateName,
    outcome: Outcome,
    duration: Duration,
}

/// A task that ended, or could not begin.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) task: Task,
    pub(crate) delegate: Option<DelegateName>,
    pub(crate) outcome: Outcome,
    pub(crate) duration: Duration,
}

/// A delegate came back with an order.
pub(crate) struct Returned {
    pub(super) order: Order,
    pub(super) ended: Attempted,
    pub(super) attempt: Attempt,
}

/// A task that another delegate is to try.
#[derive(Debug)]
pub(crate) struct Reassigned {
    pub(crate) connection: ConnectionName,
    pub(crate) run: Option<RunId>,
    pub(crate) from: DelegateName,
    /// Nobody yet: it waits.
    pub(crate) to: Option<DelegateName>,
    /// Which attempt the next one is, from 1.
    pub(crate) attempt: u32,
    pub(crate) failure: Failure,
}

impl Order {
    pub(crate) fn new(task: Task, tags: Tags, cancel: CancellationToken, progress: ProgressSink) -> Self {
        let wanted = wanted(&task, tags);
        Self { task, wanted, cancel, progress, attempt: 1, begun: Arc::default(), failed: None }
    }

    /// The same run handed out anew: what comes of an earlier handing out no longer counts.
    pub(crate) fn with_fence(mut self, fence: u64) -> Self {
        if let Work::Run(run) = &mut self.task.work {
            run.fence = fence;
        }
        self
    }

    pub(crate) fn is_canceled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Ends it as canceled, whatever was tried before.
    pub(crate) fn canceled(self) -> Ended {
        Ended::unplaced(self.task, canceled())
    }

    /// Whether an attempt at it could not connect.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Ends it with the last attempt, after which nobody is left to try.
    pub(super) fn end_as_failed(self) -> Ended {
        let nobody = Failure::new(FailureClass::NoEligibleDelegate, "no delegate has tried it");
        self.unplaced(nobody)
    }

    /// Ends it with the last attempt if there was one, or else with `failure`.
    pub(crate) fn unplaced(self, failure: Failure) -> Ended {
        match self.failed {
            Some(failed) => failed.end(self.task),
            None => Ended::unplaced(self.task, failure),
        }
    }

    pub(super) fn may_repeat(&self, attempts: u32) -> bool {
        self.attempt < attempts && !self.is_canceled() && !self.begun.load(Ordering::Acquire)
    }

    /// One of its servers, as back-offs name it.
    pub(super) fn host(&self, server: Server) -> &str {
        let host = match server {
            Server::Repository => self.wanted.hosts.first(),
            Server::Api => self.wanted.hosts.last(),
        };
        host.map_or("", String::as_str)
    }

    /// Has a delegate carry it out.
    pub(super) async fn carry_out(self, delegate: Arc<dyn Delegate>) -> Returned {
        let (started, name) = (Instant::now(), delegate.name().clone());
        let (result, attempt) = match self.ask(delegate).await {
            Ok(outcome) => {
                let attempt = Attempt::of(&outcome.result);
                (outcome.result, attempt)
            }
            Err(unanswered) => {
                let (failure, attempt) = unanswered.told(&name, &self.task);
                (Err(failure), attempt)
            }
        };
        let outcome = Outcome { task: self.task.id, result };
        let ended = Attempted { delegate: name, outcome, duration: started.elapsed() };
        Returned { order: self, ended, attempt }
    }

    async fn ask(&self, delegate: Arc<dyn Delegate>) -> Result<Outcome, Unanswered> {
        if self.is_canceled() {
            return Err(Unanswered::Canceled);
        }
        let limit = Duration::from_millis(self.task.time_limit_ms);
        let (task, progress, cancel) = (self.task.clone(), self.noting_progress(), self.cancel.child_token());
        let stop = cancel.clone();
        let mut running = tokio::spawn(async move { delegate.carry_out(task, progress, cancel).await });
        match tokio::time::timeout(limit, &mut running).await {
            Ok(Ok(outcome)) if attempt::is_canceled(&outcome.result) && !self.is_canceled() => Err(Unanswered::CutOff),
            Ok(ended) => ended.map_err(|_| Unanswered::BrokeOff),
            Err(_) => {
                stop.cancel();
                if tokio::time::timeout(END_GRACE, &mut running).await.is_err() {
                    running.abort();
                }
                Err(Unanswered::TooLate)
            }
        }
    }

    /// Passes progress on, and notes when a run begins.
    fn noting_progress(&self) -> ProgressSink {
        let (begun, progress) = (Arc::clone(&self.begun), Arc::clone(&self.progress));
        Arc::new(move |news| {
            if matches!(news, Progress::Started { .. }) {
                begun.store(true, Ordering::Release);
            }
            progress(news);
        })
    }
}

/// Why a delegate has given no answer that counts.
enum Unanswered {
    Canceled,
    TooLate,
    BrokeOff,
    /// It was told to stop, and not by us: its service ends.
    CutOff,
}

impl Unanswered {
    /// A task that takes too long says nothing about the way to its server.
    fn told(self, delegate: &DelegateName, task: &Task) -> (Failure, Attempt) {
        match self {
            Self::Canceled => (canceled(), Attempt::Silent),
            Self::TooLate => {
                let limit = task.time_limit_ms / 1000;
                let message = format!("delegate {delegate} did not end within {limit} s");
                (Failure::new(FailureClass::Timeout, message), Attempt::Silent)
            }
            Self::BrokeOff => lost(format!("delegate {delegate} broke off in the middle of the task")),
            Self::CutOff => lost(format!("delegate {delegate} was stopped in the middle of the task")),
        }
    }
}

fn lost(message: String) -> (Failure, Attempt) {
    let failure = Failure::new(FailureClass::DelegateLost, message);
    (failure.clone(), Attempt::Lost(failure))
}

impl Ended {
    fn unplaced(task: Task, failure: Failure) -> Self {
        let outcome = Outcome { task: task.id, result: Err(failure) };
        Self { task, delegate: None, outcome, duration: Duration::ZERO }
    }
}

impl Attempted {
    fn end(self, task: Task) -> Ended {
        Ended { task, delegate: Some(self.delegate), outcome: self.outcome, duration: self.duration }
    }
}

impl Returned {
    pub(super) fn end(self) -> Ended {
        self.ended.end(self.order.task)
    }

    /// The order for another attempt, after `failure`. Whoever could not connect is not asked again.
    pub(super) fn again(self, failure: Failure) -> (Order, Reassigned) {
        let Self { mut order, ended, attempt } = self;
        order.attempt += 1;
        let from = ended.delegate.clone();
        if matches!(attempt, Attempt::Unconnected(..)) {
            order.wanted = order.wanted.without(&from);
            order.failed = Some(ended);
        }
        let run = match &order.task.work {
            Work::Run(run) => Some(run.run),
            Work::Probe(_) | Work::Sync(_) => None,
        };
        let connection = order.task.access.connection.clone();
        let reassigned = Reassigned { connection, run, from, to: None, attempt: order.attempt, failure };
        (order, reassigned)
    }
}

/// What a task asks of whoever carries it out.
pub(crate) fn wanted(task: &Task, tags: Tags) -> Wanted {
    Wanted { hosts: hosts(task), host_secret: host_secret(task).cloned(), ..Wanted::new(tags, task.work.kind()) }
}

fn canceled() -> Failure {
    Failure::new(FailureClass::Canceled, "canceled before it began")
}

/// The repository's server first, then the one of the provider's API if a test asks it, too.
fn hosts(task: &Task) -> Vec<String> {
    let Access { url, api, .. } = &task.access;
    let asked = api.as_ref().filter(|_| matches!(task.work, Work::Probe(_)));
    let api = asked.and_then(|api| Url::parse(&api.url).ok()).and_then(|url| {
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    });
    std::iter::once(url.origin().to_string()).chain(api).collect()
}
