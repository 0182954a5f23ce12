//! `[[schedule]]`, a rule at a time.

use std::time::Duration;

use insta::assert_snapshot;
use suitesync_contract::{EnvironmentValue, SecretRef};

use super::{CONNECTION, LINK, SCHEDULE, check_errors, config, diagnostics, folder, load_from, load_with, problems};
use crate::config::ScheduleConfig;
use crate::domain::run::Overlap;
use crate::domain::schedule::Missed;

/// A whole configuration, its schedule in order but for these lines.
fn with(lines: &str) -> String {
    format!("{CONNECTION}{LINK}{SCHEDULE}{lines}\n")
}

/// The same with a line of the schedule in another way.
fn changed(line: &str, other: &str) -> String {
    assert!(SCHEDULE.contains(line), "{line}");
    with("").replace(line, other)
}

fn schedule(text: &str) -> ScheduleConfig {
    config(text).schedules.remove("nightly").unwrap()
}

#[test]
fn what_is_not_written_has_a_default() {
    let schedule = schedule(&with(""));
    assert_eq!((schedule.link.as_str(), schedule.timetable.cron().to_string().as_str()), ("checkout-tests", "@daily"));
    assert_eq!((schedule.timetable.zone().name(), schedule.timeout), ("UTC", Duration::from_secs(3_600)));
    assert_eq!((schedule.overlap, schedule.missed), (Overlap::Skip, Missed::Skip));
    assert_eq!((schedule.environment.len(), schedule.results.len(), schedule.delegate_tags), (0, 0, None));
    assert_eq!(problems(&with("")), "");
}

#[test]
fn what_is_written_counts() {
    let text = with(
        "time_zone = \"Europe/Berlin\"\nresults = [\"Reports/**/*.xml\"]\ntimeout = \"2h\"\n\
                     overlap = \"replace\"\njitter = \"5m\"\nmissed = \"run_once\"\ndelegate_tags = [\"LOCAL\"]",
    );
    let schedule = schedule(&text);
    assert_eq!((schedule.timetable.zone().name(), schedule.timeout), ("Europe/Berlin", Duration::from_secs(7_200)));
    assert_eq!((schedule.overlap, schedule.missed), (Overlap::Replace, Missed::RunOnce));
    assert_eq!(
        (schedule.suites, schedule.results),
        (vec!["Test Suites/*".to_owned()], vec!["Reports/**/*.xml".into()])
    );
    assert_eq!(schedule.command, ["katalonc", "-projectPath={root}", "{suite}"]);
    assert_eq!(schedule.delegate_tags.unwrap().to_string(), "local");
    assert_eq!(problems(&text), "");
}

#[test]
fn what_lacks_is_named() {
    let expect = ["name", "link", "cron", "suites", "command"].map(|key| format!("[[schedule]] lacks `{key}`"));
    check_errors("[[schedule]]\n", &expect.each_ref().map(String::as_str));
}

#[test]
fn values_that_cannot_be_used_are_refused() {
    let check = |lines: &str, message: &str| check_errors(&with(lines), &[message]);
    check("time_zone = \"Mars/Base\"", "there is no time zone `Mars/Base`");
    check("time_zone = 1", "`time_zone` is a text in quotes, not a number");
    check("timeout = \"0s\"", "`timeout` is not usable: an interval is at least 1s");
    check("timeout = \"8d\"", "`timeout` is out of range");
    check("jitter = \"25h\"", "`jitter` is out of range");
    check("jitter = \"soon\"", "`jitter` is not usable: \"soon\" is no interval");
    check("overlap = \"wait\"", "`wait` is not allowed for `overlap`");
    check("missed = \"run\"", "`run` is not allowed for `missed`");
    check("delegate_tags = [\"\"]", "a tag is empty");
    check("on = [\"push\"]", "`on` in [[schedule]] is not supported by this version");
    let check = |line: &str, other: &str, message: &str| check_errors(&changed(line, other), &[message]);
    check("\"@daily\"", "\"0 2 * * *\"", "`cron` is not usable: a cron expression has 6 fields, this has 5");
    check("\"@daily\"", "\"0 0 0 31 2 *\"", "`cron` is not usable: this cron expression never comes due");
    check("\"checkout-tests\"\ncron", "\"checkout\"\ncron", "there is no link `checkout`");
}

#[test]
fn no_jitter_can_be_written() {
    assert_eq!(schedule(&with("jitter = \"0s\"")), schedule(&with("")));
}

#[test]
fn suites_and_results_are_globs_below_the_root() {
    let suites = |texts: &str, message: &str| check_errors(&changed("[\"Test Suites/*\"]", texts), &[message]);
    suites("[]", "`suites` is empty");
    suites("\"Test Suites/*\"", "`suites` is a list of texts, such as [\"a\", \"b\"], not a text");
    suites("[\"\"]", "`` is no path below the root");
    suites("[\"/Test Suites/a\"]", "`/Test Suites/a` is no path below the root");
    suites("[\"Test Suites/a [b\"]", "`Test Suites/a [b` is no glob: unclosed character class; missing ']'");
    let results = |text: &str, message: &str| check_errors(&with(&format!("results = [\"{text}\"]")), &[message]);
    results("/srv/*.xml", "`/srv/*.xml` is no path below the root");
    results("../*.xml", "`../*.xml` is no path below the root");
    results("Reports/", "`Reports/` is no path below the root");
    results("Reports**", "`Reports**` is no glob: `**` is glued to other characters");
    assert!(schedule(&with("results = []")).results.is_empty());
}

