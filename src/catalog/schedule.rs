//! The slots of schedules that were dealt with: written in the transaction that records their runs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use suitesync_contract::ScheduleName;

use super::Result;
use super::columns::{Columns, millis};
use crate::domain::schedule::{Timetable, latest_consumed};

/// Up to when the slots of each schedule were dealt with.
pub fn consumed(sql: &Connection) -> Result<BTreeMap<ScheduleName, DateTime<Utc>>> {
    let mut statement = sql.prepare_cached("SELECT name, consumed_at FROM schedule")?;
    let rows = statement.query_map([], |row| Ok((row.word("name")?, row.time("consumed_at")?.unwrap_or_default())))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes that every slot up to `slot` is dealt with; whether that is news. One that was dealt with never comes again.
pub fn consume(sql: &Connection, name: &ScheduleName, slot: DateTime<Utc>) -> Result<bool> {
    let mut statement = sql.prepare_cached(
        "INSERT INTO schedule (name, consumed_at) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET consumed_at = ?2 WHERE consumed_at < ?2",
    )?;
    Ok(statement.execute((name.as_str(), millis(slot)))? > 0)
}

/// A schedule that is new, or has other slots than before, begins now: what came earlier is none of its business. So does
/// one whose slots were dealt with by a clock that was wrong.
pub fn begin(sql: &Connection, name: &ScheduleName, timetable: &Timetable, now: DateTime<Utc>) -> Result<()> {
    let mut statement = sql.prepare_cached(
        "INSERT INTO schedule (name, timetable, consumed_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET timetable = ?2,
             consumed_at = CASE WHEN consumed_at > ?4 THEN ?3
                                WHEN timetable IS NULL THEN consumed_at
                                ELSE max(consumed_at, ?3) END
         WHERE timetable IS NOT ?2 OR consumed_at > ?4",
    )?;
    statement.execute((name.as_str(), timetable.to_string(), millis(now), millis(latest_consumed(now))))?;
    Ok(())
}

/// A schedule that is gone begins anew should it come back.
pub fn forget(sql: &Connection, name: &ScheduleName) -> Result<()> {
    sql.prepare_cached("DELETE FROM schedule WHERE name = ?1")?.execute([name.as_str()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::super::{Catalog, Change};
    use super::*;
    use crate::domain::cadence::CronExpression;

    fn timetable(cron: &str) -> Timetable {
        Timetable::new(CronExpression::parse(cron).unwrap(), chrono_tz::UTC, Duration::ZERO, "nightly")
    }

    #[tokio::test]
    async fn a_schedule_with_other_slots_begins_anew_and_one_that_is_as_it_was_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
        let name: ScheduleName = "nightly".parse().unwrap();
        let at = |minutes| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(minutes);
        let taken_up = [("0 0 3 * * *", 0, 0), ("0 0 3 * * *", 5, 0), ("0 54 6 * * *", 9, 9), ("0 54 6 * * *", 12, 9)];
        for (cron, minutes, expect) in taken_up {
            let (timetable, name) = (timetable(cron), name.clone());
            let begin = move |change: &mut Change<'_>| {
                begin(change.sql(), &name, &timetable, at(minutes))?;
                consumed(change.sql())
            };
            let consumed = catalog.write(begin).await.unwrap();
            assert_eq!(consumed.into_values().collect::<Vec<_>>(), [at(expect)], "{cron} at {minutes} min");
        }
    }

    #[tokio::test]
    async fn a_slot_is_dealt_with_once_and_what_a_wrong_clock_dealt_with_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite3")).unwrap();
        let name: ScheduleName = "nightly".parse().unwrap();
        let day = |days| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(days);
        let check = move |change: &mut Change<'_>| {
            let news = [5, 5, 4, 6, 9000].map(|slot| consume(change.sql(), &name, day(slot)).unwrap());
            assert_eq!(news, [true, false, false, true, true]);
            let begins = [(8999, 9000), (8998, 8998), (7, 7)].map(|(now, expect)| {
                begin(change.sql(), &name, &timetable("0 0 3 * * *"), day(now)).unwrap();
                (consumed(change.sql()).unwrap()[&name], day(expect))
            });
            begins.into_iter().for_each(|(found, expect)| assert_eq!(found, expect));
            Ok(())
        };
        catalog.write(check).await.unwrap();
    }
}
