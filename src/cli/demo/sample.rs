//! The demo's repository: a small Katalon project, and the push that changes it.

use suitesync_loopback::Change;

/// Stands in for a test tool: every case of the suite passes, and the report is as Katalon writes it.
const RUN_SUITE: &str = r#"#!/bin/sh
set -eu
mkdir -p "Reports/$1"
echo "signing in to the shop with $SHOP_PASSWORD"
{
    echo "<testsuites><testsuite id=\"$1\" name=\"${1##*/}\">"
    sed -n 's|.*<testCaseId>\(.*\)</testCaseId>.*|\1|p' "$1.ts" | while read -r case; do
        echo "running $case" >&2
        echo "<testcase name=\"$case\" classname=\"$case\" status=\"PASSED\" time=\"0.1\"/>"
    done
    echo "</testsuite></testsuites>"
} >"Reports/$1/JUnit_Report.xml"
"#;

/// The project as it is first.
pub(super) fn first() -> Vec<Change> {
    vec![
        Change::write("Shop.prj", xml("Project", "   <name>Shop</name>\n   <type>WEBUI</type>\n")),
        case("Test Cases/Login/Sign in", 1, "smoke"),
        script("Login/Sign in", "WebUI.click(findTestObject('Page_Login/sign_in'))\n"),
        case("Test Cases/Login/Sign out", 2, ""),
        case("Test Cases/Checkout/Pay by card", 3, "smoke, payment"),
        script("Checkout/Pay by card", "WebUI.click(findTestObject('Page_Checkout/pay'))\n"),
        case("Test Cases/Checkout/Pay by invoice", 4, "payment"),
        case("Test Cases/Search/Find a product", 5, ""),
        suite(
            "Test Suites/Smoke",
            &[
                ("Test Cases/Login/Sign in", true),
                ("Test Cases/Checkout/Pay by card", true),
                ("Test Cases/Login/Sign out", false),
            ],
        ),
        suite(
            "Test Suites/Regression",
            &[
                ("Test Cases/Login/Sign in", true),
                ("Test Cases/Login/Sign in", true),
                ("Test Cases/Search/find a product", true),
                ("Test Cases/Search/Filter", true),
            ],
        ),
        Change::write(
            "Test Suites/Payments.ts",
            xml(
                "FilteringTestSuiteEntity",
                "   <name>Payments</name>\n   <filteringText>tag=(payment)</filteringText>\n",
            ),
        ),
        collection("Test Suites/Nightly", &["Test Suites/Smoke", "Test Suites/Regression"]),
        Change::write("run-suite.sh", RUN_SUITE),
        Change::write("README.md", "# Tests of the shop\n"),
    ]
}

/// A push: a case renamed, one changed, one added, one removed.
pub(super) fn second() -> Vec<Change> {
    vec![
        Change::rename("Test Cases/Checkout/Pay by invoice.tc", "Test Cases/Checkout/Pay later.tc"),
        script("Checkout/Pay by card", "WebUI.click(findTestObject('Page_Checkout/pay_now'))\n"),
        case("Test Cases/Search/Filter", 6, ""),
        Change::remove("Test Cases/Login/Sign out.tc"),
    ]
}

fn xml(root: &str, content: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}>\n{content}</{root}>\n")
}

fn name(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

fn case(id: &str, number: u32, tag: &str) -> Change {
    let guid = format!("5b0e5a52-0000-4000-8000-{number:012}");
    let content = format!(
        "   <description></description>\n   <name>{}</name>\n   <tag>{tag}</tag>\n   <testCaseGuid>{guid}</testCaseGuid>\n",
        name(id)
    );
    Change::write(format!("{id}.tc"), xml("TestCaseEntity", &content))
}

fn script(case: &str, text: &str) -> Change {
    Change::write(format!("Scripts/{case}/Script1600000000000.groovy"), text)
}

fn suite(id: &str, entries: &[(&str, bool)]) -> Change {
    let links: String = entries
        .iter()
        .map(|(case, enabled)| {
            format!("   <testCaseLink>\n      <isRun>{enabled}</isRun>\n      <testCaseId>{case}</testCaseId>\n   </testCaseLink>\n")
        })
        .collect();
    Change::write(format!("{id}.ts"), xml("TestSuiteEntity", &format!("   <name>{}</name>\n{links}", name(id))))
}

fn collection(id: &str, suites: &[&str]) -> Change {
    let rows: String = suites
        .iter()
        .map(|suite| {
            format!(
                "      <TestSuiteRunConfiguration>\n         <runEnabled>true</runEnabled>\n         \
                 <testSuiteEntity>{suite}</testSuiteEntity>\n      </TestSuiteRunConfiguration>\n"
            )
        })
        .collect();
    let content = format!(
        "   <name>{}</name>\n   <executionMode>SEQUENTIAL</executionMode>\n   <testSuiteRunConfigurations>\n{rows}   \
         </testSuiteRunConfigurations>\n",
        name(id)
    );
    Change::write(format!("{id}.ts"), xml("TestSuiteCollectionEntity", &content))
}
