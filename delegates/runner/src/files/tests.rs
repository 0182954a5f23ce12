//! Which files are read, and what several of them make together.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use suitesync_contract::{CaseStatus, ResultCounts, ResultFileState};
use tempfile::TempDir;

use super::*;

/// A Katalon report of one suite: its begin and, a case each, name and status.
fn katalon(suite: &str, began: &str, cases: &[(&str, &str)]) -> String {
    let cases: String = cases
        .iter()
        .map(|(name, status)| format!("<testcase name='{name}' classname='{name}' time='1' status='{status}'/>"))
        .collect();
    format!("<testsuite name='{suite}' id='Test Suites/{suite}' timestamp='{began}'>{cases}</testsuite>")
}

struct Root {
    folder: TempDir,
    before: Listing,
    globs: Globs,
}

impl Root {
    fn new(before: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let globs = Globs::new(["Reports/**/*.xml"]).unwrap();
        let mut root = Self { folder, globs, before: Listing::default() };
        before.iter().for_each(|(path, text)| root.write(path, text));
        root.before = list(root.folder.path(), &root.globs);
        root
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self) -> Results {
        read_results(self.folder.path(), &self.globs, &self.before, &Redactor::default())
    }
}

/// Reads these files, and shows each case as `file name status attempts`.
fn check(files: &[(&str, &str)], expect: &[&str]) {
    let root = Root::new(&[]);
    files.iter().for_each(|(path, text)| root.write(&format!("Reports/{path}"), text));
    let results = root.read();
    let shown = results.files.iter().flat_map(|file| {
        let path = file.path.trim_start_matches("Reports/");
        file.cases.iter().map(move |case| format!("{path} {} {} {}", case.name, case.status.code(), case.attempts))
    });
    assert_eq!(shown.collect::<Vec<_>>(), expect, "{results:#?}");
}

#[test]
fn only_what_the_run_made_or_changed_is_read() {
    let one = "<testsuite><testcase name='a'/></testsuite>";
    let root = Root::new(&[("Reports/old.xml", one), ("Reports/changed.xml", one), ("Reports/replaced.xml", one)]);
    root.write("Reports/a/new.xml", one);
    root.write("Reports/changed.xml", "<testsuite><testcase name='changed'/></testsuite>");
    root.write("other/new.xml", one);
    root.write("Reports/new.txt", one);
    fs::rename(root.folder.path().join("other/new.xml"), root.folder.path().join("Reports/replaced.xml")).unwrap();
    let paths: Vec<_> = root.read().files.into_iter().map(|file| file.path).collect();
    assert_eq!(paths, ["Reports/a/new.xml", "Reports/changed.xml", "Reports/replaced.xml"]);
}

#[test]
fn a_name_that_is_no_utf8_is_shown_as_the_catalog_shows_it() {
    let root = Root::new(&[("Reports/old.xml", "")]);
    let path = root.folder.path().join(OsStr::from_bytes(b"Reports/\xfc.xml"));
    fs::write(path, "<testsuite><testcase name='a'/></testsuite>").unwrap();
    assert_eq!(root.read().files.remove(0).path, r"Reports/\xfc.xml");
}

#[test]
fn what_is_no_file_is_not_read() {
    let root = Root::new(&[]);
    root.write("elsewhere/a.xml", "<testsuite><testcase name='a'/></testsuite>");
    fs::create_dir_all(root.folder.path().join("Reports/dir.xml")).unwrap();
    symlink(root.folder.path().join("elsewhere"), root.folder.path().join("Reports/link")).unwrap();
    symlink(root.folder.path().join("elsewhere/a.xml"), root.folder.path().join("Reports/a.xml")).unwrap();
    assert_eq!(root.read(), Results::default());
}

#[test]
fn files_that_are_no_reports_are_told_of() {
    let root = Root::new(&[]);
    root.write("Reports/pom.xml", "<project/>");
    root.write("Reports/empty.xml", "");
    root.write("Reports/none.xml", "<testsuites/>");
    let found: Vec<_> = root.read().files.into_iter().map(|file| (file.path, file.state)).collect();
    let file = |path: &str, state| (format!("Reports/{path}"), state);
    assert_eq!(found, [file("empty.xml", ResultFileState::Incomplete), file("pom.xml", ResultFileState::NoReport)]);
}

