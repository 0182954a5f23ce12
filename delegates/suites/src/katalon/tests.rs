//! What is found in a tree, rule by rule.

mod files;
mod mutations;
mod repository;

use suitesync_contract::{FileState, Notice, SuiteKind, TreeEntryKind};

use self::repository::{CASE, PROJECT, Repository, SUITE, ids, project};
use super::LEFT_OUT;
use crate::Allowance;

fn check(repository: &Repository, directory: &str, cases: &[&str], suites: &[&str]) {
    let (found_cases, found_suites) = ids(&repository.discover(directory));
    assert_eq!(found_cases, cases, "cases of {directory:?}");
    assert_eq!(found_suites, suites, "suites of {directory:?}");
}

fn check_notices(repository: &Repository, directory: &str, expect: &[(&str, &str)]) {
    let notices = repository.discover(directory).notices;
    let found: Vec<_> = notices.iter().map(|notice| (notice.path.as_str(), notice.message.as_str())).collect();
    assert_eq!(found, expect, "notices of {directory:?}");
}

#[test]
fn an_id_is_the_path_below_the_root_without_the_last_extension() {
    let names = ["", "Test_001.1 Logowanie", "a (b), c", "double  space", "sub/İlk ısı", "μ"];
    let with = |repository: Repository, name: &&str| repository.file(format!("qa/Test Cases/{name}.tc"), CASE);
    let repository = names.iter().fold(Repository::default().file("qa/x.prj", PROJECT), with);
    let expect = names.map(|name| format!("qa|Test Cases/{name}"));
    assert_eq!(ids(&repository.discover("")).0, expect);
    assert_eq!(repository.case("Test Cases/μ").path, "qa/Test Cases/μ.tc");
}

#[test]
fn only_files_in_the_folder_for_their_kind_count_letter_case_included() {
    let repository = project()
        .file("Test Cases/Pay.tc", CASE)
        .file("Test Cases/Pay.ts", SUITE)
        .file("Test Cases/Upper.TC", CASE)
        .file("test cases/lower.tc", CASE)
        .file("Test Suites/Day.ts", SUITE)
        .file("Test Suites/Day.groovy", "")
        .file("src/app.ts", "export {}");
    check(&repository, "", &["|Test Cases/Pay"], &["|Test Suites/Day"]);
    assert_eq!(repository.asked(""), ["shop.prj", "Test Cases/Pay.tc", "Test Suites/Day.ts"]);
}

#[test]
fn a_directory_shows_its_own_and_finds_the_root_above() {
    let repository = Repository::default()
        .file("qa/shop.prj", PROJECT)
        .file("qa/Test Cases/a/Pay.tc", CASE)
        .file("qa/Test Cases/ab/Ship.tc", CASE)
        .file("qa/Test Suites/Day.ts", SUITE);
    check(&repository, "qa/Test Cases/a", &["qa|Test Cases/a/Pay"], &[]);
    check(&repository, "qa/Test Cases", &["qa|Test Cases/a/Pay", "qa|Test Cases/ab/Ship"], &[]);
    check(&repository, "q", &[], &[]);
    assert_eq!(repository.asked("qa/Test Cases/a"), ["qa/shop.prj", "qa/Test Cases/a/Pay.tc"]);
}

#[test]
fn an_entry_may_name_what_the_directory_does_not_show() {
    let link = "<testCaseLink><testCaseId>Test Cases/Pay</testCaseId></testCaseLink>";
    let suite = format!("<TestSuiteEntity>{link}</TestSuiteEntity>");
    let found = project().file("Test Cases/Pay.tc", CASE).file("Test Suites/Day.ts", suite).discover("Test Suites");
    assert_eq!(found.suites[0].entries[0].state.code(), "ok");
    assert!(found.cases.is_empty());
}

#[test]
fn a_file_belongs_to_the_innermost_root() {
    let link = "<testCaseLink><testCaseId>Test Cases/in/Test Cases/Pay</testCaseId></testCaseLink>";
    let repository = project()
        .file("Test Cases/in/in.prj", PROJECT)
        .file("Test Cases/in/Test Cases/Pay.tc", CASE)
        .file("Test Cases/Ship.tc", CASE)
        .file("Test Suites/Day.ts", format!("<TestSuiteEntity>{link}</TestSuiteEntity>"));
    check(&repository, "", &["|Test Cases/Ship", "Test Cases/in|Test Cases/Pay"], &["|Test Suites/Day"]);
    assert_eq!(repository.discover("Test Suites").suites[0].entries[0].state.code(), "missing");
}

