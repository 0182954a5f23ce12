//! What an agent says to a delegate that announces itself and does not know whether it may serve.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Said again until an announcement shows that it was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reception {
    /// Nothing where the delegate may serve.
    pub refusal: Option<Refusal>,
}

/// Why a delegate may not serve an agent. Told as a part of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// `accept` in the agent's configuration does not allow its name.
    NotAccepted,
    /// A delegate of the agent's own host has its name.
    NameTaken,
}

impl Refusal {
    /// The next step.
    pub fn hint(self) -> &'static str {
        match self {
            Self::NotAccepted => "add it there, or give the delegate another name",
            Self::NameTaken => "give one of them another name",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAccepted => "`accept` in the agent's [remote] does not allow the name",
            Self::NameTaken => "a delegate of the agent's own host has the name",
        })
    }
}
