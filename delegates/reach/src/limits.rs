//! How long a server may take: the numbers that keep a silent or dripping one to its own link.

use std::time::Duration;

/// Time limits of one exchange with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// Name resolution, TCP and TLS together.
    pub connect: Duration,
    /// From the request to the head of its answer.
    pub first_byte: Duration,
    /// Between two pieces of an answer.
    pub stall: Duration,
    /// Over any such time an answer must bring `rate_bytes`.
    pub rate_window: Duration,
    /// What an answer must bring over one `rate_window`.
    pub rate_bytes: u64,
}

impl TimeLimits {
    /// Two lost SYN packets are sent again after 1 s and 3 s; what is not connected by then is down or filtered.
    pub const CONNECT: Duration = Duration::from_secs(10);
    /// A healthy server may think for a minute before it answers, counting the objects of a large repository.
    pub const FIRST_BYTE: Duration = Duration::from_secs(60);
    /// Git servers send a keep-alive every 5 s while they think, so a minute of silence is a dead one.
    pub const STALL: Duration = Duration::from_secs(60);
    /// Short enough to end a drip in 2 min. A fetch counts anew with every keep-alive of a server that has not begun to
    /// send its pack.
    pub const RATE_WINDOW: Duration = Duration::from_secs(100);
    /// 1 KiB in a window: less than any link that is of use, more than keep-alives or a byte a second.
    pub const RATE_BYTES: u64 = 1024;
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Self::CONNECT,
            first_byte: Self::FIRST_BYTE,
            stall: Self::STALL,
            rate_window: Self::RATE_WINDOW,
            rate_bytes: Self::RATE_BYTES,
        }
    }
}
