//! What a run is told: the words of its command with the placeholders filled in, and its environment.

use std::collections::BTreeMap;
use std::path::Path;

use suitesync_contract::RunTask;
use suitesync_runner::base_environment;

use super::run_folder::RunPlace;

/// The command, each placeholder replaced. What is put in is not looked at again.
pub(super) fn command(task: &RunTask, root: &Path) -> Vec<String> {
    let (root, commit) = (root.to_string_lossy(), task.commit.to_string());
    let values = [("root", &*root), ("suite", &*task.suite), ("commit", &*commit), ("link", task.link.as_str())];
    task.command.iter().map(|word| fill(word, &values)).collect()
}

/// The whole environment: how this host is set up, what the schedule says, and which run it is. `own` is ours.
pub(super) fn environment(
    task: &RunTask,
    place: &RunPlace,
    root: &Path,
    own: &BTreeMap<String, String>,
    schedules: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut environment = base_environment(own, &place.home().to_string_lossy());
    environment.insert("TMPDIR".to_owned(), place.temporary().to_string_lossy().into_owned());
    environment.extend(schedules);
    let told = [
        ("SUITESYNC_LINK", task.link.to_string()),
        ("SUITESYNC_SUITE", task.suite.clone()),
        ("SUITESYNC_COMMIT", task.commit.to_string()),
        ("SUITESYNC_ROOT", root.to_string_lossy().into_owned()),
    ];
    environment.extend(told.map(|(name, value)| (name.to_owned(), value)));
    environment
}

fn fill(word: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let placeholder = values.iter().find_map(|(name, value)| {
            let after = from.strip_prefix('{')?.strip_prefix(name)?.strip_prefix('}')?;
            Some((*value, after))
        });
        let (put, after) = placeholder.unwrap_or_else(|| from.split_at(1));
        filled.push_str(put);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in_once_and_other_braces_stay() {
        let check = |word: &str, expect: &str| {
            assert_eq!(fill(word, &[("root", "/r"), ("suite", "{root}"), ("commit", "c0")]), expect);
        };
        check("-projectPath={root}/x", "-projectPath=/r/x");
        check("{suite}{commit}", "{root}c0");
        check("{}{rooted}{{root}}", "{}{rooted}{/r}");
        check("${HOME} {", "${HOME} {");
        check("ü{root}ü", "ü/rü");
    }
}
