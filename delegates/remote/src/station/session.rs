//! One connection's worth of work for a delegate: announcements, tasks as they come, and what is not wanted any more.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Subscriber;
use async_nats::jetstream::consumer::pull;
use bytes::Bytes;
use futures_util::StreamExt;
use suitesync_contract::DelegateName;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::intake::{Intake, Taken};
use super::{Shared, carrying};
use crate::bus::{BEAT, Bus, DELEGATES, RemoteError, Seat, Side, TASKS, Unstored};
use crate::message::{Announcement, Attendance, Cancel, Reception};

/// How often the server is told that a task is being worked on: three times before it would hand it out again.
const IN_PROGRESS_EVERY: Duration = Duration::from_secs(3);

/// The delegate's side, which keeps all it has among what its tasks share.
pub(super) struct DelegateSide(pub(super) Arc<Shared>);

impl Side for DelegateSide {
    const ROLE: &'static str = "suitesync delegate";
    type Session = Session;

    fn agent(&self) -> &DelegateName {
        &self.0.agent
    }

    async fn begin(&mut self, bus: Arc<Bus>) -> Result<Session, RemoteError> {
        Session::begin(Arc::clone(&self.0), bus).await
    }

    async fn work(&mut self, session: Session, stop: &CancellationToken) -> RemoteError {
        session.work(stop).await
    }
}

pub(super) struct Session {
    shared: Arc<Shared>,
    bus: Arc<Bus>,
    seat: Seat,
    tasks: pull::Stream,
    cancels: Subscriber,
    receptions: Subscriber,
    intake: Intake,
}

impl Session {
    async fn begin(shared: Arc<Shared>, bus: Arc<Bus>) -> Result<Self, RemoteError> {
        let delegates = bus.stream(DELEGATES, &shared.agent).await?;
        let tasks = bus.stream(TASKS, &shared.agent).await?;
        let is_free = |body: &[u8]| {
            serde_json::from_slice::<Announcement>(body)
                .is_ok_and(|last| last.attendance == Attendance::Gone || last.instance == shared.instance)
        };
        let seat = Seat::take(&delegates, bus.names.announcement(&shared.name), is_free).await?;
        let seat = seat.ok_or_else(|| RemoteError::OtherDelegate { delegate: shared.name.clone() })?;
        let listen = |subject| bus.client.subscribe(subject);
        let cancels = listen(bus.names.cancel(&shared.name)).await.map_err(|_| RemoteError::Lost)?;
        let receptions = listen(bus.names.reception(&shared.name)).await.map_err(|_| RemoteError::Lost)?;
        let consumer = bus.consume_tasks(&tasks, &shared.name).await?;
        let tasks = consumer.messages().await.map_err(|_| RemoteError::Lost)?;
        let mut session = Self { shared, bus, seat, tasks, cancels, receptions, intake: Intake::default() };
        session.announce().await?;
        Ok(session)
    }

    /// Works until the connection is lost or the delegate has left.
    async fn work(mut self, end: &CancellationToken) -> RemoteError {
        let bus = Arc::clone(&self.bus);
        let (mut beats, mut signs) = (interval(BEAT), interval(IN_PROGRESS_EVERY));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_serving = *self.shared.attendance.borrow() == Attendance::Serving;
            let done = tokio::select! {
                () = end.cancelled() => return RemoteError::Lost,
                () = bus.lost() => Err(RemoteError::Lost),
                _ = beats.tick() => self.announce().await,
                () = self.shared.news.notified() => self.announce().await,
                message = self.tasks.next(), if is_serving => match message {
                    Some(Ok(message)) => { self.take(&message).await; Ok(()) }
                    Some(Err(_)) | None => Err(RemoteError::Lost),
                },
                Some(message) = self.cancels.next() => { self.cancel(&message.payload); Ok(()) }
                Some(message) = self.receptions.next() => { self.receive(&message.payload); Ok(()) }
                _ = signs.tick() => { self.keep_tasks().await; Ok(()) }
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    async fn announce(&mut self) -> Result<(), RemoteError> {
        let announcement = self.shared.announcement();
        let body = serde_json::to_vec(&announcement).unwrap_or_default();
        let sent = Instant::now();
        match self.seat.say(&self.bus, body.into()).await {
            Ok(()) => {
                self.shared.lease.renew(sent);
                self.shared.announced.send_replace(Some(announcement));
                Ok(())
            }
            Err(Unstored::Overtaken) => Err(RemoteError::OtherDelegate { delegate: self.shared.name.clone() }),
            Err(Unstored::Unknown) => Err(RemoteError::Lost),
        }
    }

    async fn take(&mut self, message: &async_nats::jetstream::Message) {
        match self.intake.take(message, Instant::now()) {
            Taken::Task { key, body, lying } => carrying::begin(&self.shared, key, body, lying),
            Taken::Part => {}
            Taken::Nothing(why) => {
                tracing::warn!(why, "a message among the tasks is passed over");
                if let Some(reply) = &message.reply {
                    self.bus.say(reply.to_string(), Bytes::new()).await;
                }
            }
        }
    }

    fn cancel(&self, body: &[u8]) {
        let Ok(Cancel { keys }) = serde_json::from_slice(body) else {
            tracing::warn!("a cancel that cannot be read is passed over");
            return;
        };
        let mut hand = self.shared.hand();
        keys.into_iter().for_each(|key| hand.cancel(key));
    }

    /// Takes note of whether the agent lets the delegate serve; the next announcement says that it was heard.
    fn receive(&self, body: &[u8]) {
        let Ok(Reception { refusal }) = serde_json::from_slice(body) else {
            tracing::warn!("a word of the agent that cannot be read is passed over");
            return;
        };
        self.shared.refusal.send_if_modified(|known| std::mem::replace(known, refusal) != refusal);
    }

    async fn keep_tasks(&self) {
        let replies = self.shared.hand().replies();
        for reply in replies {
            self.bus.say(reply, Bytes::from_static(b"+WPI")).await;
        }
    }
}
