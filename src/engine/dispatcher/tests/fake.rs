//! A delegate that holds its tasks until it is told what to answer.

use std::collections::VecDeque;
use std::sync::Mutex;

use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{
    DelegateName, Facts, Failure, FailureClass, Outcome, Progress, SyncReport, Tags, Task, Transfer,
};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::engine::delegate::{Carrying, Delegate, DelegateStatus, ProgressSink, Standing};

/// Places: so few that some tasks wait.
const CAPACITY: u32 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    /// The server cannot be reached from here.
    Unconnected,
    /// It is refused as it would be from anywhere.
    Rejected,
    Lost,
    /// The command of a run was started before it was lost.
    LostOnceBegun,
    /// It ends, and cancels what it has.
    Stopped,
    Panic,
}

#[derive(Debug)]
pub(super) struct Fake {
    name: DelegateName,
    tags: Tags,
    standing: watch::Sender<Standing>,
    held: Mutex<VecDeque<oneshot::Sender<Answer>>>,
}

impl Fake {
    pub(super) fn new(name: &str) -> Self {
        let work = vec![WorkKind::Probe, WorkKind::Sync, WorkKind::Run];
        let standing = Standing { status: DelegateStatus::Connected, work, program: None, lost: None, user: None };
        Self {
            name: name.parse().unwrap(),
            tags: [name, "linux"].into_iter().collect(),
            standing: watch::Sender::new(standing),
            held: Mutex::default(),
        }
    }

    pub(super) fn set(&self, status: DelegateStatus) {
        self.standing.send_modify(|standing| standing.status = status);
    }

    /// Answers the task that it has had longest; whether it had one that anybody waits for.
    pub(super) fn answer(&self, answer: Answer) -> bool {
        let mut held = self.held.lock().unwrap();
        while let Some(longest) = held.pop_front() {
            if longest.send(answer).is_ok() {
                return true;
            }
        }
        false
    }
}

impl Delegate for Fake {
    fn name(&self) -> &DelegateName {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "fake"
    }

    fn work(&self) -> Vec<WorkKind> {
        self.standing.borrow().work.clone()
    }

    fn status(&self) -> DelegateStatus {
        self.standing.borrow().status
    }

    fn follow(&self) -> Option<watch::Receiver<Standing>> {
        Some(self.standing.subscribe())
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn capacity(&self) -> u32 {
        CAPACITY
    }

    fn running(&self) -> u32 {
        0
    }

    fn carry_out(&self, task: Task, progress: ProgressSink, cancel: CancellationToken) -> Carrying<'_> {
        let (answer, answered) = oneshot::channel();
        self.held.lock().unwrap().push_back(answer);
        Box::pin(async move {
            let result = tokio::select! {
                answer = answered => told(answer.unwrap(), &progress),
                () = cancel.cancelled() => Err(Failure::new(FailureClass::Canceled, "canceled")),
            };
            Outcome { task: task.id, result }
        })
    }
}

fn told(answer: Answer, progress: &ProgressSink) -> Result<Facts, Failure> {
    let failed = |class| Err(Failure::new(class, "it was told to fail"));
    match answer {
        Answer::Done => {
            let report = SyncReport { links: Vec::new(), transfer: Transfer::default(), mirror_rebuilt: None };
            Ok(Facts::Sync(report))
        }
        Answer::Unconnected => failed(FailureClass::Connect),
        Answer::Rejected => failed(FailureClass::AuthRejected),
        Answer::Lost => failed(FailureClass::DelegateLost),
        Answer::LostOnceBegun => {
            progress(Progress::Started { marker: serde_json::Value::Null });
            failed(FailureClass::DelegateLost)
        }
        Answer::Stopped => failed(FailureClass::Canceled),
        Answer::Panic => panic!("it was told to"),
    }
}
