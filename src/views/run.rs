//! Runs as they are shown. A line of `run list` is the catalog's own record.

use serde::{Deserialize, Serialize};

use crate::catalog::results::ResultRecord;
use crate::catalog::run::RunRecord;

/// `run show`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunDetail {
    #[serde(flatten)]
    pub run: RunRecord,
    /// In the order of the reports.
    pub results: Vec<ResultRecord>,
}
