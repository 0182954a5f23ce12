//! `schedule list, next`.

use chrono::SecondsFormat;
use suitesync_contract::ScheduleName;

use super::arguments::ScheduleCommand;
use super::fault::{Exit, Fault};
use super::look::{Look, Paint};
use super::route::Route;
use super::session::Session;
use super::table::{Cell, Table};
use super::wording::{ago, escaped, until};
use crate::views::{ScheduleView, SlotView};

const NONE_YET: &str =
    "There are no schedules yet: add a [[schedule]] to the configuration; `suitesync check` validates it.\n";

pub(super) async fn run(command: &ScheduleCommand, session: &mut Session) -> Result<Exit, Fault> {
    match command {
        ScheduleCommand::List => {
            let schedules: Vec<ScheduleView> = session.client.get(Route::of("schedules")).await?;
            session.screen.show(&schedules, |schedules, look| list(schedules, look))?;
            Ok(Exit::Done)
        }
        ScheduleCommand::Next { name, count } => next(name.as_ref(), *count, session).await,
    }
}

async fn next(name: Option<&ScheduleName>, count: Option<u32>, session: &mut Session) -> Result<Exit, Fault> {
    let route = Route::of("schedules");
    let route = name.map_or(route.clone(), |name| route.named(name.as_str()));
    let slots: Vec<SlotView> = session.client.get(route.then("next").with("count", count)).await?;
    session.screen.show(&slots, |slots, look| foretold(slots, look))?;
    Ok(Exit::Done)
}

fn list(schedules: &[ScheduleView], look: &Look) -> String {
    if schedules.is_empty() {
        return NONE_YET.to_owned();
    }
    let mut table = Table::new(["NAME", "LINK", "SUITES", "WHEN", "NEXT", "LAST RUN", "STATE"], look);
    for schedule in schedules {
        table.row([
            Cell::new(&schedule.name),
            Cell::new(&schedule.link),
            Cell::new(schedule.suites.join(", ")),
            Cell::new(format!("{} {}", schedule.cron, schedule.time_zone)),
            Cell::new(schedule.next.map_or_else(|| "never".to_owned(), |next| until(next, look.now))),
            last(schedule, look),
            state(schedule),
        ]);
    }
    table.render() + &unserved(schedules)
}

/// Why runs of schedules wait, or end at once.
fn unserved(schedules: &[ScheduleView]) -> String {
    let lacking = schedules.iter().filter_map(|schedule| Some((schedule, schedule.unserved.as_ref()?)));
    let line = |(schedule, why): (&ScheduleView, &String)| {
        format!("No delegate can take the runs of {} now: {}.\n", escaped(&schedule.name), escaped(why))
    };
    lacking.map(line).collect()
}

fn last(schedule: &ScheduleView, look: &Look) -> Cell {
    match &schedule.last {
        Some(last) => {
            let status = last.status.code();
            Cell::painted(Paint::of_status(status), format!("{status}, {} (run {})", ago(last.at, look.now), last.id))
        }
        None => Cell::new("none"),
    }
}

fn state(schedule: &ScheduleView) -> Cell {
    match &schedule.reason {
        Some(reason) => Cell::painted(Paint::Warning, reason),
        None => Cell::status("enabled"),
    }
}

fn foretold(slots: &[SlotView], look: &Look) -> String {
    if slots.is_empty() {
        return NONE_YET.to_owned();
    }
    let mut table = Table::new(["SCHEDULE", "BEGINS", "TIME ZONE", "UTC", "FROM NOW"], look);
    for slot in slots {
        table.row([
            Cell::new(&slot.schedule),
            Cell::new(slot.local.format("%a %Y-%m-%d %H:%M:%S %:z")),
            Cell::new(&slot.time_zone),
            Cell::new(slot.at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            Cell::new(until(slot.at, look.now)),
        ]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use suitesync_contract::RunId;

    use super::super::look::tests::{look, plain};
    use super::*;
    use crate::domain::run::{Overlap, RunStatus};
    use crate::domain::schedule::Missed;
    use crate::views::LastRun;

    fn schedule(name: &str, reason: Option<&str>, last: Option<LastRun>) -> ScheduleView {
        ScheduleView {
            name: name.to_owned(),
            link: "checkout-tests".to_owned(),
            suites: vec!["Test Suites/Smoke".to_owned()],
            cron: "0 30 2 * * *".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            overlap: Overlap::Skip,
            missed: Missed::Skip,
            enabled: reason.is_none(),
            reason: reason.map(str::to_owned),
            unserved: None,
            next: Some(look().now + TimeDelta::hours(21)),
            last,
        }
    }

    #[test]
    fn a_listing_tells_what_is_next_and_what_was_last() {
        let last = LastRun { id: RunId(12), status: RunStatus::Failed, at: look().now - TimeDelta::minutes(90) };
        let schedules = [schedule("nightly", None, Some(last)), schedule("weekly", Some("link_archived"), None)];
        let wide = Look { width: None, ..look() };
        insta::assert_snapshot!(plain(&list(&schedules, &wide)), @"
        NAME     LINK            SUITES             WHEN                        NEXT     LAST RUN                  STATE
        nightly  checkout-tests  Test Suites/Smoke  0 30 2 * * * Europe/Berlin  in 21 h  failed, 1 h ago (run 12)  enabled
        weekly   checkout-tests  Test Suites/Smoke  0 30 2 * * * Europe/Berlin  in 21 h  none                      link_archived
        ");
    }

    #[test]
    fn why_no_delegate_can_take_its_runs_is_told_below() {
        let unserved = Some("dc1: draining; dc2: missing tag mac".to_owned());
        let waiting = ScheduleView { unserved, ..schedule("nightly", None, None) };
        let shown = plain(&list(&[waiting], &look()));
        let told = "No delegate can take the runs of nightly now: dc1: draining; dc2: missing tag mac.\n";
        assert!(shown.ends_with(told), "{shown}");
    }

    #[test]
    fn slots_are_foretold_on_the_clocks_of_their_zone_and_in_utc() {
        let slot = SlotView {
            schedule: "nightly".to_owned(),
            at: "2026-03-29T01:00:00Z".parse().unwrap(),
            time_zone: "Europe/Berlin".to_owned(),
            local: "2026-03-29T03:00:00+02:00".parse().unwrap(),
        };
        insta::assert_snapshot!(plain(&foretold(&[slot], &look())), @"
        SCHEDULE  BEGINS                          TIME ZONE      UTC                   FROM NOW
        nightly   Sun 2026-03-29 03:00:00 +02:00  Europe/Berlin  2026-03-29T01:00:00Z  in 53 d
        ");
    }

    #[test]
    fn an_empty_listing_says_what_to_do() {
        assert!(list(&[], &look()).starts_with("There are no schedules yet: add a [[schedule]]"));
        assert_eq!(foretold(&[], &look()), list(&[], &look()));
    }
}
