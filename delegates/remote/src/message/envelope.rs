//! What stands on a message: whose task it is about, what is in it, and which part of the whole it is.

use serde::{Deserialize, Serialize};

use super::{Key, PROTOCOL, Part};

/// The header that holds an [`Envelope`] as JSON.
pub const ENVELOPE: &str = "Suitesync";

/// What a whole is, once its parts are together: JSON of a type of `suitesync-contract`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A `Task`.
    Task,
    /// A `Progress` that may not be lost: that a run was started, and its log.
    Progress,
    /// An `Outcome`.
    Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    pub protocol: u32,
    pub key: Key,
    pub content: Content,
    pub part: Part,
}

impl Envelope {
    pub(crate) fn new(key: Key, content: Content, part: Part) -> Self {
        Self { protocol: PROTOCOL, key, content, part }
    }

    /// What the server tells repetitions of this part by.
    pub(crate) fn message_id(&self, subject: &str) -> String {
        let content = match self.content {
            Content::Task => "task",
            Content::Progress => "progress",
            Content::Outcome => "outcome",
        };
        let Part { index, count, hash, .. } = &self.part;
        format!("{subject}/{}/{content}/{index}/{count}/{hash}", self.key)
    }
}
