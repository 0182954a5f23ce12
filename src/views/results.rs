//! Results as they are shown: with the case that they are of, and as they are imported.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use suitesync_contract::ResultFileState;

use crate::catalog::contents::cases::CaseRecord;
use crate::catalog::results::{Recorded, ResultRecord};

/// `case show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaseDetail {
    #[serde(flatten)]
    pub case: CaseRecord,
    /// The newest ones, oldest first.
    pub results: Vec<ResultRecord>,
}

/// What came of one file of `result import`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportView {
    pub source: String,
    /// How much of it could be read; what could be is recorded.
    pub state: ResultFileState,
    #[serde(flatten)]
    pub recorded: Recorded,
    /// When the project got the results of this file, if it had them already: nothing is recorded now.
    pub already_imported_at: Option<DateTime<Utc>>,
    /// Which project was meant, or which ones there are, where no link belongs to the one that was named.
    #[serde(default)]
    pub unknown_project: Option<String>,
    /// What a person should know of how it was read.
    pub notices: Vec<String>,
}
