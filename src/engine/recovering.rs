//! A catalog that refuses what is to be written: told once, tried until it takes something again, and told then.
//!
//! Nobody knows that there is room but by writing: until then `status` shows what was refused last.

use std::time::Duration;

use chrono::Utc;
use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, audit};
use crate::domain::event::{Event, EventName};

/// Somebody who makes room sees within this time that it helped.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Looks after `catalog` until `stop`.
pub async fn follow(catalog: Catalog, stop: CancellationToken) {
    stop.run_until_cancelled(recover_each_time(&catalog)).await;
}

async fn recover_each_time(catalog: &Catalog) {
    let mut refusals = catalog.follow_refusals();
    // It ends with the catalog.
    while let Ok(refused) = refusals.wait_for(Option::is_some).await.map(|refused| refused.clone()) {
        let since = Utc::now();
        if let Some(failure) = refused {
            audit::log(&Event::new(since, EventName::CatalogUnwritable, failure.message.as_str()).failure(&failure));
        }
        loop {
            tokio::time::sleep(AGAIN_AFTER).await;
            let message = "the catalog can be written again";
            let event = Event::new(Utc::now(), EventName::CatalogWritable, message);
            if catalog.tell(event.field("unwritable_ms", (Utc::now() - since).num_milliseconds())).await.is_ok() {
                break catalog.forgive();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{CatalogError, Change};

    #[tokio::test]
    async fn a_catalog_that_was_refused_a_write_is_tried_until_it_takes_one() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
        let mut events = catalog.follow();
        let refuse = |_: &mut Change<'_>| Err::<(), _>(CatalogError::Sqlite(rusqlite::Error::ExecuteReturnedResults));
        catalog.write(refuse).await.unwrap_err();
        assert!(catalog.unwritable().is_some());
        tokio::time::pause();
        let stop = CancellationToken::new();
        let following = follow(catalog.clone(), stop.clone());
        let told = async {
            let told = events.recv().await.unwrap();
            catalog.follow_refusals().wait_for(Option::is_none).await.unwrap();
            stop.cancel();
            told
        };
        let ((), told) = tokio::join!(following, told);
        assert_eq!(told.name, EventName::CatalogWritable);
    }
}
