//! What several reports say of the same, said once.
//!
//! 1. **Copies.** Katalon writes each suite of a collection twice: into the suite's own report and into the
//!    collection's. Two executions in different files are one when suite, begin and every case are equal. Within one
//!    file nothing is a copy.
//! 2. **Attempts.** Katalon writes a further report for each time that a suite is tried again. An execution takes the
//!    place of an earlier one of its suite in another file: of each case, by name, the later results take the places of
//!    the earlier ones that did not pass, first to last, then of the others; what was not executed again stays. A suite
//!    that one file holds twice was meant to be executed twice, such as once for each browser, and nothing gives way.
//!
//! Both hold for suites that are known by their id and say when they began. Of others all that was reported counts:
//! two modules may use one name. A run that passes by an attempt still needs its command to say so with its exit status.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use suitesync_contract::{CaseResult, CaseStatus, ResultFile};

use super::reports::Found;
use crate::junit::{Execution, Identified};

/// The files, and what was done.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) files: Vec<ResultFile>,
    pub(super) notices: Vec<String>,
}

pub(super) fn merge(mut found: Vec<Found>) -> Merged {
    let meant = meant_twice(&found);
    let copies = drop_copies(&mut found);
    let repeats = take_attempts(&mut found, &meant);
    let mut notices = Vec::new();
    if copies > 0 {
        notices.push(format!("{copies} executions of suites are reported twice and counted once"));
    }
    if repeats > 0 {
        notices.push(format!("{repeats} results gave way to those of a later attempt"));
    }
    let files = found.into_iter().map(|Found { path, report }| report.into_file(path)).collect();
    Merged { files, notices }
}

/// Whether these rules hold for an execution.
fn is_known(execution: &Execution) -> bool {
    execution.identified == Identified::ById && execution.started_at.is_some()
}

/// The suites that one file holds more than once.
fn meant_twice(found: &[Found]) -> HashSet<String> {
    let mut twice = HashSet::new();
    for Found { report, .. } in found {
        let mut once = HashSet::new();
        let known = report.executions.iter().filter(|execution| is_known(execution));
        twice.extend(known.filter(|execution| !once.insert(&execution.suite)).map(|execution| execution.suite.clone()));
    }
    twice
}

/// Takes out what an earlier file holds as often, and says how many there were.
fn drop_copies(found: &mut [Found]) -> usize {
    let mut known: HashMap<u64, usize> = HashMap::new();
    let mut dropped = 0;
    for Found { report, .. } in found {
        let mut here: HashMap<u64, usize> = HashMap::new();
        report.executions.retain(|execution| {
            if !is_known(execution) {
                return true;
            }
            let count = here.entry(fingerprint(execution)).or_default();
            *count += 1;
            let is_copy = known.get(&fingerprint(execution)).is_some_and(|known| *count <= *known);
            dropped += usize::from(is_copy);
            !is_copy
        });
        for (key, count) in here {
            let most = known.entry(key).or_default();
            *most = count.max(*most);
        }
    }
    dropped
}

/// Equal for copies.
fn fingerprint(execution: &Execution) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&execution.suite, &execution.started_at, execution.cases.len()).hash(&mut hasher);
    for case in &execution.cases {
        (&case.name, case.status, case.duration_ms).hash(&mut hasher);
    }
    hasher.finish()
}

/// Where an execution is: the file, and the place in it.
type Place = (usize, usize);

/// Lets earlier executions give way to later ones, and says how many results did.
fn take_attempts(found: &mut [Found], meant: &HashSet<String>) -> usize {
    let mut repeated = 0;
    for (suite, mut places) in executions_by_suite(found) {
        if meant.contains(&suite) {
            continue;
        }
        places.sort_by_key(|place| execution(found, *place).and_then(|execution| execution.started_at.clone()));
        for pair in places.windows(2) {
            let [earlier, later] = pair else { continue };
            let (cases, count) = with_attempt(cases(found, *earlier), cases(found, *later));
            repeated += count;
            // The last attempt holds it all: what was not executed again moves along.
            put(found, *earlier, Vec::new());
            put(found, *later, cases);
        }
    }
    repeated
}

fn executions_by_suite(found: &[Found]) -> BTreeMap<String, Vec<Place>> {
    let mut suites: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    for (file, found) in found.iter().enumerate() {
        let known = found.report.executions.iter().enumerate().filter(|(_, execution)| is_known(execution));
        for (place, execution) in known {
            suites.entry(execution.suite.clone()).or_default().push((file, place));
        }
    }
    suites
}

fn execution(found: &[Found], (file, place): Place) -> Option<&Execution> {
    found.get(file)?.report.executions.get(place)
}

fn cases(found: &[Found], place: Place) -> Vec<CaseResult> {
    execution(found, place).map(|execution| execution.cases.clone()).unwrap_or_default()
}

fn put(found: &mut [Found], (file, place): Place, cases: Vec<CaseResult>) {
    if let Some(execution) = found.get_mut(file).and_then(|found| found.report.executions.get_mut(place)) {
        execution.cases = cases;
    }
}

/// The cases of an execution after another attempt, in the first one's order, and how many results gave way.
fn with_attempt(mut before: Vec<CaseResult>, attempt: Vec<CaseResult>) -> (Vec<CaseResult>, usize) {
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, case) in before.iter().enumerate() {
        places.entry(case.name.clone()).or_default().push(place);
    }
    for places in places.values_mut() {
        let gives_way_late = |place: &usize| before.get(*place).is_some_and(|case| case.status == CaseStatus::Passed);
        places.sort_by_key(gives_way_late);
        // Taken from the end.
        places.reverse();
    }
    let mut replaced = 0;
    for mut result in attempt {
        let place = places.get_mut(&result.name).and_then(Vec::pop);
        match place.and_then(|place| before.get_mut(place)) {
            Some(earlier) => {
                result.attempts = result.attempts.saturating_add(earlier.attempts);
                *earlier = result;
                replaced += 1;
            }
            None => before.push(result),
        }
    }
    (before, replaced)
}
