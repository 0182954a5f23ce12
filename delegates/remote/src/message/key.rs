//! What a task that was handed out is known by on both sides.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use suitesync_contract::RunId;

/// A run is known by itself over restarts of the agent; any other task to one start of the agent alone, its epoch.
///
/// Written as `run-12-3` or `task-5f0c1e7a90b1c2d3-41`, which is also how messages are told apart from their repetitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Key {
    Run { run: RunId, fence: u64 },
    Task { epoch: u64, serial: u64 },
}

/// A text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is `run-RUN-FENCE` or `task-EPOCH-SERIAL`")]
pub struct InvalidKey;

impl Key {
    pub fn is_run(self) -> bool {
        matches!(self, Self::Run { .. })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { run, fence } => write!(f, "run-{run}-{fence}"),
            Self::Task { epoch, serial } => write!(f, "task-{epoch:016x}-{serial}"),
        }
    }
}

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let mut words = text.split('-');
        let (kind, first, second) = (words.next(), words.next(), words.next());
        let (Some(kind), Some(first), Some(second), None) = (kind, first, second, words.next()) else {
            return Err(InvalidKey);
        };
        let number = |text: &str| text.parse().map_err(|_| InvalidKey);
        let key = match kind {
            "run" => Self::Run { run: RunId(number(first)?), fence: number(second)? },
            "task" => {
                let epoch = u64::from_str_radix(first, 16).map_err(|_| InvalidKey)?;
                Self::Task { epoch, serial: number(second)? }
            }
            _ => return Err(InvalidKey),
        };
        // One key has one text: `+1` and `01` are none.
        if key.to_string() == text { Ok(key) } else { Err(InvalidKey) }
    }
}

impl TryFrom<String> for Key {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_text() {
        for key in [
            Key::Run { run: RunId(12), fence: 3 },
            Key::Task { epoch: 7, serial: 0 },
            Key::Task { epoch: u64::MAX, serial: u64::MAX },
        ] {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
    }

    #[test]
    fn other_texts_are_no_keys() {
        for text in ["", "run-1", "run-1-2-3", "run-+1-2", "run-01-2", "run-x-2", "task-7-0", "ran-1-2", "run-../-1"] {
            assert_eq!(text.parse::<Key>(), Err(InvalidKey), "{text}");
        }
    }
}
