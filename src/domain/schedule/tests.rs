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

/// What falls due of a schedule in Berlin, by policy: the slot that is run, and how many are missed.
fn check_away(cron: &str, consumed: &str, now: &str, (skipped, made_up): ((Option<&str>, u64), (&str, u64))) {
    let timetable = timetable(cron, "Europe/Berlin");
    let due = |missed| timetable.due(time(consumed), time(now), time(LONG_AGO), missed).unwrap();
    let (skip, run_once) = (due(Missed::Skip), due(Missed::RunOnce));
    assert_eq!((skip.run, skip.missed), (skipped.0.map(time), skipped.1), "{cron} {now}");
    assert_eq!((run_once.run, run_once.missed), (Some(time(made_up.0)), made_up.1), "{cron} {now}");
    assert_eq!(skip.consumed, run_once.consumed);
    let again = timetable.due(skip.consumed, time(now), time(LONG_AGO), Missed::RunOnce);
    assert_eq!(again, None, "{cron} {now}");
}

#[test]
fn slots_that_pass_while_clocks_change_are_missed_one_by_one() {
    let nightly = "0 30 2 * * *";
    let (consumed, last) = ("2026-03-27T01:30:00Z", "2026-03-30T00:30:00Z");
    check_away(nightly, consumed, "2026-03-30T09:00:00Z", ((None, 3), (last, 2)));
    // The slot in the gap has moved to its end.
    check_away(nightly, consumed, "2026-03-29T09:00:00Z", ((None, 2), ("2026-03-29T01:00:00Z", 1)));
    check_away(
        nightly,
        consumed,
        "2026-03-29T01:00:30Z",
        ((Some("2026-03-29T01:00:00Z"), 1), ("2026-03-29T01:00:00Z", 1)),
    );
    let (consumed, last) = ("2026-10-23T00:30:00Z", "2026-10-26T01:30:00Z");
    check_away(nightly, consumed, "2026-10-26T09:00:00Z", ((None, 3), (last, 2)));
    // The second of the two half past two is no slot.
    check_away(nightly, consumed, "2026-10-25T01:30:30Z", ((None, 2), ("2026-10-25T00:30:00Z", 1)));
    let hourly = "0 0 * * * *";
    check_away(hourly, "2026-10-24T23:00:00Z", "2026-10-25T03:30:00Z", ((None, 4), ("2026-10-25T03:00:00Z", 3)));
    check_away(hourly, "2026-03-28T23:00:00Z", "2026-03-29T03:30:00Z", ((None, 4), ("2026-03-29T03:00:00Z", 3)));
}

#[test]
fn a_clock_that_is_set_brings_no_slot_twice_and_loses_none() {
    let hourly = timetable("0 0 * * * *", "UTC");
    let check = |consumed: &str, now: &str, expect: Option<(Option<&str>, u64)>| {
        let due = hourly.due(time(consumed), time(now), time(LONG_AGO), Missed::Skip);
        let expect = expect.map(|(run, missed)| (run.map(time), missed));
        assert_eq!(due.map(|due| (due.run, due.missed)), expect, "{now} after {consumed}");
    };
    // Set back by an hour after ten: nine and ten do not come again, eleven comes.
    let ten = "2026-11-21T10:00:00Z";
    for now in ["2026-11-21T09:00:05Z", "2026-11-21T09:59:59Z", "2026-11-21T10:00:01Z"] {
        check(ten, now, None);
    }
    check(ten, "2026-11-21T11:00:01Z", Some((Some("2026-11-21T11:00:00Z"), 0)));
    // Set forward by a day: its slots are missed, and the next one comes.
    check(ten, "2026-11-22T10:30:00Z", Some((None, 24)));
    check(ten, "2026-11-22T10:00:05Z", Some((Some("2026-11-22T10:00:00Z"), 23)));
    check("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z", Some((Some("2026-11-22T11:00:00Z"), 0)));
}

#[test]
fn what_a_clock_has_dealt_with_that_was_wrong_by_more_than_a_day_is_told_apart() {
    let now = time("2026-11-21T10:00:00Z");
    assert!(time("2026-11-22T10:00:00Z") <= latest_consumed(now));
    assert!(time("2026-11-22T10:00:01Z") > latest_consumed(now));
    assert_eq!(latest_consumed(DateTime::<Utc>::MAX_UTC), DateTime::<Utc>::MAX_UTC);
}

/// The slot that comes next is the one that has fallen due when it begins, and until the one after it does: else it
/// would be looked for again and again, or come twice.
#[test]
fn the_next_slot_and_the_last_one_agree_wherever_clocks_change() {
    let crons = ["0 30 2 * * *", "0 */20 * * * *", "0 0 * * * *", "0 15 1,2,3 * * *", "30 59 1 * * SUN", "@daily"];
    let days = [
        ("Europe/Berlin", "2026-03-28T20:00:00Z"),
        ("Europe/Berlin", "2026-10-24T20:00:00Z"),
        ("Europe/Dublin", "2026-10-24T20:00:00Z"),
        ("America/New_York", "2026-03-08T02:00:00Z"),
        ("America/New_York", "2026-11-01T02:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T10:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T10:00:00Z"),
        ("America/Havana", "2026-03-08T00:00:00Z"),
        ("Africa/Cairo", "2026-04-23T16:00:00Z"),
    ];
    for (cron, (zone, from)) in crons.iter().flat_map(|cron| days.map(|day| (cron, day))) {
        let timetable = timetable(cron, zone);
        let mut consumed = time(from);
        for _ in 0..40 {
            let slot = timetable.slot_after(consumed).unwrap();
            let next = timetable.slot_after(slot).unwrap();
            for now in [slot, next - TimeDelta::seconds(1)] {
                let due = timetable.due(consumed, now, time(LONG_AGO), Missed::RunOnce);
                let expect = Due { run: Some(slot), missed: 0, consumed: slot };
                assert_eq!(due, Some(expect), "{cron} in {zone} at {now} after {consumed}");
            }
            consumed = slot;
        }
    }
}
