//! Takes in reports of runs that were made elsewhere, a few results at a time: ticks and acts are written between them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use suitesync_contract::ResultFile;

use crate::catalog::import::{self, ImportRecord, NewImport};
use crate::catalog::results::{self, Origin, Recorded};
use crate::catalog::{Catalog, CatalogError, Change};

/// Results in one write: some tens of milliseconds, which nobody minds to wait for.
const AT_ONCE: usize = 500;

/// What came of an import.
#[derive(Debug)]
pub enum Imported {
    Now(Recorded),
    /// The project has the results of this file.
    Before(ImportRecord),
}

/// Records a report, all of it or nothing. What breaks off is taken away before the next one, and at a start; so there
/// may be only one at a time. A report without results leaves nothing.
pub async fn import(
    catalog: &Catalog,
    by: &str,
    new: NewImport,
    report: Arc<ResultFile>,
) -> Result<Imported, CatalogError> {
    if report.cases.is_empty() {
        return Ok(Imported::Now(Recorded::default()));
    }
    let key = new.clone();
    if let Some(before) = catalog.read(move |sql| import::find(sql, &key.project, &key.content)).await? {
        return Ok(Imported::Before(before));
    }
    clear_broken(catalog).await?;
    let begun = new.clone();
    let id = catalog.write(move |change| import::begin(change, &begun)).await?;
    let (mut recorded, now) = (Recorded::default(), Utc::now());
    for first in (0..report.cases.len()).step_by(AT_ONCE) {
        let piece = Piece { import: id, project: new.project.clone(), first, report: Arc::clone(&report) };
        recorded += catalog.write(move |change| piece.record(change, now)).await?;
    }
    let complete = move |change: &mut Change<'_>| import::complete(change, id, (&new, &report), recorded, Utc::now());
    catalog.write_durably(Some(by), complete).await?;
    Ok(Imported::Now(recorded))
}

/// Takes away what imports that broke off have left.
pub async fn clear_broken(catalog: &Catalog) -> Result<(), CatalogError> {
    while !catalog.write(|change| import::clear_broken(change, AT_ONCE)).await? {}
    Ok(())
}

/// Some results of a report.
struct Piece {
    import: i64,
    project: String,
    first: usize,
    report: Arc<ResultFile>,
}

impl Piece {
    fn record(&self, change: &Change<'_>, now: DateTime<Utc>) -> Result<Recorded, CatalogError> {
        let origin = Origin { project: &self.project, run: None, import: Some(self.import), link: None, root: "" };
        let rest = self.report.cases.get(self.first..).unwrap_or_default();
        let cases = rest.get(..AT_ONCE).unwrap_or(rest);
        results::record_some(change.sql(), &origin, (&self.report.path, self.first), cases, now)
    }
}

#[cfg(test)]
mod tests;
