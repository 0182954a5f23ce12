//! Reports as tools write them, and reports as they should not be.

use suitesync_contract::rpc::MAX_LINE;
use suitesync_contract::{CaseStatus, ResultCounts, SecretRef};
use zeroize::Zeroizing;

use super::*;
use crate::redactor::Secret;

const KATALON: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="Smoke" time="9.5" tests="0" failures="0" errors="7">
   <testsuite name="Smoke" tests="0" failures="0" errors="7" time="9.5" skipped="0" timestamp="2561-03-31 20:20:20"
      hostname="tester - host" id="Test Suites/Web/Smoke">
      <properties><property name="deviceName" value=""/><property name="attachments" value="C:\\Users\\t"/></properties>
      <testcase name="Test Cases/Web/Log in" time="5.25" classname="Test Cases/Web/Log in" status="PASSED">
         <system-out><![CDATA[typed <b>&amp; more]]></system-out><system-err><![CDATA[]]></system-err>
      </testcase>
      <testcase name="Test Cases/Web/Log in" time="1.5" classname="Test Cases/Web/Log in" status="FAILED">
         <failure type="FAILED" message="Unable to click &lt;a&gt;&#xd;&#10;Reason: gone"/>
      </testcase>
      <testcase name="Test Cases/Web/Log in" classname="Test Cases/Web/Log in" status="ERROR">
         <error type="ERROR" message="java.lang.Error"><![CDATA[java.lang.Error
   at Log in.run]]></error>
      </testcase>
      <testcase name="Test Cases/Web/Cut" classname="Test Cases/Web/Cut" status="INCOMPLETE"/>
      <testcase name="Test Cases/Web/Off" classname="Test Cases/Web/Off" status="SKIPPED"/>
   </testsuite>
</testsuites>"#;

fn report(bytes: impl AsRef<[u8]>) -> Report {
    read(bytes.as_ref(), &Redactor::default(), &mut Allowance::default())
}

fn cases(bytes: impl AsRef<[u8]>) -> Vec<CaseResult> {
    report(bytes).into_file("r.xml".to_owned()).cases
}

/// Checks a report given without its root, as `name status message`, a line a case.
fn check(suites: &str, expect: &[&str]) {
    let shown: Vec<_> = cases(format!("<testsuites>{suites}</testsuites>"))
        .into_iter()
        .map(|case| {
            let message = case.message.map(|message| format!(" {message}")).unwrap_or_default();
            format!("{} {}{message}", case.name, case.status.code())
        })
        .collect();
    assert_eq!(shown, expect, "{suites}");
}

fn check_broken(text: &str, names: &[&str], notice: &str) {
    let read = report(text);
    assert_eq!(read.state, ResultFileState::Incomplete, "{text}");
    assert!(read.notices.iter().any(|found| found.contains(notice)), "{text}: {:?}", read.notices);
    let found = read.into_file(String::new()).cases;
    assert_eq!(found.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), names, "{text}");
}

#[test]
fn a_katalon_report_is_read_by_its_statuses_and_counted() {
    let read = report(KATALON);
    assert_eq!((read.state, read.notices.as_slice()), (ResultFileState::Whole, &[][..]));
    assert_eq!(read.executions[0].identified, Identified::ById);
    let counts: ResultCounts = read.executions[0].cases.iter().collect();
    assert_eq!(counts, ResultCounts { passed: 1, failed: 1, errors: 2, skipped: 1 });
    let [passed, failed, error, ..] = read.executions[0].cases.as_slice() else { panic!() };
    assert_eq!(passed.suite, "Test Suites/Web/Smoke");
    assert_eq!(passed.path.as_deref(), Some("Test Cases/Web/Log in"));
    assert_eq!((passed.duration_ms, passed.message.as_deref()), (Some(5250), None));
    assert_eq!(passed.started_at, Some(ReportedTime("2018-03-31T20:20:20".to_owned())));
    assert_eq!(failed.message.as_deref(), Some("Unable to click <a>\nReason: gone"));
    assert_eq!(error.message.as_deref(), Some("java.lang.Error\n   at Log in.run"));
}

