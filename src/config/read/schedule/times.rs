//! When a schedule falls due, and what its times mean for its runs.

use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::DateTime;
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::config::place::Placed;
use crate::config::report::Finding;
use crate::config::section::{Section, shown};
use crate::domain::cadence::CronExpression;
use crate::domain::nearest::nearest;
use crate::domain::schedule::Timetable;

/// Runs are spread over a day at most: beyond it they would belong to another one.
const JITTERS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);

/// `name` decides the share of the jitter.
pub(super) fn read(section: &Section<'_>, name: &str) -> Option<Timetable> {
    let cron = read_cron(section);
    let zone = read_zone(section);
    let jitter = section.duration("jitter", JITTERS);
    let timetable = Timetable::new(cron?, zone?, jitter.map_or(Duration::ZERO, |jitter| jitter.value), name);
    if let Some(jitter) = jitter {
        warn_of_long_jitter(section, &timetable, jitter);
    }
    Some(timetable)
}

fn read_cron(section: &Section<'_>) -> Option<CronExpression> {
    let text = section.required_text("cron")?;
    CronExpression::parse(text.value).map_err(|fault| section.refuse_time("cron", text.place, fault)).ok()
}

fn read_zone(section: &Section<'_>) -> Option<Tz> {
    if section.value("time_zone").is_none() {
        return Some(Tz::UTC);
    }
    let text = section.text("time_zone")?;
    let zone = text.value.parse().ok();
    if zone.is_none() {
        let help = match nearest_zone(text.value) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "a name of the IANA database, such as \"Europe/Berlin\" or \"UTC\"".to_owned(),
        };
        section.report.add(Finding::error(text.place, format!("there is no time zone `{}`", text.value)).help(help));
    }
    zone
}

/// The zone that was probably meant: by its whole name, or by its city alone.
fn nearest_zone(written: &str) -> Option<&'static str> {
    let names = TZ_VARIANTS.iter().map(|zone| zone.name());
    let city = written.trim().replace(' ', "_");
    let is_city = |name: &&str| name.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&city));
    names.clone().find(is_city).or_else(|| nearest(written, names))
}

fn warn_of_long_jitter(section: &Section<'_>, timetable: &Timetable, jitter: Placed<Duration>) {
    let Some(distance) = distance(timetable).filter(|distance| jitter.value > *distance) else { return };
    let message = format!("`jitter` is longer than the {} from one slot to the next", shown(distance));
    section
        .report
        .add(Finding::warning(jitter.place, message).help("runs may begin after the slot that follows theirs"));
}

/// Warns where runs that wait for the one before them may become more and more.
pub(super) fn warn_of_growing_queue(section: &Section<'_>, timetable: &Timetable, timeout: Placed<Duration>) {
    let Some(distance) = distance(timetable).filter(|distance| timeout.value > *distance) else { return };
    let (distance, timeout, place) = (shown(distance), shown(timeout.value), timeout.place);
    let message = format!("the queue may grow: slots are {distance} apart, and a run may take {timeout}");
    let help = format!("set `timeout` to at most \"{distance}\", or `overlap` to \"skip\" or \"replace\"");
    section.report.add(Finding::warning(place, message).help(help));
}

/// From the first slot to the second, of some day: without a clock, and telling enough.
fn distance(timetable: &Timetable) -> Option<Duration> {
    let first = timetable.slot_after(DateTime::UNIX_EPOCH)?;
    (timetable.slot_after(first)? - first).to_std().ok()
}
