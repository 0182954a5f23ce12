//! The thread that drives one session: it opens a channel for each order, takes every command a step further whenever
//! something has moved, and waits on the socket and its waker otherwise.
//!
//! Only one channel is opened at a time and only one command started, as libssh2 keeps what it waits for with the
//! session. A server that opens no more channels gets fewer commands at once, down to one.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::net::Shutdown;
use ssh2::BlockDirections;
use suitesync_reach::TimeLimits;

use super::channel::{Running, Step, Wire};
use super::exchange::Order;
use super::fault::{Fault, is_full, would_block};
use super::login::Connected;
use super::session::Shared;
use super::waker::{Peer, left};

/// Commands at once: OpenSSH opens ten channels by itself, and leaves some to others.
const MAX_COMMANDS: usize = 8;
/// Shorter than the idle limits of common servers, and longer than between polls that are close together.
const KEEP_IDLE: Duration = Duration::from_secs(50);
/// Often enough for routers in between, which forget connections after some minutes.
const KEEPALIVE: u32 = 15;
/// Between two tries to open a channel where the server has none free though none of ours is open.
const RETRY_OPENING: Duration = Duration::from_millis(50);
/// A server that does not confirm the end of a command by then has lost track of it.
const CLOSING: Duration = Duration::from_secs(10);

pub(super) struct Driver {
    wire: Wire,
    connected: Connected,
    shared: Arc<Shared>,
    limits: TimeLimits,
    running: Vec<Running>,
    opening: Option<Opening>,
    /// Commands at once that the server bears.
    room: usize,
    idle_since: Instant,
}

/// An order whose channel is being opened.
struct Opening {
    order: Order,
    since: Instant,
    /// When the server is asked, or was asked last.
    asked_at: Instant,
}

impl Driver {
    pub(super) fn new(connected: Connected, shared: Arc<Shared>, limits: TimeLimits) -> Self {
        connected.session.set_keepalive(false, KEEPALIVE);
        Self {
            wire: Wire::new(connected.session.clone()),
            connected,
            shared,
            limits,
            running: Vec::new(),
            opening: None,
            room: MAX_COMMANDS,
            idle_since: Instant::now(),
        }
    }

    /// Drives the session to its end.
    pub(super) fn run(mut self) {
        let fault = loop {
            match self.turn() {
                Ok(true) => {}
                Ok(false) => break Fault::Closed,
                Err(fault) => break fault,
            }
        };
        self.shared.close(&fault);
        if let Some(opening) = self.opening.take() {
            opening.order.reply.end(Err(fault.clone()));
        }
        for running in self.running.drain(..) {
            running.fail(fault.clone());
        }
        // Polite where it is possible at once; the server notices either way.
        let _ = self.wire.session.disconnect(None, "done", None);
        // libssh2 frees a session at once only when there is nobody to tell.
        let _ = rustix::net::shutdown(&self.connected.socket, Shutdown::Both);
    }

    /// One round: everything that can be done now, then a wait. `false` where the session is over.
    fn turn(&mut self) -> Result<bool, Fault> {
        let mut moved = self.open()?;
        let mut is_one_starting = false;
        let mut index = 0;
        while let Some(running) = self.running.get_mut(index) {
            let is_starting = running.starting_since().is_some();
            if is_starting && std::mem::replace(&mut is_one_starting, true) {
                index += 1;
                continue;
            }
            match running.step(&mut self.wire)? {
                Step::Moved => moved = true,
                Step::Waiting => {}
                Step::Done => {
                    // In their order, as the one that is starting has to be the first of its kind.
                    self.running.remove(index);
                    (moved, self.idle_since) = (true, Instant::now());
                    continue;
                }
            }
            index += 1;
        }
        if moved {
            return Ok(true);
        }
        self.give_up_on_starting()?;
        self.give_up_on_closing()?;
        if self.is_over() {
            return Ok(false);
        }
        self.wait()
    }

