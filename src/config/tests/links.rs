//! `[[link]]`, a rule at a time.

use suitesync_contract::RefSpec;

use super::{CONNECTION, LINK, SCHEDULE, check_errors, config, problems};
use crate::config::{Format, Proceed};
use crate::domain::cadence::Cadence;

/// A link in order but for these lines.
fn with(lines: &str) -> String {
    format!("{CONNECTION}{LINK}{lines}\n")
}

/// A link with this URL and these lines.
fn at(url: &str, lines: &str) -> String {
    format!("{CONNECTION}\n[[link]]\nname = \"l\"\nconnection = \"contoso\"\nurl = \"{url}\"\n{lines}\n")
}

#[test]
fn what_is_not_written_has_a_default() {
    let config = config(&with(""));
    let link = &config.links["checkout-tests"];
    assert_eq!((link.project.as_str(), link.display_name.as_str()), ("default", "checkout-tests"));
    assert_eq!((&link.reference, link.directory.as_str()), (&RefSpec::Default, ""));
    assert_eq!(link.sync_cadence, Cadence::every("5m").unwrap());
    assert_eq!((link.proceed, &link.archived, &link.formats[..]), (Proceed::Auto, &None, &[Format::Katalon][..]));
}

#[test]
fn a_view_is_taken_from_the_url_or_from_keys() {
    let web = "https://dev.azure.com/contoso/payments/_git/checkout?path=%2Ftests&version=GBmain";
    let plain = "https://dev.azure.com/contoso/payments/_git/checkout";
    let check = |url: &str, lines: &str| {
        let link = &config(&at(url, lines)).links["l"];
        assert_eq!((link.reference.clone(), link.directory.as_str()), (RefSpec::Branch("main".to_owned()), "tests"));
    };
    check(web, "");
    check(plain, "branch = \"main\"\ndirectory = \"tests/\"");
    check(web, "branch = \"main\"\ndirectory = \"tests\"");
}

#[test]
fn a_view_in_the_url_that_contradicts_the_keys_is_refused() {
    let url = "https://dev.azure.com/contoso/payments/_git/checkout?path=%2Ftests&version=GBmain";
    let check = |lines: &str, message: &str| check_errors(&at(url, lines), &[message]);
    check("branch = \"dev\"", "branch `dev` contradicts the URL, which says branch `main`");
    check("tag = \"v1\"", "tag `v1` contradicts the URL, which says branch `main`");
    check("directory = \"ui\"", "directory `ui` contradicts the URL, which says `tests`");
}

#[test]
fn the_tags_of_the_most_specific_table_count() {
    let check = |link: &str, schedule: &str, expect: [&str; 2]| {
        let connection = CONNECTION.replace("name = \"contoso\"", "name = \"contoso\"\ndelegate_tags = [\"a\"]");
        let config = config(&format!("{connection}{LINK}{link}\n{SCHEDULE}{schedule}\n"));
        let of_link = config.tags_of_link(&config.links["checkout-tests"]).to_string();
        let of_schedule = config.tags_of_schedule(&config.schedules["nightly"]).to_string();
        assert_eq!([of_link.as_str(), of_schedule.as_str()], expect, "{link} {schedule}");
    };
    check("", "", ["a", "a"]);
    check("delegate_tags = [\"b\"]", "", ["b", "b"]);
    check("delegate_tags = []", "", ["", ""]);
    check("delegate_tags = [\"b\"]", "delegate_tags = [\"c\"]", ["b", "c"]);
    check("", "delegate_tags = []", ["a", ""]);
}

#[test]
fn a_tag_of_a_link_that_no_delegate_carries_is_a_warning() {
    let found = problems(&with("delegate_tags = [\"locla\"]"));
    assert!(found.contains("no delegate carries the tag `locla` [did you mean `local`?]"), "{found}");
}

