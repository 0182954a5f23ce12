//! Waiting on a socket, from which a thread can be called away.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use ssh2::BlockDirections;

/// Ends a wait on another thread at once.
#[derive(Debug)]
pub(super) struct Waker(OwnedFd);

/// What a wait has found about the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Connected,
    /// It closed its side, though what it said before may still be to be read.
    Gone,
}

impl Waker {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    pub(super) fn wake(&self) {
        // It fails only where the counter is full, and then the other side is awake.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Waits for the socket, for a call, or for the time to pass, whichever comes first.
    pub(super) fn wait(
        &self,
        socket: BorrowedFd<'_>,
        directions: &BlockDirections,
        longest: Duration,
    ) -> io::Result<Peer> {
        let interest = PollFlags::RDHUP | flags(directions);
        let mut waited = [PollFd::from_borrowed_fd(socket, interest), PollFd::new(&self.0, PollFlags::IN)];
        let longest = Timespec::try_from(longest).ok();
        match poll(&mut waited, longest.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut counter = [0; 8];
        // There is nothing to read where nobody called.
        let _ = rustix::io::read(self.0.as_fd(), &mut counter);
        let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        let [socket, _] = &waited;
        Ok(if socket.revents().intersects(gone) { Peer::Gone } else { Peer::Connected })
    }
}

fn flags(directions: &BlockDirections) -> PollFlags {
    match directions {
        BlockDirections::None => PollFlags::empty(),
        BlockDirections::Inbound => PollFlags::IN,
        BlockDirections::Outbound => PollFlags::OUT,
        BlockDirections::Both => PollFlags::IN | PollFlags::OUT,
    }
}

/// The time that is left until then.
pub(super) fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}
