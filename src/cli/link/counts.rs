//! What a sync changed, in a few words.

use crate::catalog::contents::ChangeCounts;

/// `cases: 3 added, 1 removed; suites: no change`.
pub(super) fn told(cases: &ChangeCounts, suites: &ChangeCounts) -> String {
    format!("cases: {}; suites: {}", of_one_kind(cases), of_one_kind(suites))
}

fn of_one_kind(counts: &ChangeCounts) -> String {
    let words = [
        (counts.added, "added"),
        (counts.removed, "removed"),
        (counts.changed, "changed"),
        (counts.renamed, "renamed"),
    ];
    let words = words.into_iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> = words.map(|(count, word)| format!("{count} {word}")).collect();
    if told.is_empty() { "no change".to_owned() } else { told.join(", ") }
}