#[test]
fn roots_are_those_around_and_within_the_directory() {
    let repository = Repository::default()
        .file("b.prj", "<Project><name>B</name></Project>")
        .file("a.prj", "<Project><name>second of a folder</name></Project>")
        .file("one/one.prj", PROJECT)
        .file("one/two/two.prj", PROJECT)
        .file("three/three.prj", PROJECT);
    let roots = |directory| repository.discover(directory).roots.into_iter().map(|root| root.path).collect::<Vec<_>>();
    assert_eq!(roots(""), ["", "one", "one/two", "three"]);
    assert_eq!(roots("one/Test Cases"), ["", "one"]);
    assert_eq!(roots("one"), ["", "one", "one/two"]);
    let top = repository.discover("").roots.remove(0);
    assert_eq!((top.name.as_str(), top.format.as_str()), ("second of a folder", "katalon"));
}

#[test]
fn a_folder_named_like_a_project_is_a_folder() {
    let repository = Repository::default().file("ROKiT.prj/r.prj", PROJECT).file("ROKiT.prj/Test Cases/Pay.tc", CASE);
    check(&repository, "", &["ROKiT.prj|Test Cases/Pay"], &[]);
}

#[test]
fn a_build_copy_is_no_root() {
    let repository = project().file("bin/shop.prj", PROJECT).file("bin/Test Cases/Pay.tc", CASE);
    check(&repository, "", &[], &[]);
    assert_eq!(repository.asked(""), ["shop.prj"]);
    let copies = "project files under bin/ are build copies and make no root (1 in all, this is the first)";
    let stray =
        "test case files outside their project's `Test Cases` folder are not listed (1 in all, this is the first)";
    check_notices(&repository, "", &[("bin/Test Cases/Pay.tc", stray), ("bin/shop.prj", copies)]);
}

#[test]
fn a_project_file_that_is_none_makes_no_root_and_says_why() {
    let repository = Repository::default().file("x/x.prj", "<Other/>").file("x/Test Cases/Pay.tc", CASE);
    check(&repository, "", &[], &[]);
    let why = "this .prj makes no root: root element is Other, not a project";
    assert!(repository.discover("x/Test Cases").notices.iter().any(|notice| notice.message == why));
    check_notices(&repository, "elsewhere", &[]);
}

#[test]
fn malformed_files_are_kept_with_their_reason() {
    let repository = project()
        .file("Test Cases/Pay.tc", "<<<<<<< HEAD\n<TestCaseEntity/>\n>>>>>>> theirs")
        .file("Test Suites/Day.ts", "");
    let malformed = |reason: &str| FileState::Malformed { reason: reason.to_owned() };
    assert_eq!(repository.case("Test Cases/Pay").state, malformed("merge conflict markers at line 1"));
    let suite = repository.suite("Test Suites/Day");
    assert_eq!((suite.state, suite.kind, suite.entries.len()), (malformed("empty file"), SuiteKind::Static, 0));
}

#[test]
fn what_is_more_than_is_kept_of_a_tree_is_left_out_and_told() {
    let long = format!("<TestCaseEntity><name>{}</name></TestCaseEntity>", "n".repeat(4_000));
    let with = |repository: Repository, number| repository.file(format!("Test Cases/{number}.tc"), &long);
    let repository = (0..9).fold(project(), with).file("Test Suites/Day.ts", SUITE);
    let found = repository.discover_within(&Allowance::of(5 * 4_000));
    let names: Vec<_> = found.cases.iter().map(|case| case.name.len()).collect();
    assert_eq!(names, [4_000, 4_000, 4_000, 4_000, 0, 0, 0, 0, 0]);
    assert_eq!(found.cases[4].state.reason(), Some(LEFT_OUT));
    assert_eq!(found.suites[0].state.reason(), Some(LEFT_OUT));
    let message = "what 6 test files say is left out, this is the first: the files of this tree say more than 128 MiB; \
                   link a directory of it";
    assert_eq!(found.notices, [Notice { path: "Test Cases/4.tc".to_owned(), message: message.to_owned() }]);
}

