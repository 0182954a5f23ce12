//! Files of Katalon projects.

use suitesync_loopback::Change;

pub(crate) fn project(root: &str, name: &str) -> Change {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Project>\n   <name>{name}</name>\n</Project>\n");
    Change::write(format!("{root}{name}.prj"), text)
}

pub(crate) fn case(path: &str, guid: &str) -> Change {
    Change::write(format!("{path}.tc"), case_text(path, guid, ""))
}

pub(crate) fn tagged_case(path: &str, guid: &str, tag: &str) -> Change {
    Change::write(format!("{path}.tc"), case_text(path, guid, tag))
}

fn case_text(path: &str, guid: &str, tag: &str) -> String {
    let name = path.rsplit('/').next().unwrap();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TestCaseEntity>\n   <name>{name}</name>\n   <tag>{tag}</tag>\n   \
         <testCaseGuid>{guid}</testCaseGuid>\n</TestCaseEntity>\n"
    )
}

pub(crate) fn script(case: &str, text: &str) -> Change {
    Change::write(format!("Scripts/{case}/Script1600000000000.groovy"), text)
}

/// A static suite; an entry that begins with `-` is disabled.
pub(crate) fn suite(path: &str, entries: &[&str]) -> Change {
    let links: String = entries
        .iter()
        .map(|entry| {
            let (id, enabled) = entry.strip_prefix('-').map_or((*entry, true), |id| (id, false));
            format!("   <testCaseLink>\n      <isRun>{enabled}</isRun>\n      <testCaseId>{id}</testCaseId>\n   </testCaseLink>\n")
        })
        .collect();
    let name = path.rsplit('/').next().unwrap();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TestSuiteEntity>\n   <name>{name}</name>\n{links}</TestSuiteEntity>\n"
    );
    Change::write(format!("{path}.ts"), text)
}

/// A project with three cases and a suite over two of them.
pub(crate) fn small_project() -> Vec<Change> {
    vec![
        project("", "Shop"),
        case("Test Cases/Login", "00000000-0000-0000-0000-000000000001"),
        case("Test Cases/Cart/Add", "00000000-0000-0000-0000-000000000002"),
        case("Test Cases/Cart/Remove", "00000000-0000-0000-0000-000000000003"),
        script("Login", "println 'login'\n"),
        suite("Test Suites/Smoke", &["Test Cases/Login", "-Test Cases/Cart/Add", "Test Cases/Gone"]),
    ]
}
