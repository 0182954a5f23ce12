//! Whether a delegate can be given tasks.

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
