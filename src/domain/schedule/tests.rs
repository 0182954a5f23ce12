//! Slots where clocks change, worked out by hand, and slots that nobody was there for.

use super::*;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn timetable(cron: &str, zone: &str) -> Timetable {
    Timetable::new(CronExpression::parse(cron).unwrap(), zone.parse().unwrap(), Duration::ZERO, "nightly")
}

/// The slots after a time, as the clocks of the zone show them.
fn check(zone: &str, cron: &str, after: &str, expect: &[&str]) {
    let timetable = timetable(cron, zone);
    let slots = std::iter::successors(timetable.slot_after(time(after)), |slot| timetable.slot_after(*slot));
    let shown: Vec<_> = slots
        .take(expect.len())
        .map(|slot| slot.with_timezone(&timetable.zone()).format("%Y-%m-%d %H:%M %:z").to_string())
        .collect();
    assert_eq!(shown, expect, "{cron} in {zone}");
}

#[test]
fn a_fixed_time_in_the_gap_moves_to_the_first_moment_after_it() {
    let after = ["2026-03-29 02:00 +01:00", "2026-03-30 01:30 +01:00"];
    check("Europe/Dublin", "0 30 1 * * *", "2026-03-28T12:00:00Z", &after);
    let after = ["2026-03-08 03:00 -04:00", "2026-03-09 02:30 -04:00"];
    check("America/New_York", "0 30 2 * * *", "2026-03-07T12:00:00Z", &after);
    let after = ["2026-10-04 02:30 +11:00", "2026-10-05 02:15 +11:00"];
    check("Australia/Lord_Howe", "0 15 2 * * *", "2026-10-03T12:00:00Z", &after);
}

#[test]
fn a_fixed_time_in_the_overlap_comes_once() {
    let after = ["2026-10-25 01:30 +01:00", "2026-10-26 01:30 +00:00"];
    check("Europe/Dublin", "0 30 1 * * *", "2026-10-24T12:00:00Z", &after);
    let after = ["2026-11-01 01:30 -04:00", "2026-11-02 01:30 -05:00"];
    check("America/New_York", "0 30 1 * * *", "2026-10-31T12:00:00Z", &after);
    let after = ["2026-04-05 01:45 +11:00", "2026-04-06 01:45 +10:30"];
    check("Australia/Lord_Howe", "0 45 1 * * *", "2026-04-04T12:00:00Z", &after);
}

#[test]
fn a_repeated_time_skips_the_gap() {
    let after = ["2026-03-29 00:30 +00:00", "2026-03-29 02:00 +01:00", "2026-03-29 02:30 +01:00"];
    check("Europe/Dublin", "0 */30 * * * *", "2026-03-29T00:20:00Z", &after);
}

#[test]
fn a_repeated_time_comes_in_both_halves_of_the_overlap() {
    let after =
        ["2026-10-25 01:30 +01:00", "2026-10-25 01:00 +00:00", "2026-10-25 01:30 +00:00", "2026-10-25 02:00 +00:00"];
    check("Europe/Dublin", "0 */30 * * * *", "2026-10-25T00:00:00Z", &after);
    let after = ["2026-11-01 01:00 -04:00", "2026-11-01 01:00 -05:00", "2026-11-01 02:00 -05:00"];
    check("America/New_York", "0 0 * * * *", "2026-11-01T04:30:00Z", &after);
    // Half an hour only.
    let after = ["2026-04-05 01:45 +11:00", "2026-04-05 01:30 +10:30", "2026-04-05 01:45 +10:30"];
    check("Australia/Lord_Howe", "0 */15 * * * *", "2026-04-04T14:35:00Z", &after);
}

#[test]
fn the_hour_stays_the_same_on_the_clocks_of_the_zone_all_year() {
    let after = ["2026-03-28 18:00 +00:00", "2026-03-29 18:00 +01:00"];
    check("Europe/Dublin", "0 0 18 * * *", "2026-03-28T12:00:00Z", &after);
}

