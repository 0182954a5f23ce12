//! The dispatcher with delegates that answer what a test wants, when it wants.

mod fake;
mod handing_over;
mod interleavings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use suitesync_contract::{
    Access, HostKeys, ProbeTask, Provider, RepoUrl, RunId, RunTask, SyncTask, Tags, Task, TaskId, Work,
};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::fake::{Answer, Fake};
use super::{Dispatcher, Ended, Order, Reassigned, Return, Returned};
use crate::engine::delegate::{Delegate, ProgressSink};

/// Tasks are tried so often.
const ATTEMPTS: u32 = 3;

/// The runtime's other tasks get so many turns before it counts what came back: each needs a handful.
const TURNS: usize = 16;

/// A dispatcher with its delegates, and all that came back.
struct Floor {
    dispatcher: Dispatcher,
    returned: UnboundedReceiver<Returned>,
    delegates: Vec<Arc<Fake>>,
    /// How each task ended.
    ended: BTreeMap<TaskId, Vec<Ended>>,
    reassigned: Vec<Reassigned>,
    submitted: u64,
    cancel: CancellationToken,
}

impl Floor {
    /// Each delegate with its name and `linux` as tags.
    fn new(names: &[&str]) -> Self {
        let (sender, returned) = mpsc::unbounded_channel();
        let mut dispatcher = Dispatcher::new(sender, TaskTracker::new());
        dispatcher.set_attempts(ATTEMPTS);
        let delegates = names.iter().map(|name| Arc::new(Fake::new(name))).collect();
        let (ended, cancel) = (BTreeMap::new(), CancellationToken::new());
        let mut floor = Self { dispatcher, returned, delegates, ended, reassigned: Vec::new(), submitted: 0, cancel };
        floor.hire(|_| true);
        floor
    }

    /// Takes up a configuration with those of the delegates.
    fn hire(&mut self, is_wanted: impl Fn(&Fake) -> bool) {
        let wanted = self.delegates.iter().filter(|delegate| is_wanted(delegate));
        let delegates = wanted.map(|delegate| Arc::clone(delegate) as Arc<dyn Delegate>).collect();
        self.dispatcher.set_delegates(delegates);
        self.begin_waiting();
    }

    fn drain(&mut self, names: &[&str]) {
        let names: BTreeSet<_> = names.iter().map(|name| name.parse().unwrap()).collect();
        self.dispatcher.set_drained(names);
        self.begin_waiting();
    }

    fn begin_waiting(&mut self) {
        let impossible = self.dispatcher.begin_waiting();
        impossible.into_iter().for_each(|ended| self.end(ended));
    }

    fn submit(&mut self, work: Work, tags: &[&str]) -> TaskId {
        self.submit_within(60_000, work, tags)
    }

    fn submit_within(&mut self, time_limit_ms: u64, work: Work, tags: &[&str]) -> TaskId {
        self.submitted += 1;
        let id = TaskId(self.submitted);
        let (tags, cancel) = (tags.iter().collect::<Tags>(), self.cancel.child_token());
        let sink: ProgressSink = Arc::new(|_| {});
        let order = Order::new(Task { time_limit_ms, ..task(id, work) }, tags, cancel, sink);
        let ended = self.dispatcher.submit(order);
        ended.into_iter().for_each(|ended| self.end(ended));
        id
    }

    fn delegate(&self, name: &str) -> &Fake {
        self.delegates.iter().find(|delegate| delegate.name().as_str() == name).unwrap()
    }

    /// Has a delegate answer the task that it has had longest, and everybody hear of it.
    async fn answer(&mut self, name: &str, answer: Answer) {
        self.settle().await;
        assert!(self.delegate(name).answer(answer), "{name} has nothing in hand");
        self.settle().await;
    }

    /// Lets everything happen that can.
    async fn settle(&mut self) {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
            while let Ok(returned) = self.returned.try_recv() {
                self.take_back(returned);
            }
        }
    }

    fn take_back(&mut self, returned: Returned) {
        let (back, impossible) = self.dispatcher.take_back(returned);
        match back {
            Return::Ended(ended) => self.end(*ended),
            Return::PlacedAgain(reassigned) => self.reassigned.push(reassigned),
            Return::RunUnbegun(_, reassigned, order) => {
                self.reassigned.push(reassigned);
                let ended = self.dispatcher.submit(order.with_fence(2));
                ended.into_iter().for_each(|ended| self.end(ended));
            }
        }
        impossible.into_iter().for_each(|ended| self.end(ended));
    }

    fn end(&mut self, ended: Ended) {
        self.ended.entry(ended.task.id).or_default().push(ended);
    }

    /// Who ended a task, and with what class if it failed.
    fn end_of(&self, id: TaskId) -> (Option<&str>, &'static str) {
        let [ended] = self.ended[&id].as_slice() else { panic!("{:?}", self.ended[&id]) };
        let class = ended.outcome.result.as_ref().err().map_or("done", |failure| failure.class.code());
        (ended.delegate.as_ref().map(|name| name.as_str()), class)
    }

    fn in_hand(&self) -> Vec<u32> {
        self.dispatcher.views().iter().map(|view| view.tasks).collect()
    }
}

fn task(id: TaskId, work: Work) -> Task {
    let url = RepoUrl::parse("https://git.example.org/shop.git", Provider::Git).unwrap().repository;
    let access = Access {
        connection: "server".parse().unwrap(),
        url,
        credentials: None,
        host_keys: HostKeys::default(),
        client_certificate: None,
        additional_certs: None,
        allow_plain_http: false,
        api: None,
    };
    Task { id, time_limit_ms: 60_000, access, work }
}

fn probe() -> Work {
    Work::Probe(ProbeTask { revision: 1 })
}

fn sync() -> Work {
    Work::Sync(SyncTask { links: Vec::new() })
}

fn run() -> Work {
    Work::Run(RunTask {
        run: RunId(1),
        fence: 1,
        link: "shop".parse().unwrap(),
        commit: "1".repeat(40).parse().unwrap(),
        root: String::new(),
        suite: "Smoke".to_owned(),
        command: vec!["true".to_owned()],
        environment: BTreeMap::new(),
        results: Vec::new(),
        timeout_ms: 60_000,
    })
}
