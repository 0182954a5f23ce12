//! One command on a session as a state machine: opened → environment → start → input and output → close.
//!
//! The server's answers to requests on a channel are taken by libssh2 for whichever command waits for one, and it
//! gives up where that was another's. So only one command may be between opened and started; the driver sees to that.
//!
//! libssh2 never waits here: a step does what can be done now and is taken again later. An operation that was begun is
//! always gone on with while half a packet is sent of it, or nothing else could be sent for ever; so a command is given
//! up between packets.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use ssh2::{BlockDirections, Channel, Session};

use super::exchange::{Order, Reply};
use super::fault::{Ending, Fault, is_denied, would_block};

/// What is read at once: libssh2's packets hold no more.
const PIECE: usize = 32 << 10;
/// What is kept of a command's words for people; the first line of them is shown.
const MAX_SAID: usize = 4096;

/// A command whose channel is open.
pub(super) struct Running {
    channel: Channel,
    stage: Stage,
    since: Instant,
    command: Arc<str>,
    input: Bytes,
    output_ended: bool,
    said: Vec<u8>,
    /// Nothing once the output has ended.
    reply: Option<Reply>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opened,
    Environment,
    Start,
    Talk,
    Close,
}

/// What a step came to.
pub(super) enum Step {
    /// Something was done, and more may be.
    Moved,
    /// The other side has to do something first.
    Waiting,
    Done,
}

/// A session, and what its commands share.
pub(super) struct Wire {
    pub(super) session: Session,
    environment: Environment,
    buffer: Box<[u8]>,
}

/// Whether the server lets the version of the protocol be set. One that refused it is not asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Environment {
    Untried,
    Refused,
}

impl Wire {
    pub(super) fn new(session: Session) -> Self {
        Self { session, environment: Environment::Untried, buffer: vec![0; PIECE].into() }
    }

    /// Whether half a packet was sent: what was begun has to be gone on with.
    pub(super) fn is_sending(&self) -> bool {
        matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both)
    }

    /// The fault behind an error of a stream, which does not hold libssh2's code itself.
    fn broken(&self, error: &io::Error) -> Fault {
        match ssh2::Error::last_session_error(&self.session) {
            Some(error) => Fault::of(&error),
            None => Fault::of_host(error),
        }
    }
}

impl Running {
    pub(super) fn new(channel: Channel, order: Order) -> Self {
        let Order { command, input, reply } = order;
        Self {
            channel,
            stage: Stage::Opened,
            since: Instant::now(),
            command,
            input,
            output_ended: false,
            said: Vec::new(),
            reply: Some(reply),
        }
    }

    /// Since when it has been starting, if it has.
    pub(super) fn starting_since(&self) -> Option<Instant> {
        matches!(self.stage, Stage::Opened | Stage::Environment | Stage::Start).then_some(self.since)
    }

    /// Since when the channel has been closing, if it has.
    pub(super) fn closing_since(&self) -> Option<Instant> {
        (self.stage == Stage::Close).then_some(self.since)
    }

    /// Goes on as far as can be gone. An error is the end of the whole session.
    pub(super) fn step(&mut self, wire: &mut Wire) -> Result<Step, Fault> {
        match self.stage {
            Stage::Opened => Ok(self.enter(match wire.environment {
                _ if self.is_abandoned() => Stage::Close,
                Environment::Untried => Stage::Environment,
                Environment::Refused => Stage::Start,
            })),
            Stage::Environment => self.set_version(wire),
            Stage::Start => self.start(),
            Stage::Talk => self.talk(wire),
            Stage::Close => self.close(),
        }
    }

    /// Ends the command as the session ends.
    pub(super) fn fail(mut self, fault: Fault) {
        if let Some(reply) = self.reply.take() {
            reply.end(Err(fault));
        }
    }

    /// Servers that know no later version of the protocol, or are not set up for it, refuse this.
    fn set_version(&mut self, wire: &mut Wire) -> Result<Step, Fault> {
        match self.channel.setenv("GIT_PROTOCOL", "version=2") {
            Ok(()) => {}
            Err(error) if would_block(&error) => return Ok(Step::Waiting),
            Err(error) if is_denied(&error) => wire.environment = Environment::Refused,
            Err(error) => return Err(Fault::of(&error)),
        }
        Ok(self.enter(if self.is_abandoned() { Stage::Close } else { Stage::Start }))
    }

    fn start(&mut self) -> Result<Step, Fault> {
        match self.channel.exec(&self.command) {
            Ok(()) => Ok(self.enter(Stage::Talk)),
            Err(error) if would_block(&error) => Ok(Step::Waiting),
            Err(error) if is_denied(&error) => {
                self.end(Err(Fault::CommandRefused));
                Ok(self.enter(Stage::Close))
            }
            Err(error) => Err(Fault::of(&error)),
        }
    }

    fn talk(&mut self, wire: &mut Wire) -> Result<Step, Fault> {
        let wrote = self.write().map_err(|error| wire.broken(&error))?;
        let read = self.read(&mut wire.buffer).map_err(|error| wire.broken(&error))?;
        let heard = self.listen().map_err(|error| wire.broken(&error))?;
        let is_over = self.output_ended && !heard;
        if is_over || (self.is_abandoned() && !wire.is_sending()) {
            return Ok(self.enter(Stage::Close));
        }
        Ok(if wrote || read || heard { Step::Moved } else { Step::Waiting })
    }

    fn write(&mut self) -> io::Result<bool> {
        if self.input.is_empty() {
            return Ok(false);
        }
        match self.channel.write(&self.input) {
            Ok(count) => {
                // Nothing is lost: libssh2 takes no more than it is given.
                let _ = self.input.split_to(count);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let Some(reply) = self.reply.as_ref().filter(|_| !self.output_ended) else { return Ok(false) };
        let Some(place) = reply.place() else { return Ok(false) };
        match self.channel.read(buffer) {
            Ok(0) => self.output_ended = true,
            Ok(count) => place.send(Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Takes in what the command says to people, so that it does not stand in the way.
    fn listen(&mut self) -> io::Result<bool> {
        let mut piece = [0; MAX_SAID];
        match self.channel.stderr().read(&mut piece) {
            Ok(count) => {
                let room = MAX_SAID.saturating_sub(self.said.len()).min(count);
                self.said.extend_from_slice(piece.get(..room).unwrap_or_default());
                Ok(count > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn close(&mut self) -> Result<Step, Fault> {
        match self.channel.close() {
            Err(error) if would_block(&error) => Ok(Step::Waiting),
            // A channel that is not closed in order is gone as well.
            Ok(()) | Err(_) => {
                let status = self.channel.exit_status().unwrap_or_default();
                let said = std::mem::take(&mut self.said);
                self.end(Ok(Ending { status, said }));
                Ok(Step::Done)
            }
        }
    }

    fn enter(&mut self, stage: Stage) -> Step {
        (self.stage, self.since) = (stage, Instant::now());
        Step::Moved
    }

    fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_none_or(Reply::is_abandoned)
    }

    fn end(&mut self, ending: Result<Ending, Fault>) {
        if let Some(reply) = self.reply.take() {
            reply.end(ending);
        }
    }
}
