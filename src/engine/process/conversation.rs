//! One conversation with a delegate, from its answer to `initialize` to its end: requests and their answers.
//!
//! What the delegate says is not trusted. A line that is no message ends the conversation, as nothing can be told of what
//! comes after it; a message that fits nothing is logged and passed over; an answer of the wrong shape fails its own task
//! and no other.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use suitesync_contract::rpc::{
    CancelParams, Message, ProgressParams, RpcError, RunTaskParams, RunTaskResult, WorkKind, method,
};
use suitesync_contract::{DelegateName, Facts, Failure, FailureClass, Progress, Task, TaskId};
use suitesync_runner::RunMarker;
use tokio::io::AsyncRead;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::framing::{LineFault, Lines};
use super::patience::Patience;
use crate::engine::delegate::ProgressSink;

/// Of a text of the delegate's that is shown.
const MAX_SHOWN: usize = 200;

/// Messages of one conversation that fit nothing and are told or answered. Who sends more has been told often enough, and
/// neither the log nor what waits to be sent may grow by it.
const MAX_STRAY: u32 = 100;

/// A task for the delegate, and where its end is waited for.
pub(super) struct Order {
    pub(super) task: Task,
    pub(super) progress: ProgressSink,
    pub(super) cancel: CancellationToken,
    pub(super) answer: oneshot::Sender<Result<Facts, Failure>>,
}

/// Why a conversation is over.
#[derive(Debug)]
pub(super) enum End {
    /// Nobody needs the delegate any more.
    Unwanted,
    /// Its output ended.
    Closed,
    /// It does not keep to the rules, or does not answer; how is told.
    Broken(String),
}

/// Something that a task waits for has come.
#[derive(Debug, Clone, Copy)]
enum Alarm {
    /// It is not wanted any more, or its time is over.
    Cancel,
    /// It was canceled, and its grace is over.
    Overdue,
}

/// A task in the delegate's hands.
struct Pending {
    task: TaskId,
    kind: WorkKind,
    progress: ProgressSink,
    answer: oneshot::Sender<Result<Facts, Failure>>,
    /// By what its processes are found, should the delegate go away.
    marker: Option<RunMarker>,
}

pub(super) struct Conversation<'a> {
    delegate: &'a DelegateName,
    patience: Patience,
    outgoing: mpsc::UnboundedSender<Message>,
    pending: HashMap<u64, Pending>,
    /// The id of the next request.
    next: u64,
    /// Messages so far that fit nothing.
    strays: u32,
    alarms: FuturesUnordered<BoxFuture<'static, (u64, Alarm)>>,
}

/// Tasks whose delegate is gone.
#[derive(Default)]
pub(super) struct Orphans(Vec<Pending>);

impl<'a> Conversation<'a> {
    /// `next` is the id of the first request. What is sent is as much as the tasks in hand need, which bounds it.
    pub(super) fn new(
        delegate: &'a DelegateName,
        patience: Patience,
        outgoing: mpsc::UnboundedSender<Message>,
        next: u64,
    ) -> Self {
        let (pending, alarms) = (HashMap::new(), FuturesUnordered::new());
        Self { delegate, patience, outgoing, pending, next, strays: 0, alarms }
    }

    /// Hands out orders and takes answers until something ends it.
    pub(super) async fn go_on<R: AsyncRead + Unpin>(
        &mut self,
        lines: &mut Lines<R>,
        orders: &mut mpsc::UnboundedReceiver<Order>,
        stop: &CancellationToken,
    ) -> End {
        loop {
            tokio::select! {
                () = stop.cancelled() => return End::Unwanted,
                line = lines.next() => if let Err(end) = self.hear_next(line) { return end },
                order = orders.recv() => match order {
                    Some(order) => self.hand_out(order),
                    None => return End::Unwanted,
                },
                Some((id, alarm)) = self.alarms.next() => if let Err(end) = self.ring(id, alarm) { return end },
                () = self.outgoing.closed() => return End::Broken("it reads no more".to_owned()),
            }
        }
    }

    /// Says no more, and takes answers until the delegate says no more either.
    pub(super) async fn hear_out<R: AsyncRead + Unpin>(&mut self, lines: &mut Lines<R>) -> End {
        self.outgoing = mpsc::unbounded_channel().0;
        loop {
            match self.hear_next(lines.next().await) {
                Ok(()) => {}
                Err(end) => return end,
            }
        }
    }

    pub(super) fn into_orphans(self) -> Orphans {
        Orphans(self.pending.into_values().collect())
    }

