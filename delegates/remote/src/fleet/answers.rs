//! Messages from delegates as they come from the stream, not trusted yet.

use async_nats::jetstream;
use bytes::Bytes;
use suitesync_contract::DelegateName;

use crate::bus::delegate_of;
use crate::message::{ENVELOPE, Envelope};

/// By what a message is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) sequence: u64,
    pub(super) reply: String,
}

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) delegate: DelegateName,
    pub(super) envelope: Envelope,
    pub(super) body: Bytes,
    pub(super) receipt: Receipt,
}

/// What stands on a message of the stream.
pub(super) fn receipt(message: &jetstream::Message) -> Option<Receipt> {
    let sequence = message.info().ok()?.stream_sequence;
    Some(Receipt { sequence, reply: message.reply.as_ref()?.to_string() })
}

/// The answer in a message; nothing where it is none.
pub(super) fn read(message: &async_nats::Message, receipt: Receipt) -> Option<Answer> {
    let header = message.headers.as_ref()?.get(ENVELOPE)?;
    let envelope = serde_json::from_str(header.as_str()).ok()?;
    let delegate = delegate_of(&message.subject)?;
    Some(Answer { delegate, envelope, body: message.payload.clone(), receipt })
}
