//! `[[schedule]]`: when which suites of a link are run, and how.

mod command;
mod environment;
mod globs;
mod times;

use std::ops::RangeInclusive;
use std::time::Duration;

use suitesync_contract::{LinkName, ScheduleName};

use super::{Context, Declared, NAME_HELP};
use crate::config::place::Placed;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::config::settings::{LinkConfig, ScheduleConfig};
use crate::domain::nearest::suggestion;
use crate::domain::run::Overlap;
use crate::domain::schedule::Missed;

/// What a whole suite of UI tests takes, with room.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3_600);

/// A run may take as long as the longest soak test: a week.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7 * 86_400);

type Links = Declared<LinkName, LinkConfig>;

pub(super) fn read(
    section: &Section<'_>,
    context: &Context<'_>,
    links: &Links,
) -> (Option<Placed<ScheduleName>>, Option<ScheduleConfig>) {
    let name = section.parsed::<ScheduleName>("name", NAME_HELP);
    let link = find_link(section, links);
    let timetable = times::read(section, name.as_ref().map_or("", |name| name.value.as_str()));
    let suites = globs::read_suites(section);
    let command = command::read(section);
    let environment = environment::read(section, context);
    let results = globs::read_results(section);
    let timeout = section.duration("timeout", TIMEOUTS).map_or(DEFAULT_TIMEOUT, |timeout| timeout.value);
    let overlaps = [("skip", Overlap::Skip), ("queue", Overlap::Queue), ("replace", Overlap::Replace)];
    let overlap = section.choice("overlap", &overlaps);
    let missed = section.choice("missed", &[("skip", Missed::Skip), ("run_once", Missed::RunOnce)]);
    let delegate_tags = context.delegate_tags(section);
    if let (Some(timetable), Some(Placed { value: Overlap::Queue, place })) = (&timetable, overlap) {
        times::warn_of_growing_queue(section, timetable, Placed::new(timeout, place));
    }
    let config = || {
        Some(ScheduleConfig {
            name: name.as_ref()?.value.clone(),
            link: link?.clone(),
            timetable: timetable?,
            suites,
            command: command?,
            environment,
            results,
            timeout,
            overlap: overlap.map(|overlap| overlap.value).unwrap_or_default(),
            missed: missed.map(|missed| missed.value).unwrap_or_default(),
            delegate_tags,
        })
    };
    let config = config();
    (name, config)
}

fn find_link<'l>(section: &Section<'_>, links: &'l Links) -> Option<&'l LinkName> {
    let name = section.required_text("link")?;
    let Some((link, config)) = links.get_key_value(name.value) else {
        if !section.report.is_any_broken() {
            let help = suggestion(name.value, "links", links.keys().map(LinkName::as_str));
            section.report.add(Finding::error(name.place, format!("there is no link `{}`", name.value)).help(help));
        }
        return None;
    };
    if let Some(pin) = config.value.as_ref().and_then(|link| link.archived.as_ref()) {
        let message = format!("link `{link}` is archived: every run of it will be canceled");
        let help = format!("take `archived = true` away ({}:{}), or the schedule", pin.file, pin.line);
        section.report.add(Finding::warning(name.place, message).help(help));
    }
    Some(link)
}
