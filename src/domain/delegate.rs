//! Whether a delegate can be given tasks, and why not.

use std::fmt;

/// What a delegate is at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DelegateStatus {
    /// It has never answered yet.
    Starting,
    Connected,
    /// It ends what it has and takes nothing new.
    Draining,
    /// It is gone, or could not be begun.
    Lost,
}

impl DelegateStatus {
    pub fn code(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Connected => "connected",
            Self::Draining => "draining",
            Self::Lost => "lost",
        }
    }
}

/// Why a delegate is lost. Told as a part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// Whoever has it stopped it, and it said so.
    Stopped,
    Because(String),
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "it was stopped",
            Self::Because(why) => why,
        })
    }
}
