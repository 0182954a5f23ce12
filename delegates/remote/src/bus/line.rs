//! The connection of the moment: made again and again by one who works on it, and at hand for those who outlive it.

use std::future::Future;
use std::sync::Arc;

use suitesync_contract::DelegateName;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Bus, BusSettings, BusState, Pauses, RemoteError};

/// Who works on each connection: the agent's side of the wire, or a delegate's.
pub(crate) trait Side: Send {
    /// What the server's own lists show it as.
    const ROLE: &'static str;

    /// Its work on one connection.
    type Session: Send;

    /// The agent by whose name everything is told apart.
    fn agent(&self) -> &DelegateName;

    fn begin(&mut self, bus: Arc<Bus>) -> impl Future<Output = Result<Self::Session, RemoteError>> + Send;

    /// Works until the connection is lost or `stop`.
    fn work(&mut self, session: Self::Session, stop: &CancellationToken) -> impl Future<Output = RemoteError> + Send;
}

/// Connects again and again, and has `side` work on each connection while it lasts; until `stop`.
pub(crate) async fn follow<S: Side>(mut side: S, settings: &BusSettings, end: &LineEnd, stop: &CancellationToken) {
    let mut pauses = Pauses::default();
    while let Some(begun) = stop.run_until_cancelled(begin(&mut side, settings)).await {
        let error = match begun {
            Ok((bus, session)) => {
                pauses.reset();
                end.connected(bus);
                side.work(session, stop).await
            }
            Err(error) => error,
        };
        end.lost();
        if stop.is_cancelled() {
            return;
        }
        end.away(error);
        stop.run_until_cancelled(tokio::time::sleep(pauses.next())).await;
    }
}

async fn begin<S: Side>(side: &mut S, settings: &BusSettings) -> Result<(Arc<Bus>, S::Session), RemoteError> {
    let bus = Arc::new(Bus::connect(settings, side.agent(), S::ROLE).await?);
    let session = side.begin(Arc::clone(&bus)).await?;
    Ok((bus, session))
}

/// The connection of the moment, for those who outlive it.
#[derive(Clone)]
pub(crate) struct Line {
    bus: watch::Receiver<Option<Arc<Bus>>>,
    state: watch::Receiver<BusState>,
}

/// The end of a line where connections come and go.
pub(crate) struct LineEnd {
    bus: watch::Sender<Option<Arc<Bus>>>,
    state: watch::Sender<BusState>,
}

impl Line {
    pub(crate) fn new() -> (LineEnd, Self) {
        let ((bus, has_bus), (state, has_state)) = (watch::channel(None), watch::channel(BusState::default()));
        (LineEnd { bus, state }, Self { bus: has_bus, state: has_state })
    }

    /// The connection that is there, or the next. Nothing once there will be no other.
    pub(crate) async fn bus(&mut self) -> Option<Arc<Bus>> {
        self.bus.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// The connection, if there is one now.
    pub(crate) fn now(&self) -> Option<Arc<Bus>> {
        self.bus.borrow().clone()
    }

    pub(crate) fn state(&self) -> watch::Receiver<BusState> {
        self.state.clone()
    }
}

impl LineEnd {
    fn connected(&self, bus: Arc<Bus>) {
        self.state.send_replace(BusState::Connected);
        self.bus.send_replace(Some(bus));
    }

    /// Nobody begins anything more on the connection.
    fn lost(&self) {
        self.bus.send_replace(None);
    }

    fn away(&self, error: RemoteError) {
        self.state.send_replace(BusState::Away(Arc::new(error)));
    }
}