#[test]
fn tags_and_commits_are_read() {
    let check = |lines: &str, expect: &str| {
        assert_eq!(config(&with(lines)).links["checkout-tests"].reference.to_string(), expect);
    };
    check("tag = \"v2.1\"", "tag `v2.1`");
    let id = "67cae2b029dff7eb3dc062b49403aaedca5bad8d";
    check(&format!("commit = \"{id}\""), &format!("commit {id}"));
}

#[test]
fn values_that_cannot_be_used_are_refused() {
    let check = |lines: &str, message: &str| check_errors(&with(lines), &[message]);
    check("sync_every = \"0s\"", "`sync_every` is not usable: an interval is at least 1s");
    check("sync_every = \"500ms\"", "`sync_every` is not usable: \"500ms\" is no interval");
    check("sync_schedule = \"0 0 0 31 2 *\"", "`sync_schedule` is not usable: this cron expression never comes due");
    check("branch = \"refs/heads/main\"", "`refs/heads/main` is no branch");
    check("branch = \"a..b\"", "`a..b` is no branch");
    check("tag = \"\"", "`` is no tag");
    check("commit = \"67cae2b\"", "`67cae2b` is no commit");
    check("directory = \"../x\"", "`../x` is no directory in a repository");
    check("directory = \"/tests\"", "`/tests` is no directory in a repository");
    check("directory = \"a//b\"", "`a//b` is no directory in a repository");
    check("proceed = \"later\"", "`later` is not allowed for `proceed`");
    check("formats = [\"junit\"]", "there is no format `junit`");
    check("formats = []", "`formats` is empty");
    check("archived = \"no\"", "`archived` is true or false, not a text");
    check("project = \"\"", "`project` is empty");
}

#[test]
fn keys_of_later_versions_are_refused_by_name() {
    check_errors(&with("renamed_from = \"x\""), &["`renamed_from` in [[link]] is not supported by this version"]);
}

#[test]
fn results_that_are_there_already_are_attached_where_it_is_asked_for() {
    let attaches = |lines: &str| config(&with(lines)).links["checkout-tests"].link_existing_results;
    assert!(attaches("link_existing_results = true") && !attaches("link_existing_results = false") && !attaches(""));
    check_errors(&with("link_existing_results = 1"), &["`link_existing_results` is true or false, not a number"]);
}

#[test]
fn keys_that_exclude_each_other_are_refused() {
    let check = |lines: &str, message: &str| {
        let found = problems(&with(lines));
        assert!(found.contains(message), "{found}");
    };
    check("sync_every = \"5m\"\nsync_schedule = \"@daily\"", "`sync_every` and `sync_schedule` exclude each other");
    check("branch = \"main\"\ntag = \"v1\"", "`branch` and `tag` exclude each other");
}

#[test]
fn an_unknown_connection_is_refused_with_the_nearest_named() {
    let text = with("").replace("connection = \"contoso\"", "connection = \"contosso\"");
    let found = problems(&text);
    assert!(found.contains("error 11:14 there is no connection `contosso` [did you mean `contoso`?]"), "{found}");
}

#[test]
fn a_url_outside_its_connection_is_refused() {
    let check = |url: &str, message: &str| {
        let found = problems(&at(url, ""));
        assert!(found.contains(message), "{found}");
    };
    let connection = "is not below the connection's URL https://dev.azure.com/contoso/payments";
    check("https://dev.azure.com/contoso/other/_git/checkout", connection);
    check("https://git.example.org/contoso/payments/_git/checkout", "is not below the connection's URL");
}

#[test]
fn links_with_the_same_view_are_pointed_out() {
    let second = LINK.replace("checkout-tests", "again");
    let found = problems(&with(&second));
    assert!(found.contains("links `again` and `checkout-tests` look at the same repository"), "{found}");
    let other_branch = with(&format!("{second}branch = \"dev\""));
    assert_eq!(problems(&other_branch), "");
}

#[test]
fn what_lacks_is_named() {
    check_errors("[[link]]\n", &["[[link]] lacks `name`", "[[link]] lacks `connection`", "[[link]] lacks `url`"]);
    check_errors("[[connection]]\n", &["[[connection]] lacks `name`", "[[connection]] lacks `url`"]);
}
