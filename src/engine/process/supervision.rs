//! The lives of a delegate: met, introduced, spoken with, and met again after it was lost, each time a little later.

use std::time::Duration;

use suitesync_contract::rpc::{Initialized, Message, PROTOCOL, WorkKind, method};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::conversation::{Conversation, End, Order, Orphans, read_message, shown};
use super::framing::{self, Lines};
use super::patience::Retries;
use super::seat::{Held, Met, Seat};
use super::{ProcessSettings, lost};
use crate::engine::delegate::{DelegateStatus, Loss, Standing};

/// The id of `initialize`; those of tasks follow.
const INTRODUCTION: u64 = 0;

/// Between SIGTERM and SIGKILL for the processes of runs whose delegate is gone.
const SWEEP_GRACE: Duration = Duration::from_secs(5);

/// For what a program that has ended said last: it lies in the pipe already, whose end may never come where a process that
/// was left behind holds it open.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A delegate, and those who wait for it.
pub(super) struct Supervision {
    pub(super) settings: ProcessSettings,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    pub(super) standing: watch::Sender<Standing>,
    pub(super) stop: CancellationToken,
}

type Reader = Lines<Box<dyn AsyncRead + Send + Unpin>>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A delegate that has introduced itself.
struct Introduced {
    lines: Reader,
    outgoing: mpsc::UnboundedSender<Message>,
    /// Ends with this.
    saying: AbortOnDropHandle<()>,
    held: Held,
    says: Initialized,
}

/// Why a delegate could not be had.
enum NotHad {
    Unwanted,
    Because(String),
}

impl Supervision {
    /// Goes on until nobody needs the delegate any more.
    pub(super) async fn follow(mut self) {
        let mut retries = Retries::new(&self.settings.patience);
        loop {
            let began = Instant::now();
            let reason = match self.introduce().await {
                Ok(introduced) => self.live(introduced).await,
                Err(NotHad::Unwanted) => None,
                Err(NotHad::Because(reason)) => Some(reason),
            };
            let Some(reason) = reason else { break };
            self.note_lost(&reason);
            if !self.pause(retries.after(began.elapsed()), &reason).await {
                break;
            }
        }
        self.note_lost("it is not wanted any more");
    }

    /// Meets the delegate and hears who it is.
    async fn introduce(&self) -> Result<Introduced, NotHad> {
        let settings = &self.settings;
        let Met { reader, writer, held } =
            settings.seat.meet(settings.name()).await.map_err(|error| NotHad::Because(error.to_string()))?;
        let (outgoing, messages) = mpsc::unbounded_channel();
        let saying = AbortOnDropHandle::new(tokio::spawn(say(writer, messages)));
        let mut lines = Lines::new(reader);
        let _ = outgoing.send(Message::request(INTRODUCTION, method::INITIALIZE, &settings.initialize));
        let limit = settings.patience.initialize;
        let heard = tokio::select! {
            () = self.stop.cancelled() => Err(NotHad::Unwanted),
            heard = tokio::time::timeout(limit, hear_introduction(&mut lines)) => heard.unwrap_or_else(|_| {
                Err(NotHad::Because(format!("it did not answer `initialize` within {} s", limit.as_secs())))
            }),
        };
        match heard {
            Ok(says) => Ok(Introduced { lines, outgoing, saying, held, says }),
            Err(NotHad::Because(reason)) if reason.is_empty() => Err(NotHad::Because(held.end().await)),
            Err(why) => {
                held.kill().await;
                Err(why)
            }
        }
    }

    /// Speaks with the delegate until it is lost, and says why; nothing where it is not wanted any more.
    async fn live(&mut self, introduced: Introduced) -> Option<String> {
        let Introduced { mut lines, outgoing, saying: _saying, mut held, says } = introduced;
        self.note_connected(says);
        let (name, patience) = (self.settings.name().clone(), self.settings.patience);
        let mut conversation = Conversation::new(&name, patience, outgoing, INTRODUCTION + 1);
        let end = tokio::select! {
            end = conversation.go_on(&mut lines, &mut self.orders, &self.stop) => end,
            () = held.ended() => hear_last_words(&mut conversation, &mut lines, &mut held).await,
        };
        match end {
            End::Unwanted => {
                self.standing.send_modify(|standing| standing.status = DelegateStatus::Draining);
                held.ask_to_end();
                let last_words = hear_last_words(&mut conversation, &mut lines, &mut held);
                if tokio::time::timeout(patience.stop, last_words).await.is_err() {
                    tracing::warn!(delegate = %name, "a delegate did not end in time and is killed");
                }
                held.kill().await;
                self.bury(conversation.into_orphans(), "it was stopped").await;
                None
            }
            End::Closed => {
                let reason = held.end().await;
                self.note_lost(&reason);
                self.bury(conversation.into_orphans(), &reason).await;
                Some(reason)
            }
            End::Broken(reason) => {
                held.kill().await;
                self.note_lost(&reason);
                self.bury(conversation.into_orphans(), &reason).await;
                Some(reason)
            }
        }
    }

