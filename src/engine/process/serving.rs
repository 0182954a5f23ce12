//! The delegate's side: lends a delegate of ours to an agent that speaks the protocol.
//!
//! The end of the agent's messages is the end of its interest: what is under way is canceled, answered if anybody still
//! listens, and waited for, so that nothing of it is left when the conversation is over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::getuid;
use serde::de::DeserializeOwned;
use serde_json::Value;
use suitesync_contract::rpc::{
    CancelParams, Initialize, Initialized, MAX_LINE, Message, PROTOCOL, ProgressParams, RpcError, RunTaskParams,
    RunTaskResult, method,
};
use suitesync_contract::{Failure, FailureClass, Outcome, Progress, Task, TaskId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::framing::{self, LineFault, Lines};
use super::lost;
use crate::engine::delegate::{Delegate, ProgressSink};

/// How often it is told how far the transfer or the reading of a task is: people watch, and eyes are slow.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// Room in a line for what stands around an outcome.
const ENVELOPE: usize = 1024;

/// What the delegate says that it is.
pub(in crate::engine) const PROGRAM: &str = concat!("suitesync ", env!("CARGO_PKG_VERSION"));

/// Makes the delegate that an agent asks for, or says why there is none. May block.
pub type Host = Arc<dyn Fn(Initialize) -> Result<Arc<dyn Delegate>, String> + Send + Sync>;

/// Why a conversation ended that was not over.
#[derive(Debug, thiserror::Error)]
pub enum ServingError {
    #[error("failed to understand the agent")]
    Line(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Serves one agent until its messages end, or until `stop`.
pub async fn serve(
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Send + Unpin + 'static,
    host: Host,
    stop: &CancellationToken,
) -> Result<(), ServingError> {
    let (outgoing, messages) = mpsc::unbounded_channel();
    let writing = tokio::spawn(framing::write(writer, messages));
    let mut serving = Serving { host, outgoing, delegate: None, cancels: HashMap::new(), tasks: JoinSet::new() };
    let ended = serving.listen(&mut Lines::new(reader), stop).await;
    serving.end().await;
    if !matches!(writing.await, Ok(Ok(()))) {
        tracing::debug!("the agent did not hear everything");
    }
    ended.map_err(|fault| ServingError::Line(Box::new(fault)))
}

/// A conversation with one agent.
struct Serving {
    host: Host,
    /// What is sent is as much as tasks under way have to tell, which bounds it.
    outgoing: mpsc::UnboundedSender<Message>,
    delegate: Option<Arc<dyn Delegate>>,
    cancels: HashMap<TaskId, CancellationToken>,
    tasks: JoinSet<TaskId>,
}

impl Serving {
    async fn listen<R: AsyncRead + Unpin>(
        &mut self,
        lines: &mut Lines<R>,
        stop: &CancellationToken,
    ) -> Result<(), LineFault> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.outgoing.closed() => return Ok(()),
                Some(ended) = self.tasks.join_next() => {
                    if let Ok(task) = ended {
                        self.cancels.remove(&task);
                    }
                }
                line = lines.next() => match line {
                    Ok(Some(line)) => self.hear(&line).await,
                    Ok(None) => return Ok(()),
                    Err(fault) => return Err(fault),
                },
            }
        }
    }

    /// Cancels what is under way and waits for it.
    async fn end(mut self) {
        self.cancels.values().for_each(CancellationToken::cancel);
        while self.tasks.join_next().await.is_some() {}
    }

    /// Closed means that the agent listens no more, which ends the conversation by itself.
    fn say(&self, message: Message) {
        let _ = self.outgoing.send(message);
    }

    async fn hear(&mut self, line: &[u8]) {
        let message: Message = match serde_json::from_slice(line) {
            Ok(message) => message,
            Err(error) => {
                self.say(Message::refusal(None, RpcError::new(RpcError::PARSE, error.to_string())));
                return;
            }
        };
        let Some(asked) = message.method else { return };
        match message.id {
            Some(id) => {
                if let Err(error) = self.take_request(id, &asked, message.params).await {
                    self.say(Message::refusal(Some(id), error));
                }
            }
            None if asked == method::CANCEL => {
                let canceled =
                    read::<CancelParams>(message.params).ok().and_then(|params| self.cancels.get(&params.task));
                canceled.iter().for_each(|cancel| cancel.cancel());
            }
            None => {}
        }
    }

    async fn take_request(&mut self, id: u64, asked: &str, params: Option<Value>) -> Result<(), RpcError> {
        match asked {
            method::INITIALIZE => {
                let initialized = self.initialize(read(params)?).await?;
                self.say(Message::answer(id, &initialized));
                Ok(())
            }
            method::RUN_TASK => self.begin(id, read::<RunTaskParams>(params)?.task),
            _ => Err(RpcError::new(RpcError::METHOD_NOT_FOUND, "there are `initialize`, `run_task` and `cancel`")),
        }
    }

    async fn initialize(&mut self, asked: Initialize) -> Result<Initialized, RpcError> {
        let refused = |message: String| RpcError::new(RpcError::INVALID_REQUEST, message);
        if self.delegate.is_some() {
            return Err(refused("it was initialized before".to_owned()));
        }
        if asked.protocol == 0 {
            return Err(refused(format!("versions 1 to {PROTOCOL} of the protocol are spoken here")));
        }
        let (host, protocol) = (Arc::clone(&self.host), asked.protocol.min(PROTOCOL));
        let hosted = tokio::task::spawn_blocking(move || host(asked)).await;
        let delegate = hosted.map_err(|error| refused(error.to_string()))?.map_err(refused)?;
        let work = delegate.work();
        self.delegate = Some(delegate);
        let user = Some(getuid().as_raw());
        Ok(Initialized { protocol, program: PROGRAM.to_owned(), work, user })
    }

    /// Carries out a task beside the others; its outcome is the answer.
    fn begin(&mut self, request: u64, task: Task) -> Result<(), RpcError> {
        let refused = |message: String| RpcError::new(RpcError::INVALID_REQUEST, message);
        let delegate = self.delegate.clone().ok_or_else(|| refused("`initialize` comes first".to_owned()))?;
        let id = task.id;
        if self.cancels.contains_key(&id) {
            return Err(refused(format!("task {id} is under way")));
        }
        let (cancel, outgoing) = (CancellationToken::new(), self.outgoing.clone());
        self.cancels.insert(id, cancel.clone());
        self.tasks.spawn(async move {
            let progress = progress_of(id, outgoing.clone());
            let name = delegate.name().clone();
            let carried = tokio::spawn(async move { delegate.carry_out(task, progress, cancel).await }).await;
            let outcome = carried.unwrap_or_else(|_| {
                let failure = lost(&name, "it broke off in the middle of the task");
                Outcome { task: id, result: Err(Failure { class: FailureClass::Internal, ..failure }) }
            });
            let _ = outgoing.send(Message::answer(request, &RunTaskResult { outcome: fitting(outcome) }));
            id
        });
        Ok(())
    }
}