    fn hand_out(&mut self, order: Order) {
        let Order { task, progress, cancel, answer } = order;
        let (id, kind, limit) = (self.next, task.work.kind(), Duration::from_millis(task.time_limit_ms));
        self.next += 1;
        self.pending.insert(id, Pending { task: task.id, kind, progress, answer, marker: None });
        self.say(Message::request(id, method::RUN_TASK, &RunTaskParams { task }));
        self.alarms.push(Box::pin(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(limit) => {}
            }
            (id, Alarm::Cancel)
        }));
    }

    fn ring(&mut self, id: u64, alarm: Alarm) -> Result<(), End> {
        let Some(pending) = self.pending.get(&id) else { return Ok(()) };
        let task = pending.task;
        match alarm {
            Alarm::Cancel => {
                self.say(Message::notification(method::CANCEL, &CancelParams { task }));
                let grace = self.patience.cancel;
                self.alarms.push(Box::pin(async move {
                    tokio::time::sleep(grace).await;
                    (id, Alarm::Overdue)
                }));
                Ok(())
            }
            Alarm::Overdue => {
                let grace = self.patience.cancel.as_secs();
                Err(End::Broken(format!("it did not end task {task} within {grace} s after it was told to")))
            }
        }
    }

    /// Closed means that the delegate reads no more, which ends the conversation by itself.
    fn say(&self, message: Message) {
        let _ = self.outgoing.send(message);
    }

    fn hear_next(&mut self, line: Result<Option<Bytes>, LineFault>) -> Result<(), End> {
        match line {
            Ok(Some(line)) => self.hear(&line),
            Ok(None) => Err(End::Closed),
            Err(fault) => Err(End::Broken(fault.to_string())),
        }
    }

    fn hear(&mut self, line: &[u8]) -> Result<(), End> {
        match read_message(line).map_err(End::Broken)? {
            Message { id: Some(id), method: Some(method), .. } => {
                let told = format!("the agent answers no `{}`", shown(&method));
                if self.is_worth_a_word() {
                    self.say(Message::refusal(Some(id), RpcError::new(RpcError::METHOD_NOT_FOUND, told)));
                }
            }
            Message { id: None, method: Some(method), params, .. } if method == method::PROGRESS => {
                match serde_json::from_value(params.unwrap_or_default()) {
                    Ok(told) => self.progress(told),
                    Err(error) => {
                        self.pass_over(&format!("a progress that cannot be read: {}", shown(&error.to_string())))
                    }
                }
            }
            Message { method: Some(_), .. } => {}
            Message { id: Some(id), result, error, .. } => self.answer(id, result, error),
            Message { error: Some(error), .. } => {
                self.pass_over(&format!("the error {}: {}", error.code, shown(&error.message)));
            }
            Message { .. } => self.pass_over("a message that is neither a request nor an answer"),
        }
        Ok(())
    }

    fn progress(&mut self, told: ProgressParams) {
        let Some(pending) = self.pending.values_mut().find(|pending| pending.task == told.task) else { return };
        if let Progress::Started { marker } = &told.progress {
            // One that is no marker of ours is the delegate's own matter.
            pending.marker = serde_json::from_value(marker.clone()).ok();
        }
        (pending.progress)(told.progress);
    }

    fn answer(&mut self, id: u64, result: Option<serde_json::Value>, error: Option<RpcError>) {
        let Some(pending) = self.pending.remove(&id) else {
            self.pass_over(&format!("an answer to request {id}, which nobody waits for"));
            return;
        };
        let protocol = |what: String| {
            let message = format!("delegate {} answered task {}: {what}", self.delegate, pending.task);
            Failure::new(FailureClass::Protocol, message).with_hint("look at the delegate's log, and report it there")
        };
        let result = match (result, error) {
            (_, Some(error)) => Err(protocol(format!("error {}: {}", error.code, shown(&error.message)))),
            (None, None) => Err(protocol("with nothing".to_owned())),
            (Some(result), None) => match serde_json::from_value::<RunTaskResult>(result) {
                Ok(result) if result.outcome.task != pending.task => {
                    Err(protocol(format!("with the outcome of task {}", result.outcome.task)))
                }
                Ok(result) => match result.outcome.result {
                    Ok(facts) if kind_of(&facts) != pending.kind => Err(protocol("with facts of another kind".into())),
                    result => result,
                },
                Err(error) => Err(protocol(format!("with what cannot be read: {}", shown(&error.to_string())))),
            },
        };
        // Nobody may be waiting any more.
        let _ = pending.answer.send(result);
    }

    fn pass_over(&mut self, what: &str) {
        if self.is_worth_a_word() {
            tracing::warn!(delegate = %self.delegate, "a delegate sent {what}; it is passed over");
        }
    }

    /// Counts a message that fits nothing, and says whether that is still worth a word.
    fn is_worth_a_word(&mut self) -> bool {
        self.strays = self.strays.saturating_add(1);
        self.strays <= MAX_STRAY
    }
}

impl Orphans {
    /// By what the processes of their runs are found.
    pub(super) fn markers(&self) -> Vec<RunMarker> {
        self.0.iter().filter_map(|pending| pending.marker.clone()).collect()
    }

    /// Tells those who wait.
    pub(super) fn fail(self, failure: &Failure) {
        for pending in self.0 {
            // Nobody may be waiting any more.
            let _ = pending.answer.send(Err(failure.clone()));
        }
    }
}

fn kind_of(facts: &Facts) -> WorkKind {
    match facts {
        Facts::Probe(_) => WorkKind::Probe,
        Facts::Sync(_) => WorkKind::Sync,
        Facts::Run(_) => WorkKind::Run,
    }
}

/// One line as a message; otherwise, what is wrong with it.
pub(super) fn read_message(line: &[u8]) -> Result<Message, String> {
    serde_json::from_slice(line)
        .map_err(|error| format!("it sent a line that is no message: {}", shown(&error.to_string())))
}

/// A text of the delegate's, bounded and without what steers a terminal.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect()
}