#[test]
fn a_file_whose_parse_was_not_handed_over_is_left_out() {
    let repository = project().file("Test Cases/Pay.tc", CASE);
    let found = repository.discover_without("Test Cases/Pay.tc");
    assert_eq!(found.cases[0].state.reason(), Some(LEFT_OUT));
}

#[test]
fn scripts_are_the_folder_that_mirrors_the_case() {
    let repository = Repository::default()
        .file("qa/x.prj", PROJECT)
        .file("qa/Test Cases/a/Pay.tc", CASE)
        .file("qa/Test Cases/Ship.tc", CASE)
        .file("qa/Scripts/a/Pay/Script1600000000000.groovy", "")
        .file("qa/Scripts/ship/Script1600000000001.groovy", "");
    assert_eq!(repository.case("Test Cases/a/Pay").scripts, Some(repository.id_of("qa/Scripts/a/Pay")));
    assert_eq!(repository.case("Test Cases/Ship").scripts, None);
}

#[test]
fn links_and_submodules_are_not_followed() {
    let repository = project()
        .entry("Test Cases/Pay.tc", TreeEntryKind::Symlink)
        .entry("Test Suites/Day.ts", TreeEntryKind::Symlink)
        .entry("lib.prj", TreeEntryKind::Submodule);
    check(&repository, "", &[], &[]);
    let links = "symbolic links named like test files are not followed (2 in all, this is the first)";
    let submodules = "submodules named like test files are not entered (1 in all, this is the first)";
    check_notices(&repository, "", &[("Test Cases/Pay.tc", links), ("lib.prj", submodules)]);
    check_notices(&repository, "src", &[]);
}

#[test]
fn names_that_are_no_utf8_are_shown_escaped() {
    let repository = project().file(b"Test Cases/P\xff.tc", CASE).file(br"Test Cases/P\xff.tc", CASE);
    check(&repository, "", &[r"|Test Cases/P\xff"], &[]);
    let escaped = "the name is not valid UTF-8; its other bytes are shown as \\xNN";
    let twin = "another file's name reads the same, so only one of them is listed";
    check_notices(&repository, "", &[(r"Test Cases/P\xff.tc", twin), (r"Test Cases/P\xff.tc", escaped)]);
    assert_eq!(repository.case(r"Test Cases/P\xff").state, FileState::Ok);
}

#[test]
fn a_name_that_a_tree_holds_twice_is_listed_once() {
    let repository = project().file("Test Cases/Pay.tc", CASE).file("Test Cases/Pay.tc", CASE);
    check(&repository, "", &["|Test Cases/Pay"], &[]);
    let twin = "another file's name reads the same, so only one of them is listed";
    check_notices(&repository, "", &[("Test Cases/Pay.tc", twin)]);
}

#[test]
fn a_copied_tree_of_strays_is_one_notice() {
    let with = |repository: Repository, number| repository.file(format!("old/{number}.tc"), CASE);
    let strays = (0..500).fold(project(), with);
    let message =
        "test case files outside their project's `Test Cases` folder are not listed (500 in all, this is the first)";
    check_notices(&strays, "", &[("old/0.tc", message)]);
}

#[test]
fn tests_without_any_project_are_explained() {
    let repository = Repository::default()
        .file("src/app.ts", "export {}")
        .file("Test Cases/Pay.tc", CASE)
        .file("Test Suites/Day.ts", SUITE);
    let message = "test files belong to no project, since no .prj was found, and are not listed: \
                   commit the .prj that stands beside `Test Cases` (2 in all, this is the first)";
    check_notices(&repository, "", &[("Test Cases/Pay.tc", message)]);
    assert!(repository.asked("").is_empty());
    check_notices(&Repository::default().file("src/app.ts", ""), "", &[]);
}

#[test]
fn a_blob_is_asked_for_once_for_each_kind() {
    let entries =
        project().file("Test Cases/Pay.tc", CASE).entries_with_copy("Test Cases/Pay.tc", "Test Cases/Copy.tc");
    assert_eq!(crate::files_to_parse(&entries, "").len(), 2);
}