/// An outcome that is too long for a line is a failure that says so: the line would end the conversation, and with it all
/// other tasks.
fn fitting(outcome: Outcome) -> Outcome {
    let message = match serde_json::to_vec(&outcome).map(|body| body.len()) {
        Ok(length) if length <= MAX_LINE - ENVELOPE => return outcome,
        Ok(length) => format!("the outcome has {length} bytes, at most {MAX_LINE} are carried"),
        Err(error) => format!("the outcome cannot be written: {error}"),
    };
    let failure = Failure::new(FailureClass::Internal, message);
    Outcome {
        result: Err(failure.with_hint("ask for less: a directory of a repository, fewer reports of a run")),
        ..outcome
    }
}

/// Tells the agent of a task's progress; of what only moves a number, not every move.
fn progress_of(task: TaskId, outgoing: mpsc::UnboundedSender<Message>) -> ProgressSink {
    let told = std::sync::Mutex::new(None::<Instant>);
    Arc::new(move |progress| {
        let is_count = matches!(progress, Progress::Received { .. } | Progress::Read { .. });
        if is_count {
            let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
                return;
            }
            *told = Some(Instant::now());
        }
        let _ = outgoing.send(Message::notification(method::PROGRESS, &ProgressParams { task, progress }));
    })
}

fn read<T: DeserializeOwned>(params: Option<Value>) -> Result<T, RpcError> {
    serde_json::from_value(params.unwrap_or_default())
        .map_err(|error| RpcError::new(RpcError::INVALID_PARAMS, error.to_string()))
}