#[test]
fn a_collection_and_its_suites_are_counted_once() {
    let (a, b) = (
        katalon("A", "2024-05-01 10:00:00", &[("x/1", "PASSED")]),
        katalon("B", "2024-05-01 10:01:00", &[("x/2", "FAILED")]),
    );
    let collection = format!("<testsuites name='Test Suites/All'>{a}{b}</testsuites>");
    check(&[("1.xml", &collection), ("2.xml", &a), ("3.xml", &b)], &["1.xml x/1 passed 1", "1.xml x/2 failed 1"]);
    check(&[("1.xml", &a), ("2.xml", &b), ("3.xml", &collection)], &["1.xml x/1 passed 1", "2.xml x/2 failed 1"]);
    let twice = format!("<testsuites>{a}{a}</testsuites>");
    check(&[("1.xml", &a), ("2.xml", &twice)], &["1.xml x/1 passed 1", "2.xml x/1 passed 1"]);
}

#[test]
fn a_later_attempt_takes_the_place_of_what_it_executed_again() {
    let first = katalon("A", "2024-05-01 10:00:00", &[("x/1", "FAILED"), ("x/2", "PASSED"), ("x/3", "ERROR")]);
    let second = katalon("A", "2024-05-01 10:05:00", &[("x/1", "PASSED"), ("x/3", "FAILED")]);
    let third = katalon("A", "2024-05-01 10:09:00", &[("x/3", "PASSED")]);
    let expect = ["1.xml x/1 passed 2", "1.xml x/2 passed 1", "1.xml x/3 passed 3"];
    check(&[("3.xml", &first), ("2.xml", &second), ("1.xml", &third)], &expect);
}

#[test]
fn an_attempt_of_one_row_of_many_replaces_the_one_that_failed() {
    let first = katalon("A", "2024-05-01 10:00:00", &[("x/1", "PASSED"), ("x/1", "FAILED"), ("x/1", "PASSED")]);
    let second = katalon("A", "2024-05-01 10:05:00", &[("x/1", "PASSED")]);
    let expect = ["2.xml x/1 passed 1", "2.xml x/1 passed 2", "2.xml x/1 passed 1"];
    check(&[("1.xml", &first), ("2.xml", &second)], &expect);
}

#[test]
fn executions_that_were_meant_do_not_give_way() {
    let chrome = katalon("A", "2024-05-01 10:00:00", &[("x/1", "FAILED")]);
    let firefox = katalon("A", "2024-05-01 10:05:00", &[("x/1", "PASSED")]);
    let collection = format!("<testsuites>{chrome}{firefox}</testsuites>");
    check(
        &[("1.xml", &collection), ("2.xml", &chrome), ("3.xml", &firefox)],
        &["1.xml x/1 failed 1", "1.xml x/1 passed 1"],
    );
    check(
        &[("1.xml", &chrome), ("2.xml", &firefox), ("3.xml", &collection)],
        &["1.xml x/1 failed 1", "2.xml x/1 passed 1"],
    );
    let named = |status: &str| {
        format!(
            "<testsuite name='A' timestamp='2024-05-01 10:00:00'><testcase name='t' status='{status}'/></testsuite>"
        )
    };
    check(&[("1.xml", &named("failed")), ("2.xml", &named("passed"))], &["1.xml t failed 1", "2.xml t passed 1"]);
}

#[test]
fn counts_are_those_of_the_cases() {
    let root = Root::new(&[]);
    root.write("Reports/a.xml", &katalon("A", "2024-05-01 10:00:00", &[("x/1", "PASSED"), ("x/2", "INCOMPLETE")]));
    let results = root.read();
    let counts: ResultCounts = results.files.iter().flat_map(|file| &file.cases).collect();
    assert_eq!((counts.passed, counts.errors, counts.total()), (1, 1, 2));
    assert_eq!(results.files[0].cases[1].status, CaseStatus::Error);
}
