//! A name that one holds at a time: by the last message on a subject, which is only ever written after one's own.

use std::time::Duration;

use async_nats::jetstream::stream::Stream;
use bytes::Bytes;

use super::streams::last;
use super::{Bus, RemoteError, Unstored};

/// Between signs of life of whoever holds a seat.
pub(crate) const BEAT: Duration = Duration::from_secs(2);

/// A seat whose holder was silent for this long is free: more than two beats.
const WATCHED_FOR: Duration = Duration::from_secs(5);

pub(crate) struct Seat {
    subject: String,
    sequence: u64,
}

impl Seat {
    /// Takes the seat, once it is free: at once where nobody has it, or `is_free` says so of the last message; nothing if
    /// another holds it and is alive.
    pub(crate) async fn take(
        stream: &Stream,
        subject: String,
        is_free: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<Self>, RemoteError> {
        let Some(found) = last(stream, &subject).await? else {
            return Ok(Some(Self { subject, sequence: 0 }));
        };
        if is_free(&found.body) {
            return Ok(Some(Self { subject, sequence: found.sequence }));
        }
        tokio::time::sleep(WATCHED_FOR).await;
        let sequence = last(stream, &subject).await?.map_or(0, |last| last.sequence);
        Ok((sequence == found.sequence).then_some(Self { subject, sequence }))
    }

    /// Says something as its holder; an error if another took it meanwhile.
    pub(crate) async fn say(&mut self, bus: &Bus, body: Bytes) -> Result<(), Unstored> {
        self.sequence = bus.store_after(&self.subject, self.sequence, body).await?;
        Ok(())
    }
}