    /// Ends what is left of the runs of a delegate that is gone, then tells those who wait.
    async fn bury(&self, orphans: Orphans, reason: &str) {
        // What a delegate behind a socket started is not ours to end: it has seen the connection close.
        if matches!(self.settings.seat, Seat::Child(_)) {
            for marker in orphans.markers() {
                let swept = tokio::task::spawn_blocking(move || suitesync_runner::sweep(&marker, SWEEP_GRACE)).await;
                let remaining = swept.map(|swept| swept.remaining).unwrap_or_default();
                if !remaining.is_empty() {
                    tracing::warn!(delegate = %self.settings.name(), ?remaining, "processes of a run are left");
                }
            }
        }
        orphans.fail(&lost(self.settings.name(), reason));
    }

    /// Waits for the next try; whether there is to be one. What is ordered meanwhile is refused.
    async fn pause(&mut self, wait: Duration, reason: &str) -> bool {
        let over = tokio::time::sleep(wait);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return false,
                () = &mut over => return true,
                order = self.orders.recv() => match order {
                    Some(order) => drop(order.answer.send(Err(lost(self.settings.name(), reason)))),
                    None => return false,
                },
            }
        }
    }

    fn note_connected(&self, says: Initialized) {
        let may = |kind: &WorkKind| self.settings.runs || *kind != WorkKind::Run;
        let work = says.work.into_iter().filter(may).collect();
        let user = says.user.filter(|_| matches!(self.settings.seat, Seat::Socket(_)));
        let (status, program) = (DelegateStatus::Connected, Some(says.program));
        let standing = Standing { status, work, program, user, lost: None };
        self.standing.send_replace(standing);
    }

    fn note_lost(&self, reason: &str) {
        let note = |standing: &mut Standing| {
            let (status, lost) = (DelegateStatus::Lost, Some(Loss::Because(reason.to_owned())));
            let is_news = standing.status != status || standing.lost != lost;
            (standing.status, standing.lost) = (status, lost);
            is_news
        };
        self.standing.send_if_modified(note);
    }
}

/// What a delegate says that is told no more, until its output ends, or soon after it has ended itself.
async fn hear_last_words(conversation: &mut Conversation<'_>, lines: &mut Reader, held: &mut Held) -> End {
    let last_words = conversation.hear_out(lines);
    tokio::pin!(last_words);
    tokio::select! {
        end = &mut last_words => return end,
        () = held.ended() => {}
    }
    tokio::time::timeout(LAST_WORDS, last_words).await.unwrap_or(End::Closed)
}

/// Writes until there is nothing more to be said, or nobody to read it: the conversation sees that by itself.
async fn say(writer: Writer, messages: mpsc::UnboundedReceiver<Message>) {
    if let Err(error) = framing::write(writer, messages).await {
        tracing::debug!(%error, "a delegate reads no more");
    }
}

/// The answer to `initialize`. A reason that is empty is to be had from the delegate's end.
async fn hear_introduction(lines: &mut Reader) -> Result<Initialized, NotHad> {
    let because = |reason: String| NotHad::Because(reason);
    loop {
        let line = match lines.next().await {
            Ok(Some(line)) => line,
            Ok(None) => return Err(because(String::new())),
            Err(fault) => return Err(because(fault.to_string())),
        };
        let message = read_message(&line).map_err(because)?;
        if message.method.is_some() {
            continue;
        }
        if let Some(error) = message.error {
            return Err(because(format!("it refused `initialize`: {}", shown(&error.message))));
        }
        let says = serde_json::from_value::<Initialized>(message.result.unwrap_or_default()).map_err(|error| {
            because(format!("its answer to `initialize` cannot be read: {}", shown(&error.to_string())))
        })?;
        if !(1..=PROTOCOL).contains(&says.protocol) {
            return Err(because(format!("it speaks version {} of the protocol, not 1 to {PROTOCOL}", says.protocol)));
        }
        return Ok(Initialized { program: shown(&says.program), ..says });
    }
}
