//! Takes in reports of runs that were made elsewhere, a few results at a time: ticks and acts are written between them.

use std::sync::Arc;

use chrono::Utc;
use suitesync_contract::ResultFile;

use crate::catalog::delivery::{self, NewDelivery};
use crate::catalog::import::{self, ImportRecord};
use crate::catalog::results::Recorded;
use crate::catalog::{Catalog, CatalogError, Change};

/// What came of an import.
#[derive(Debug)]
pub enum Imported {
    Now(Recorded),
    /// The project has the results of this file.
    Before(ImportRecord),
}

/// Records a report, all of it or nothing. What breaks off is taken away before the same one is tried again, and at a
/// start; so there may be only one at a time. A report without results leaves nothing.
pub async fn import(
    catalog: &Catalog,
    by: &str,
    new: NewDelivery,
    report: Arc<ResultFile>,
) -> Result<Imported, CatalogError> {
    if report.cases.is_empty() {
        return Ok(Imported::Now(Recorded::default()));
    }
    let key = new.clone();
    let known = move |sql: &rusqlite::Connection| {
        let before = import::find(sql, &key.project, &key.content)?;
        Ok((before, delivery::broken(sql, &key.project, &key.content)?))
    };
    let (before, broken) = catalog.read(known).await?;
    if let Some(before) = before {
        return Ok(Imported::Before(before));
    }
    if broken.is_some() {
        clear(catalog, broken).await?;
    }
    let begun = new.clone();
    let delivery = catalog.write(move |change| delivery::begin(change.sql(), begun, Utc::now())).await?;
    let (id, mut recorded) = (delivery.id, Recorded::default());
    for write in delivery.writes(vec![Arc::clone(&report)]) {
        recorded += catalog.write(write).await?;
    }
    let complete = move |change: &mut Change<'_>| import::complete(change, id, (&new, &report), recorded, Utc::now());
    catalog.write_durably(Some(by), complete).await?;
    Ok(Imported::Now(recorded))
}

/// Takes away what deliveries that broke off have left, before any begins.
pub async fn clear_broken(catalog: &Catalog) -> Result<(), CatalogError> {
    clear(catalog, None).await
}

/// Takes away what one delivery has left that is not to count, or every one.
pub(super) async fn clear(catalog: &Catalog, id: Option<i64>) -> Result<(), CatalogError> {
    while !catalog.write(move |change| delivery::clear(change.sql(), id)).await? {}
    Ok(())
}

#[cfg(test)]
mod tests;