/// The agent is up for as long as anything here goes back.
const LONG_AGO: &str = "2000-01-01T00:00:00Z";

fn check_due(consumed: &str, now: &str, missed: Missed, expect: Option<(Option<&str>, u64)>) {
    let due = timetable("0 0 2 * * *", "UTC").due(time(consumed), time(now), time(LONG_AGO), missed);
    let expect = expect.map(|(run, missed)| (run.map(time), missed));
    assert_eq!(due.map(|due| (due.run, due.missed)), expect, "{consumed} {now} {missed:?}");
}

#[test]
fn a_slot_is_run_once_when_it_is_on_time() {
    let slot = "2026-11-21T02:00:00Z";
    check_due("2026-11-20T02:00:00Z", "2026-11-21T01:59:59Z", Missed::Skip, None);
    check_due("2026-11-20T02:00:00Z", "2026-11-21T02:00:01Z", Missed::Skip, Some((Some(slot), 0)));
    check_due("2026-11-20T02:00:00Z", "2026-11-21T02:01:00Z", Missed::Skip, Some((Some(slot), 0)));
    check_due(slot, "2026-11-21T02:00:01Z", Missed::Skip, None);
}

#[test]
fn missed_slots_are_skipped_or_made_up_for_once() {
    let last = "2026-11-21T02:00:00Z";
    check_due("2026-11-18T02:00:00Z", "2026-11-21T09:00:00Z", Missed::Skip, Some((None, 3)));
    check_due("2026-11-18T02:00:00Z", "2026-11-21T09:00:00Z", Missed::RunOnce, Some((Some(last), 2)));
    // Back just in time for the last one.
    check_due("2026-11-18T02:00:00Z", "2026-11-21T02:00:30Z", Missed::Skip, Some((Some(last), 2)));
}

#[test]
fn years_of_missed_seconds_are_not_counted_out() {
    let due = timetable("* * * * * *", "UTC").due(
        time("2006-01-01T00:00:00Z"),
        time("2026-01-01T00:00:00Z"),
        time(LONG_AGO),
        Missed::Skip,
    );
    assert_eq!(due.map(|due| (due.missed, due.consumed)), Some((999, time("2026-01-01T00:00:00Z"))));
}

#[test]
fn jitter_delays_the_runs_of_a_slot_by_the_same_share_each_time() {
    let jitter = Duration::from_secs(600);
    let hourly = |name| Timetable::new(CronExpression::parse("0 0 * * * *").unwrap(), Tz::UTC, jitter, name);
    let slot = time("2026-11-21T02:00:00Z");
    let begins = hourly("nightly").begins(slot);
    assert!(begins > slot && begins - slot < TimeDelta::seconds(600));
    assert_eq!(hourly("nightly").begins(slot), begins);
    assert_ne!(hourly("other").begins(slot), begins);
    assert_eq!(
        hourly("nightly").due(slot - TimeDelta::hours(1), begins - TimeDelta::seconds(1), time(LONG_AGO), Missed::Skip),
        None
    );
    assert!(hourly("nightly").due(slot - TimeDelta::hours(1), begins, time(LONG_AGO), Missed::Skip).is_some());
}

#[test]
fn what_was_to_begin_while_the_agent_was_down_is_missed_however_short_that_was() {
    let slot = "2026-11-21T02:00:00Z";
    let check = |up_since: &str, missed, expect: Option<&str>| {
        let (before, now) = (time("2026-11-20T02:00:00Z"), time("2026-11-21T02:00:05Z"));
        let due = timetable("0 0 2 * * *", "UTC").due(before, now, time(up_since), missed).unwrap();
        assert_eq!((due.run, due.missed), (expect.map(time), u64::from(expect.is_none())), "{up_since}");
    };
    check("2026-11-21T02:00:00Z", Missed::Skip, Some(slot));
    check("2026-11-21T02:00:01Z", Missed::Skip, None);
    check("2026-11-21T02:00:01Z", Missed::RunOnce, Some(slot));
}