#[test]
fn plain_reports_are_read_by_their_elements() {
    let pytest = r#"<testsuite name="pytest" errors="1" failures="1" timestamp="2024-05-01T10:00:00.123456+02:00">
        <testcase classname="tests.test_a" name="test_ok[1-&lt;]" time="0.001"/>
        <testcase classname="tests.test_a" name="test_no" time="0.002" file="tests/test_a.py" line="3">
        <failure message="assert 1 == 2&#10;  +1">def test_no():
&gt;   assert 1 == 2</failure></testcase>
        <testcase classname="tests.test_a" name="test_x"><skipped type="pytest.xfail" message="slow"/></testcase>
        <testcase classname="tests.test_a" name="test_e"><error message="failed on setup">E</error></testcase>
        </testsuite>"#;
    let expect = [
        "test_ok[1-<] passed",
        "test_no failed assert 1 == 2\n  +1\ndef test_no():\n>   assert 1 == 2",
        "test_x skipped slow",
        "test_e error failed on setup\nE",
    ];
    check(pytest, &expect);
    check(
        r#"<testsuite name="go" id="0"><testcase name="T" classname="x"><failure message="Failed" type="">=== RUN</failure>
        </testcase></testsuite>"#,
        &["T failed Failed\n=== RUN"],
    );
    check(r#"<testsuite><testcase name="T" status="run" result="completed"/></testsuite>"#, &["T passed"]);
    check(r#"<testcase name="no suite"/><testcase name="other"/>"#, &["no suite passed", "other passed"]);
}

#[test]
fn attempts_of_surefire_are_counted_and_do_not_decide() {
    let suite = r#"<testsuite name="S">
        <testcase name="flaky"><flakyFailure message="once">x</flakyFailure><flakyError/></testcase>
        <testcase name="bad"><failure message="first"/><rerunFailure message="again"/></testcase></testsuite>"#;
    check(suite, &["flaky passed", "bad failed first"]);
    assert_eq!(cases(suite).iter().map(|case| case.attempts).collect::<Vec<_>>(), [3, 2]);
}

#[test]
fn a_status_makes_no_pass_of_a_failure() {
    let suite = |status: &str, inside: &str| {
        format!("<testsuite><testcase name='T' status='{status}'>{inside}</testcase></testsuite>")
    };
    check(&suite("PASSED", "<failure>x</failure>"), &["T failed x"]);
    check(&suite("FAILED", ""), &["T failed"]);
    check(&suite("FAILED", "<skipped/>"), &["T failed"]);
    check(&suite("NOT_RUN", ""), &["T skipped"]);
    check(&suite("disabled", "<skipped/><failure message='m'/><error message='n'/>"), &["T failed m"]);
}

#[test]
fn nested_suites_and_elements_of_other_names_are_read_in_order() {
    let text = r#"<testsuite name="outer" file="a.js"><testsuite name="inner"><testcase name="1"/></testsuite>
        <testcase name="2"><properties><property name="x"/></properties><failure><failure>no</failure></failure>
        </testcase><x><testcase name="hidden"/></x><testcase name="3"/></testsuite>"#;
    let found: Vec<_> = cases(text).into_iter().map(|case| (case.name, case.suite, case.path)).collect();
    let case = |name: &str, suite: &str, path: Option<&str>| (name.into(), suite.into(), path.map(str::to_owned));
    let expect = [case("2", "outer", Some("a.js")), case("3", "outer", Some("a.js")), case("1", "inner", None)];
    assert_eq!(found, expect);
}

#[test]
fn control_characters_and_stray_marks_hide_nothing() {
    check(
        "<testsuite><testcase name='a\u{1}b & c'><failure message='\u{1b}[31mred'>x &nbsp; & &#0;\u{0}</failure></testcase>
        <testcase name='next'><system-out>\u{8}</system-out></testcase></testsuite>",
        &["ab & c failed red\nx &nbsp; &", "next passed"],
    );
}

#[test]
fn a_report_that_breaks_off_gives_what_came_before() {
    let case = |name: &str| format!("<testcase name='{name}'/>");
    check_broken(&format!("<testsuite>{}", case("a")), &["a"], "breaks off");
    check_broken(&format!("<testsuite>{}<testcase name='b'>", case("a")), &["a"], "breaks off");
    check_broken("<testsuite><testcase name='b' status='FAILED'><system-out>x", &["b"], "breaks off");
    check_broken("<testsuite><testcase name='b'><failure>x", &["b"], "breaks off");
    check_broken(&format!("<testsuite>{}</b>{}", case("a"), case("c")), &["a"], "not well-formed");
    check_broken(&format!("<testsuite>{}<tes", case("a")), &["a"], "not well-formed");
    check_broken("", &[], "empty file");
}

#[test]
fn bombs_and_bottomless_reports_are_refused() {
    check_broken("<!DOCTYPE a [<!ENTITY b 'c'>]><testsuite/>", &[], "document type");
    check_broken(&format!("<testsuite>{}", "<x>".repeat(100)), &[], "deeper");
    let read = report("<project><testcase name='a'/></project>");
    assert_eq!((read.state, read.executions.len()), (ResultFileState::NoReport, 0));
    assert_eq!(read.notices, ["root element is project, not testsuites or testsuite"]);
}

#[test]
fn what_is_no_xml_is_told_so() {
    for bytes in [&b"hello"[..], b"hello <b>", b"\x7fELF\x02\x01", b"<\x01\x02>", b"{\"a\": 1}", b"&#65;", b"PK<\xff>"]
    {
        let read = report(bytes);
        assert_eq!(
            (read.state, read.notices),
            (ResultFileState::NoReport, vec!["it is no XML".to_owned()]),
            "{bytes:?}"
        );
    }
}

#[test]
fn what_is_kept_of_a_run_is_bounded() {
    let text = format!("<testsuite>{}</testsuite>", "<testcase name='a'><error>long</error></testcase>".repeat(9));
    let read_within = |allowance: Allowance| read(text.as_bytes(), &Redactor::default(), &mut { allowance });
    let few = read_within(Allowance { cases: 3, ..Allowance::default() });
    assert_eq!((few.state, few.executions[0].cases.len()), (ResultFileState::Incomplete, 3));
    let silent = read_within(Allowance { messages: 9, ..Allowance::default() });
    assert_eq!(silent.executions[0].cases.iter().filter(|case| case.message.is_some()).count(), 2);
    assert_eq!(silent.notices, ["7 messages are left out: more than are kept of one run"]);
    let nameless = read_within(Allowance { names: 10, ..Allowance::default() });
    assert_eq!(nameless.state, ResultFileState::Incomplete);
}

#[test]
fn what_is_kept_of_a_run_fits_into_the_line_that_carries_it() {
    let longest = CaseResult {
        status: CaseStatus::Skipped,
        duration_ms: Some(u64::MAX),
        attempts: u32::MAX,
        ..cases("<testsuite><testcase name=''/></testsuite>").remove(0)
    };
    let bare = serde_json::to_string(&longest).unwrap().len();
    assert!(bare <= 2 * size_of::<CaseResult>(), "{bare}: what a result costs besides its texts");
    let Allowance { names, messages, .. } = Allowance::default();
    assert!(2 * (names + messages) <= MAX_LINE / 8 * 7, "texts of quotes, and room for paths and notices");
}

#[test]
fn secrets_are_taken_out_of_what_is_kept() {
    let secret = Secret {
        source: SecretRef::Env("TOKEN".to_owned()),
        value: Zeroizing::new("pa<ss>word".to_owned()),
        user: None,
    };
    let redactor = Redactor::new(&[secret]).unwrap();
    for written in ["pa&lt;ss>word", "pa&lt;\u{1b}[31mss\u{1b}[0m>word", "pa&lt;s\u{8}s>word"] {
        let text =
            format!("<testsuite><testcase name='log in with {written}'><failure>sent {written}</failure></testcase>");
        let read = read(text.as_bytes(), &redactor, &mut Allowance::default());
        let case = &read.executions[0].cases[0];
        assert_eq!(case.name, "log in with [secret env:TOKEN]");
        assert_eq!(case.message.as_deref(), Some("sent [secret env:TOKEN]"));
    }
}

#[test]
fn a_report_of_many_megabytes_is_read_whole() {
    let log = "<![CDATA[".to_owned() + &"line of a log\n".repeat(100_000) + "]]>";
    let case =
        format!("<testcase name='a' status='FAILED'><system-out>{log}</system-out><failure>{log}</failure></testcase>");
    let text = format!("<testsuite>{}</testsuite>", case.repeat(10));
    let read = report(&text);
    assert_eq!((read.state, read.executions[0].cases.len()), (ResultFileState::Whole, 10));
    assert!(read.executions[0].cases.iter().all(|case| case.status == CaseStatus::Failed));
}
