//! One connection's worth of work for the agent: what delegates say goes into the ledger, and what follows goes out.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::stream::Stream;
use async_nats::{Subscriber, jetstream};
use futures_util::StreamExt;
use suitesync_contract::DelegateName;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::acknowledging::acknowledge;
use super::answers::{Receipt, read, receipt};
use super::arrival::{AgentSeat, Arrival};
use super::handing::cancel;
use super::ledger::Consequence;
use crate::bus::{ANSWERS, BEAT, Bus, DELEGATES, RemoteError, Removal, Side, TASKS, delegate_of, remove};
use crate::message::{Announcement, Content, ENVELOPE, Envelope, Key, PROTOCOL, Reception, Refusal};

/// How often it is looked what the time has come for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What the agent's side keeps over connections.
pub(super) struct AgentSide {
    shared: Arc<Shared>,
    arrival: Arrival,
    settlements: mpsc::UnboundedReceiver<Key>,
}

impl AgentSide {
    pub(super) fn new(shared: Arc<Shared>, settlements: mpsc::UnboundedReceiver<Key>) -> Self {
        Self { shared, arrival: Arrival::new(), settlements }
    }
}

impl Side for AgentSide {
    const ROLE: &'static str = "suitesync agent";
    type Session = Session;

    fn agent(&self) -> &DelegateName {
        &self.shared.settings.agent
    }

    async fn begin(&mut self, bus: Arc<Bus>) -> Result<Session, RemoteError> {
        Session::begin(Arc::clone(&self.shared), bus, &mut self.arrival).await
    }

    async fn work(&mut self, session: Session, stop: &CancellationToken) -> RemoteError {
        session.work(&mut self.settlements, stop).await
    }
}

pub(super) struct Session {
    shared: Arc<Shared>,
    bus: Arc<Bus>,
    seat: AgentSeat,
    tasks: Stream,
    consumer: Consumer<pull::Config>,
    answers: pull::Stream,
    announcements: pull::Stream,
    progress: Subscriber,
    /// Announcements up to this one were made before we listened.
    recalled: u64,
    /// What was there when we began, and was not heard yet.
    behind: Behind,
    /// The last answer that was heard.
    heard: u64,
}

/// How much has to be heard until all is known that came before.
struct Behind {
    answers: u64,
    announcements: u64,
}

impl Session {
    async fn begin(shared: Arc<Shared>, bus: Arc<Bus>, arrival: &mut Arrival) -> Result<Self, RemoteError> {
        let agent = &shared.settings.agent;
        bus.make_streams().await?;
        let (tasks, answers) = (bus.stream(TASKS, agent).await?, bus.stream(ANSWERS, agent).await?);
        let delegates = bus.stream(DELEGATES, agent).await?;
        let mut seat = arrival.take(&bus, &delegates, agent).await?;
        seat.stay(&bus).await?;
        if !arrival.is_emptied {
            // Whatever an earlier start handed out and nobody has begun is handed out anew, or not.
            bus.empty(&tasks).await?;
            arrival.is_emptied = true;
        }
        let progress = bus.client.subscribe(bus.names.all("progress")).await.map_err(|_| RemoteError::Lost)?;
        let speakers = bus.consume_announcements(&delegates).await?;
        let consumer = bus.consume_answers(&answers).await?;
        shared.ledger().begin_anew(Instant::now());
        let behind =
            Behind { answers: consumer.cached_info().num_pending, announcements: speakers.cached_info().num_pending };
        let recalled = delegates.cached_info().state.last_sequence;
        let (answers, announcements) = (listen(&consumer).await?, listen(&speakers).await?);
        Ok(Self { shared, bus, seat, tasks, consumer, answers, announcements, progress, recalled, behind, heard: 0 })
    }

