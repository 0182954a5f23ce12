//! The shapes of what is said: an envelope in a header, and a body of JSON that may come in parts.

mod announcement;
mod envelope;
mod key;
mod parts;
mod reception;

use serde::{Deserialize, Serialize};

pub use announcement::{Announcement, Attendance};
pub use envelope::{Content, ENVELOPE, Envelope};
pub use key::{InvalidKey, Key};
pub(crate) use parts::{Assembly, split};
pub use parts::{MAX_WHOLE, Part, PartFault};
pub use reception::{Reception, Refusal};

/// The version of what is spoken here.
pub const PROTOCOL: u32 = 1;

/// Tasks of a delegate that are not wanted any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    pub keys: Vec<Key>,
}
