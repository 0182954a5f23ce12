//! What one file says.

use suitesync_contract::{EntryState, FileState, SuiteKind};

use super::repository::{CASE, SUITE, project};
use crate::{Content, FileKind, MAX_FILE, Parse, parse};

fn entries(suite: &str) -> Vec<(String, bool, EntryState)> {
    let found = project().file("Test Cases/Pay.tc", CASE).file("Test Suites/Day.ts", SUITE);
    let suite = found.file("Test Suites/It.ts", suite).suite("Test Suites/It");
    suite.entries.into_iter().map(|entry| (entry.id, entry.enabled, entry.state)).collect()
}

#[test]
fn a_case_says_its_label_guid_tags_and_description() {
    let case = "<TestCaseEntity><description>d</description><name>pay</name><tag>Regression, mk,,Straße </tag>\
                <testCaseGuid>8e8b</testCaseGuid></TestCaseEntity>";
    let found = project().file("Test Cases/Pay.tc", case).case("Test Cases/Pay");
    assert_eq!((found.name.as_str(), found.guid.as_deref(), found.description.as_str()), ("pay", Some("8e8b"), "d"));
    assert_eq!(found.tags, ["Regression", "mk", "Straße"]);
    assert_eq!(found.state, FileState::Ok);
}

#[test]
fn an_empty_guid_is_none() {
    let case = "<TestCaseEntity><testCaseGuid/></TestCaseEntity>";
    assert_eq!(project().file("Test Cases/Pay.tc", case).case("Test Cases/Pay").guid, None);
}

#[test]
fn a_link_runs_unless_it_says_otherwise() {
    let link = |flag: &str| format!("<testCaseLink>{flag}<testCaseId>Test Cases/Pay</testCaseId></testCaseLink>");
    let flags =
        ["", "<isRun>true</isRun>", "<isRun> 1 </isRun>", "<isRun>false</isRun>", "<isRun/>", "<isRun>TRUE</isRun>"];
    let links: String = flags.iter().map(|flag| link(flag)).collect();
    let found = entries(&format!("<TestSuiteEntity>{links}</TestSuiteEntity>"));
    let enabled: Vec<bool> = found.iter().map(|(_, enabled, _)| *enabled).collect();
    assert_eq!(enabled, [true, true, true, false, false, false]);
}

#[test]
fn entries_keep_their_order_and_repeats_and_know_what_is_there() {
    let names = ["Test Cases/Pay", "Test Cases/pay", "Test Cases/Gone", "Test Cases/Pay", " Test Cases/Pay", ""];
    let link = |id: &&str| format!("<testCaseLink><testCaseId>{id}</testCaseId></testCaseLink>");
    let links: String = names.iter().map(link).collect();
    let found = entries(&format!("<TestSuiteEntity>{links}<x><testCaseLink/></x></TestSuiteEntity>"));
    let states: Vec<_> = found.iter().map(|(id, _, state)| (id.as_str(), *state)).collect();
    let (ok, differs, missing) = (EntryState::Ok, EntryState::CaseDiffers, EntryState::Missing);
    let expect: Vec<_> = names.into_iter().zip([ok, differs, missing, ok, missing, missing]).collect();
    assert_eq!(states, expect);
}

#[test]
fn a_dynamic_suite_has_its_query_as_written() {
    let dynamic = "<FilteringTestSuiteEntity><filteringText>tag=(Stage,Smoke) </filteringText>\
                   <testCaseLink><testCaseId>Test Cases/Pay</testCaseId></testCaseLink></FilteringTestSuiteEntity>";
    let found = project().file("Test Suites/It.ts", dynamic).suite("Test Suites/It");
    assert_eq!((found.kind, found.query.as_deref()), (SuiteKind::Dynamic, Some("tag=(Stage,Smoke) ")));
    assert_eq!(found.entries.len(), 1);
}

#[test]
fn a_collection_lists_suites_and_a_row_runs_only_if_it_says_so() {
    let row = |flag: &str, id: &str| {
        let suite = format!("<testSuiteEntity>{id}</testSuiteEntity>");
        format!("<TestSuiteRunConfiguration><configuration/>{flag}{suite}</TestSuiteRunConfiguration>")
    };
    let on = "<runEnabled>true</runEnabled>";
    let rows =
        [row(on, "Test Suites/Day"), row("", "Test Suites/DAY"), row(on, ""), row(on, "Test Cases/Pay")].concat();
    let list = format!("<testSuiteRunConfigurations>{rows}</testSuiteRunConfigurations>");
    let found = entries(&format!("<TestSuiteCollectionEntity>{list}</TestSuiteCollectionEntity>"));
    let brief: Vec<_> = found.iter().map(|(_, enabled, state)| (*enabled, *state)).collect();
    let (ok, differs, missing) = (EntryState::Ok, EntryState::CaseDiffers, EntryState::Missing);
    assert_eq!(brief, [(true, ok), (false, differs), (true, missing), (true, missing)]);
}

#[test]
fn a_file_of_another_root_element_is_malformed_with_the_reason() {
    let check = |kind, content: &str, expect: &str| {
        assert_eq!(parse(kind, Content::Bytes(content.as_bytes())), Parse::malformed(expect));
    };
    check(FileKind::Suite, "<TS version='2.1'/>", "root element is TS, not a test suite");
    check(FileKind::Case, "<TestSuiteEntity/>", "root element is TestSuiteEntity, not a test case");
    check(FileKind::Project, "<Project xmlns='urn:x'/>", "root element is {urn:x}Project, not a project");
}

#[test]
fn a_file_that_is_too_large_is_malformed_unread() {
    let parse = parse(FileKind::Case, Content::TooLarge(MAX_FILE + 1));
    assert_eq!(parse, Parse::malformed("larger than 16 MiB"));
}

#[test]
fn a_text_that_is_longer_than_any_tool_writes_makes_its_file_malformed() {
    let check = |kind, before: &str, element: &str, length: usize, after: &str| {
        let text = |length| format!("{before}<{element}>{}</{element}>{after}", "x".repeat(length));
        let longest = parse(kind, Content::Bytes(text(length).as_bytes()));
        assert!(!matches!(longest, Parse::Malformed { .. }), "{longest:?}");
        let reason = format!("the text of {element} has more than {length} bytes");
        assert_eq!(parse(kind, Content::Bytes(text(length + 1).as_bytes())), Parse::malformed(reason));
    };
    check(FileKind::Project, "<Project>", "name", 4_096, "</Project>");
    for (element, length) in [("name", 4_096), ("testCaseGuid", 4_096), ("tag", 65_536)] {
        check(FileKind::Case, "<TestCaseEntity>", element, length, "</TestCaseEntity>");
    }
    for (element, length) in [("name", 4_096), ("testSuiteGuid", 4_096), ("tag", 65_536), ("filteringText", 65_536)] {
        check(FileKind::Suite, "<FilteringTestSuiteEntity>", element, length, "</FilteringTestSuiteEntity>");
    }
    let link = ("<TestSuiteEntity><testCaseLink>", "</testCaseLink></TestSuiteEntity>");
    check(FileKind::Suite, link.0, "testCaseId", 4_096, link.1);
}

#[test]
fn a_long_description_is_cut_with_a_mark() {
    let case = |length| format!("<TestCaseEntity><description>{}</description></TestCaseEntity>", "ö".repeat(length));
    let kept = |length| project().file("Test Cases/Pay.tc", case(length)).case("Test Cases/Pay").description;
    assert_eq!(kept(4_000), "ö".repeat(4_000));
    assert_eq!(kept(4_001), "ö".repeat(4_000) + "…");
}