    /// Works until the connection is lost or `stop`.
    async fn work(mut self, settlements: &mut mpsc::UnboundedReceiver<Key>, stop: &CancellationToken) -> RemoteError {
        let bus = Arc::clone(&self.bus);
        let (mut beats, mut looks) = (interval(BEAT), interval(LOOK_EVERY));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.look_behind();
        loop {
            let done = tokio::select! {
                () = bus.lost() => Err(RemoteError::Lost),
                () = stop.cancelled() => return self.leave(settlements).await,
                message = self.answers.next() => self.answer(message).await,
                message = self.announcements.next() => self.announcement(message).await,
                Some(message) = self.progress.next() => { self.progress(&message); Ok(()) }
                Some(key) = settlements.recv() => { self.settle(key).await; Ok(()) }
                _ = beats.tick() => self.beat().await,
                _ = looks.tick() => self.look().await,
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    async fn answer(
        &mut self,
        message: Option<Result<jetstream::Message, pull::MessagesError>>,
    ) -> Result<(), RemoteError> {
        let message = message.and_then(Result::ok).ok_or(RemoteError::Lost)?;
        let Some(receipt) = receipt(&message) else { return Ok(()) };
        self.heard = self.heard.max(receipt.sequence);
        let mut consequence = Consequence::default();
        match read(&message, receipt.clone()) {
            Some(answer) => self.shared.ledger().hear(answer, Instant::now(), &mut consequence),
            None => {
                tracing::warn!(subject = %message.subject, "an answer that cannot be read is passed over");
                consequence.acknowledge.push(receipt);
            }
        }
        self.shared.follow_on(&self.bus, consequence).await;
        self.behind.answers = self.behind.answers.saturating_sub(1);
        self.look_behind();
        Ok(())
    }

    async fn announcement(
        &mut self,
        message: Option<Result<jetstream::Message, pull::MessagesError>>,
    ) -> Result<(), RemoteError> {
        let message = message.and_then(Result::ok).ok_or(RemoteError::Lost)?;
        let is_live = message.info().is_ok_and(|info| info.stream_sequence > self.recalled);
        if let Some(announcement) = announced(&message) {
            let refusal = (self.shared.settings.admission)(&announcement.name);
            if is_live {
                self.receive(&announcement, refusal).await;
            }
            let (mut ledger, now) = (self.shared.ledger(), Instant::now());
            match (refusal, is_live) {
                (Some(_), _) => {}
                (None, true) => ledger.announce(announcement, now),
                (None, false) => ledger.recall(announcement, now),
            }
        }
        self.show_members();
        self.behind.announcements = self.behind.announcements.saturating_sub(1);
        self.look_behind();
        Ok(())
    }

    /// Tells a delegate that is there whether it may serve, where it does not know.
    async fn receive(&self, announcement: &Announcement, refusal: Option<Refusal>) {
        let notice = refusal.and_then(|refusal| self.shared.ledger().turn_away(announcement, refusal));
        notice.into_iter().for_each(|notice| (self.shared.settings.notice)(notice));
        if announcement.refusal != refusal {
            let body = serde_json::to_vec(&Reception { refusal }).unwrap_or_default();
            self.bus.say(self.bus.names.reception(&announcement.name), body.into()).await;
        }
    }

    fn progress(&self, message: &async_nats::Message) {
        let header = message.headers.as_ref().and_then(|headers| headers.get(ENVELOPE));
        let Some(envelope) = header.and_then(|header| serde_json::from_str::<Envelope>(header.as_str()).ok()) else {
            return;
        };
        let delegate = delegate_of(&message.subject);
        if let Some(entry) = self.shared.ledger().entry(&envelope.key)
            && Some(&entry.commission.delegate) == delegate.as_ref()
            && envelope.content == Content::Progress
        {
            entry.progress(&message.payload);
        }
    }

    async fn settle(&self, key: Key) {
        let receipts = self.shared.ledger().settle(&key);
        for Receipt { reply, .. } in receipts {
            // One that is not acknowledged comes again, and is acknowledged then.
            self.bus.acknowledge(&reply).await;
        }
    }

    async fn beat(&mut self) -> Result<(), RemoteError> {
        self.seat.stay(&self.bus).await?;
        let cancels = self.shared.ledger().cancels();
        for (delegate, keys) in cancels {
            cancel(&self.bus, &delegate, keys).await;
        }
        Ok(())
    }

    /// What the time has come for.
    async fn look(&mut self) -> Result<(), RemoteError> {
        let consequence = self.shared.ledger().pass_time(Instant::now());
        self.shared.follow_on(&self.bus, consequence).await;
        let orphans = self.shared.ledger().orphans();
        for (key, first) in orphans {
            match remove(&self.tasks, first).await {
                Removal::Done => self.bury(&key, false).await,
                Removal::NotThere => self.shared.ledger().suspect(&key),
                Removal::Unknown => {}
            }
        }
        let has_suspects = self.shared.ledger().has_suspects();
        if has_suspects {
            let info = self.consumer.get_info().await.map_err(|_| RemoteError::Lost)?;
            if info.num_pending == 0 {
                self.shared.ledger().doom(info.delivered.stream_sequence);
            }
        }
        let doomed = self.shared.ledger().doomed(self.heard);
        for (key, place) in doomed {
            match place {
                None => self.bury(&key, true).await,
                Some(first) => match remove(&self.tasks, first).await {
                    Removal::Done => self.bury(&key, false).await,
                    Removal::NotThere => self.bury(&key, true).await,
                    Removal::Unknown => {}
                },
            }
        }
        self.show_members();
        Ok(())
    }

    async fn bury(&self, key: &Key, was_claimed: bool) {
        let receipts = self.shared.ledger().bury(key, was_claimed);
        acknowledge(&self.bus, receipts).await;
    }

    fn show_members(&self) {
        let members = self.shared.ledger().members();
        self.shared.members.send_if_modified(|shown| {
            let is_new = **shown != members;
            if is_new {
                *shown = Arc::new(members);
            }
            is_new
        });
    }

    fn look_behind(&self) {
        if self.behind.answers == 0 && self.behind.announcements == 0 {
            self.shared.is_caught_up.send_if_modified(|is_so| !std::mem::replace(is_so, true));
        }
    }

    /// Acknowledges what is settled, and frees the agent's name.
    async fn leave(mut self, settlements: &mut mpsc::UnboundedReceiver<Key>) -> RemoteError {
        while let Ok(key) = settlements.try_recv() {
            self.settle(key).await;
        }
        // The next start waits a little otherwise.
        let _ = self.seat.leave(&self.bus).await;
        // What is said is on its way before the connection ends.
        let _ = self.bus.client.flush().await;
        RemoteError::Lost
    }
}

/// The announcement in a message; nothing where it is none of its delegate.
fn announced(message: &jetstream::Message) -> Option<Announcement> {
    let announcement: Announcement = serde_json::from_slice(&message.payload).ok()?;
    let is_true = delegate_of(&message.subject).as_ref() == Some(&announcement.name);
    if !is_true || announcement.protocol != PROTOCOL {
        tracing::warn!(subject = %message.subject, protocol = announcement.protocol, "an announcement is passed over");
        return None;
    }
    Some(announcement)
}

async fn listen(consumer: &Consumer<pull::Config>) -> Result<pull::Stream, RemoteError> {
    consumer.messages().await.map_err(|_| RemoteError::Lost)
}
