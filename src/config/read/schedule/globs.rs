//! Which suites a schedule runs, and which files are its runs' results: paths below the root, and globs over them.

use crate::config::place::Placed;
use crate::config::report::Finding;
use crate::config::section::Section;
use crate::domain::suite_glob::check_glob;

const SUITES: &str = "such as \"Test Suites/Smoke\", \"Test Suites/*\" or \"Test Suites/**\"";
const RESULTS: &str = "such as \"Reports/**/JUnit_Report.xml\"";

pub(super) fn read_suites(section: &Section<'_>) -> Vec<String> {
    let Some(list) = section.require("suites") else { return Vec::new() };
    let suites = read(section, "suites", SUITES);
    if list.value.as_array().is_some_and(|texts| texts.is_empty()) {
        let finding = Finding::error(list.place, "`suites` is empty");
        section.report.add(finding.help(format!("name at least one, {SUITES}")));
    }
    suites
}

pub(super) fn read_results(section: &Section<'_>) -> Vec<String> {
    read(section, "results", RESULTS)
}

fn read(section: &Section<'_>, key: &str, examples: &str) -> Vec<String> {
    let texts = section.texts(key).unwrap_or_default();
    texts.iter().for_each(|text| check(section, *text, examples));
    texts.into_iter().map(|text| text.value.to_owned()).collect()
}

fn check(section: &Section<'_>, text: Placed<&str>, examples: &str) {
    let is_part = |part: &str| !matches!(part, "" | "." | "..");
    let (message, help) = if !text.value.split('/').all(is_part) || text.value.contains('\0') {
        let message = format!("`{}` is no path below the root", text.value);
        (message, format!("write a path from the root, {examples}, without `.`, `..` and slashes at the ends"))
    } else if let Err(fault) = check_glob(text.value) {
        (format!("`{}` is no glob: {}", text.value, fault.message), fault.help.to_owned())
    } else {
        return;
    };
    section.report.add(Finding::error(text.place, message).help(help));
}