    fn wait(&mut self) -> Result<bool, Fault> {
        let is_idle = self.is_idle();
        // While idle nothing is read: what the server has to say waits for the next order, but its going is seen.
        let directions = match (is_idle, self.wire.is_sending()) {
            (true, _) => BlockDirections::None,
            (false, true) => BlockDirections::Both,
            (false, false) => BlockDirections::Inbound,
        };
        let next = self.wire.session.keepalive_send().map_err(|error| Fault::of(&error))?;
        let longest = Duration::from_secs(next.clamp(1, KEEPALIVE).into()).min(self.patience());
        let waited = self.shared.waker.wait(self.connected.socket.as_fd(), &directions, longest);
        match waited.map_err(|error| Fault::of_host(&error))? {
            // What the server said before it went is read first, and reading then meets the end.
            Peer::Gone => Ok(!self.is_idle()),
            Peer::Connected => Ok(true),
        }
    }

    /// Begins the next order, or goes on with it.
    fn open(&mut self) -> Result<bool, Fault> {
        if self.opening.is_none() && self.running.len() < self.room {
            let now = Instant::now();
            let order = std::iter::from_fn(|| self.shared.take()).find(|order| !order.reply.is_abandoned());
            self.opening = order.map(|order| Opening { order, since: now, asked_at: now });
        }
        let Some(mut opening) = self.opening.take() else { return Ok(false) };
        if !left(opening.asked_at).is_zero() {
            self.opening = Some(opening);
            return Ok(false);
        }
        match self.wire.session.channel_session() {
            Ok(channel) => {
                opening.order.reply.start();
                self.running.push(Running::new(channel, opening.order));
                Ok(true)
            }
            Err(error) if would_block(&error) => {
                let doing = "open a session on";
                let is_late = opening.asked_at.elapsed() > self.limits.connect;
                self.opening = Some(opening);
                if is_late { Err(Fault::Silent { doing, waited: self.limits.connect }) } else { Ok(false) }
            }
            Err(error) if is_full(&error) => {
                self.make_do(opening);
                Ok(true)
            }
            Err(error) => {
                self.opening = Some(opening);
                Err(Fault::of(&error))
            }
        }
    }

    /// The server opens no further channel: as many as there are have to do, and one is asked for again.
    fn make_do(&mut self, mut opening: Opening) {
        self.room = self.running.len().max(1);
        if !self.running.is_empty() {
            self.shared.put_back(opening.order);
        } else if opening.since.elapsed() > self.limits.connect {
            opening.order.reply.end(Err(Fault::NoRoom));
        } else {
            opening.asked_at = Instant::now() + RETRY_OPENING;
            self.opening = Some(opening);
        }
    }

    /// A server that does not say whether it runs a command holds up all others.
    fn give_up_on_starting(&self) -> Result<(), Fault> {
        let waited = self.limits.connect;
        match self.running.iter().find_map(Running::starting_since) {
            Some(since) if since.elapsed() > waited => Err(Fault::Silent { doing: "start a command on", waited }),
            Some(_) | None => Ok(()),
        }
    }

    /// A session on which the server has lost track of a command is of no further use.
    fn give_up_on_closing(&self) -> Result<(), Fault> {
        let is_late = |running: &Running| running.closing_since().is_some_and(|since| since.elapsed() > CLOSING);
        if !self.running.iter().any(is_late) {
            return Ok(());
        }
        let fault = Fault::Silent { doing: "end a command on", waited: CLOSING };
        self.shared.close(&fault);
        if self.running.iter().all(is_late) { Err(fault) } else { Ok(()) }
    }

    fn is_idle(&self) -> bool {
        self.running.is_empty() && self.opening.is_none() && !self.shared.has_orders()
    }

    fn is_over(&self) -> bool {
        self.is_idle() && (self.shared.is_released() || self.idle_since.elapsed() >= KEEP_IDLE)
    }

    /// How long to wait before something has to be looked at again.
    fn patience(&self) -> Duration {
        let opening = self.opening.as_ref().map(|opening| {
            let retry = left(opening.asked_at);
            if retry.is_zero() { left(opening.asked_at + self.limits.connect) } else { retry }
        });
        let starting = self.running.iter().find_map(Running::starting_since);
        let starting = starting.map(|since| left(since + self.limits.connect));
        let closing = self.running.iter().filter_map(Running::closing_since).map(|since| left(since + CLOSING));
        let idle = self.is_idle().then(|| left(self.idle_since + KEEP_IDLE));
        let soonest = closing.chain(opening).chain(starting).chain(idle).min().unwrap_or(KEEP_IDLE);
        // A little later, so that what is waited for is past by then.
        soonest + Duration::from_millis(1)
    }
}