#[test]
fn a_command_is_a_program_and_words_with_known_placeholders() {
    let words = "[\"katalonc\", \"-projectPath={root}\", \"{suite}\"]";
    let check = |command: &str, message: &str| check_errors(&changed(words, command), &[message]);
    check("[]", "`command` has no program");
    check("[\" \", \"x\"]", "`command` has no program");
    check("[\"a\\u0000\"]", "a word of `command` holds a NUL character");
    check("[\"a\", \"{suit}\"]", "there is no placeholder `{suit}`");
    check("\"katalonc\"", "`command` is a list of texts, such as [\"a\", \"b\"], not a text");
    let json = schedule(&changed(words, "[\"a\", \"{\\\"suite\\\": \\\"{suite}\\\"} ${X:-1} {commit}{link}\"]"));
    assert_eq!(json.command[1], "{\"suite\": \"{suite}\"} ${X:-1} {commit}{link}");
}

#[test]
fn variables_are_texts_or_sources_of_secrets() {
    let with = |table: &str| with(&format!("environment = {table}"));
    let environment = schedule(&with("{ STAGE = \"qa\", EMPTY = \"\", LOGIN = { env = \"PAT\" } }")).environment;
    assert_eq!(environment["STAGE"], EnvironmentValue::Plain("qa".to_owned()));
    assert_eq!(environment["EMPTY"], EnvironmentValue::Plain(String::new()));
    assert_eq!(environment["LOGIN"], EnvironmentValue::Secret(SecretRef::Env("PAT".to_owned())));
    let check = |table: &str, message: &str| check_errors(&with(table), &[message]);
    check("[]", "`environment` is a table, such as { STAGE = \"qa\" }, not a list");
    check("{ 1A = \"x\" }", "`1A` is not the name of a variable");
    check("{ \"A=B\" = \"x\" }", "`A=B` is not the name of a variable");
    check("{ suitesync_run = \"x\" }", "`suitesync_run` is not to be set here");
    check("{ PORT = 80 }", "`PORT` is a text or the source of a secret, not a number");
    check("{ A = \"\\u0000\" }", "`A` holds a NUL character");
    check("{ A = { evn = \"PAT\" } }", "unknown key `evn` in a secret's source");
}

#[test]
fn a_secret_that_is_declared_nowhere_may_be_known_to_a_delegate_with_a_file_of_its_own() {
    let text = with("environment = { A = { secret = \"nobody\" } }");
    let found = problems(&text);
    assert!(found.starts_with("warning 20:") && found.contains("no delegate that executes runs knows"), "{found}");
    assert!(!found.contains("nobody"), "{found}");
    let runner = "[[delegate]]\nname = \"runner\"\nkind = \"process\"\nsocket = \"/run/runner.sock\"\n";
    assert_eq!(problems(&format!("{text}{runner}")), "");
}

#[test]
fn a_variable_that_looks_like_a_secret_is_a_warning_and_not_shown() {
    let found = diagnostics(&with("environment = { DB_PASSWORD = \"hunter2\" }"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "the value of `DB_PASSWORD` looks like a secret");
    assert!(!found[0].render().contains("hunter2"), "{}", found[0].render());
}

#[test]
fn names_are_unique_over_all_files() {
    let text = with("");
    let folder = folder(&[("suitesync.toml", &text), ("conf.d/a.toml", SCHEDULE)]);
    let found = load_from(folder.path()).diagnostics;
    assert_eq!(found.len(), 1);
    assert!(found[0].message.starts_with("the name `nightly` is used twice (first used at "), "{found:?}");
}

#[test]
fn times_that_do_not_fit_together_are_a_warning() {
    let every_minute = |lines: &str| problems(&format!("{}{lines}\n", changed("@daily", "0 * * * * *")));
    assert_snapshot!(every_minute("jitter = \"90s\""), @"warning 21:10 `jitter` is longer than the 1m from one slot to the next [runs may begin after the slot that follows theirs]");
    assert_snapshot!(every_minute("overlap = \"queue\""), @r#"warning 21:11 the queue may grow: slots are 1m apart, and a run may take 1h [set `timeout` to at most "1m", or `overlap` to "skip" or "replace"]"#);
    assert_eq!(every_minute("jitter = \"60s\"\noverlap = \"queue\"\ntimeout = \"1m\""), "");
}

#[test]
fn a_schedule_of_an_archived_link_is_a_warning() {
    let text = format!("{CONNECTION}{LINK}archived = true\n{SCHEDULE}");
    let found = problems(&text);
    assert!(found.contains("link `checkout-tests` is archived: every run of it will be canceled"), "{found}");
    assert!(found.contains("suitesync.toml:13), or the schedule]"), "{found}");
}

#[test]
fn a_schedule_that_no_delegate_executes_is_a_warning() {
    let under_systemd = |text: &str| {
        let found = load_with(text, [("INVOCATION_ID", "1")]).diagnostics;
        found.iter().map(|fault| fault.message.clone()).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(under_systemd(&with("")), "no delegate executes runs: those of every schedule will end as errors");
    let runner = "[[delegate]]\nname = \"runner\"\nkind = \"process\"\nsocket = \"/run/runner.sock\"\n";
    assert_eq!(under_systemd(&format!("{}{runner}", with(""))), "");
    assert_eq!(under_systemd(&format!("{CONNECTION}{LINK}")), "");
}

#[test]
fn a_tag_that_no_delegate_carries_is_a_warning() {
    let found = problems(&with("delegate_tags = [\"locla\"]"));
    assert_eq!(found, "warning 20:18 no delegate carries the tag `locla` [did you mean `local`?]");
}
