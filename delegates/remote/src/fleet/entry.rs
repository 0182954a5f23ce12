//! A task that was handed out and has not ended.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use suitesync_contract::rpc::WorkKind;
use suitesync_contract::{DelegateName, Facts, Failure, FailureClass, Outcome, Progress, TaskId};
use tokio::sync::oneshot;

use super::answers::{Answer, Receipt};
use crate::ProgressSink;
use crate::message::{Assembly, Content, PartFault};

pub(super) type Answered = Result<Facts, Failure>;

/// Whether a task is still with its delegate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Trace {
    #[default]
    Listed,
    /// One announcement did not list it.
    MissingOnce,
    /// Two did not; an answer may be on its way.
    Suspected,
    /// It ends unless its outcome is among the answers up to this one.
    DoomedAfter(u64),
}

/// What is to be handed out, or is known to be under way.
pub(super) struct Commission {
    pub(super) delegate: DelegateName,
    pub(super) kind: WorkKind,
    /// Not known of a run that an earlier start handed out.
    pub(super) task: Option<TaskId>,
    pub(super) progress: ProgressSink,
}

pub(super) struct Entry {
    pub(super) commission: Commission,
    answer: oneshot::Sender<Answered>,
    /// Where its parts lie in the stream of tasks, once they do.
    pub(super) sequences: Vec<u64>,
    /// A run that was started.
    pub(super) is_begun: bool,
    /// A run that its delegate said it has in hand.
    pub(super) is_listed: bool,
    pub(super) is_canceling: bool,
    pub(super) trace: Trace,
    /// How much of the log was told.
    log_end: u64,
    outcome: Assembly,
    /// Parts of an outcome that is not whole yet.
    pub(super) receipts: Vec<Receipt>,
}

impl Entry {
    pub(super) fn new(commission: Commission, answer: oneshot::Sender<Answered>) -> Self {
        Self {
            commission,
            answer,
            sequences: Vec::new(),
            is_begun: false,
            is_listed: false,
            is_canceling: false,
            trace: Trace::default(),
            log_end: 0,
            outcome: Assembly::default(),
            receipts: Vec::new(),
        }
    }

    /// Tells those who wait, if anybody still does, and gives back what is to be acknowledged.
    pub(super) fn end(self, answered: Answered) -> Vec<Receipt> {
        // Whoever waited has gone.
        let _ = self.answer.send(answered);
        self.receipts
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    /// Passes a progress on; of a log only what was not told before.
    pub(super) fn progress(&mut self, body: &[u8]) {
        let Ok(progress) = serde_json::from_slice::<Progress>(body) else {
            tracing::warn!(delegate = %self.commission.delegate, "a delegate sent a progress that cannot be read");
            return;
        };
        match progress {
            Progress::Log { piece, at: Some(at) } => self.log(&piece, at),
            Progress::Started { .. } if self.is_begun => {}
            Progress::Started { .. } => {
                self.is_begun = true;
                (self.commission.progress)(progress);
            }
            Progress::Log { at: None, .. } | Progress::Step(_) | Progress::Received { .. } | Progress::Read { .. } => {
                (self.commission.progress)(progress);
            }
        }
    }

    fn log(&mut self, piece: &str, at: u64) {
        let Ok(bytes) = STANDARD.decode(piece) else { return };
        let known = self.log_end.saturating_sub(at).try_into().unwrap_or(usize::MAX);
        let Some(news) = bytes.get(known..).filter(|news| !news.is_empty()) else { return };
        let at = at.max(self.log_end);
        self.log_end = at + news.len() as u64;
        (self.commission.progress)(Progress::Log { piece: STANDARD.encode(news), at: Some(at) });
    }

    /// Takes a part of the outcome; what came of the task once it is whole.
    pub(super) fn outcome(&mut self, answer: &Answer) -> Option<Answered> {
        debug_assert_eq!(answer.envelope.content, Content::Outcome, "only an outcome ends a task");
        let part = &answer.envelope.part;
        let added = match self.outcome.add(part, answer.body.clone()) {
            // A delegate that was started again answers for the one that broke off in the middle of its outcome.
            Err(PartFault::OfAnother) => {
                self.outcome = Assembly::default();
                self.outcome.add(part, answer.body.clone())
            }
            added => added,
        };
        match added {
            Ok(whole) => whole.map(|whole| self.read(&whole)),
            Err(fault) => Some(Err(self.protocol(&fault.to_string()))),
        }
    }

    fn read(&self, whole: &Bytes) -> Answered {
        let outcome: Outcome =
            serde_json::from_slice(whole).map_err(|error| self.protocol(&format!("it cannot be read: {error}")))?;
        let is_of_it = self.commission.task.is_none_or(|task| task == outcome.task);
        match outcome.result {
            // A delegate that could not read the task, or lost it, knows no more of it than its key.
            Ok(_) if !is_of_it => Err(self.protocol("it is that of another task")),
            Ok(facts) if kind_of(&facts) != self.commission.kind => Err(self.protocol("its facts are of another kind")),
            result => result,
        }
    }

    fn protocol(&self, what: &str) -> Failure {
        let message = format!("delegate {} sent an outcome that does not fit: {what}", self.commission.delegate);
        Failure::new(FailureClass::Protocol, message).with_hint("look at the delegate's log, and report it there")
    }
}

fn kind_of(facts: &Facts) -> WorkKind {
    match facts {
        Facts::Probe(_) => WorkKind::Probe,
        Facts::Sync(_) => WorkKind::Sync,
        Facts::Run(_) => WorkKind::Run,
    }
}
