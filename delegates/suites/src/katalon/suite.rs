//! A `.ts`: a suite, a dynamic suite or a collection, told apart by the root element alone.

use roxmltree::Node;
use suitesync_contract::SuiteKind;

use super::words;
use crate::file::{SuiteFile, SuiteLine};
use crate::xml::{self, Malformed};

/// The root element of each kind.
const KINDS: [(&str, SuiteKind); 3] = [
    ("TestSuiteEntity", SuiteKind::Static),
    ("FilteringTestSuiteEntity", SuiteKind::Dynamic),
    ("TestSuiteCollectionEntity", SuiteKind::Collection),
];

pub(super) fn read(bytes: &[u8]) -> Result<SuiteFile, Malformed> {
    xml::read(bytes, |root| {
        let kind = KINDS.iter().find(|(name, _)| xml::is_named(root, name)).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| Malformed::OtherRoot { found: xml::name(root), wanted: "a test suite" })?;
        Ok(SuiteFile {
            kind,
            name: words::name(root, "name")?,
            guid: words::guid(root, "testSuiteGuid")?,
            tags: words::tags(root)?,
            description: words::description(root),
            query: (kind == SuiteKind::Dynamic).then(|| words::query(root)).transpose()?,
            lines: match kind {
                SuiteKind::Static | SuiteKind::Dynamic => case_lines(root)?,
                SuiteKind::Collection => suite_lines(root)?,
            },
        })
    })
}

/// A link without `isRun` runs: Studio's own reader starts from "true".
fn case_lines(root: Node<'_, '_>) -> Result<Vec<SuiteLine>, Malformed> {
    let line =
        |link| Ok(SuiteLine { id: words::name(link, "testCaseId")?, enabled: flag(link, "isRun").unwrap_or(true) });
    xml::children(root, "testCaseLink").map(line).collect()
}

/// A row without `runEnabled` does not run: Studio's own reader starts from "false".
fn suite_lines(root: Node<'_, '_>) -> Result<Vec<SuiteLine>, Malformed> {
    let line = |row| {
        Ok(SuiteLine { id: words::name(row, "testSuiteEntity")?, enabled: flag(row, "runEnabled").unwrap_or(false) })
    };
    let rows = |list| xml::children(list, "TestSuiteRunConfiguration");
    xml::children(root, "testSuiteRunConfigurations").flat_map(rows).map(line).collect()
}

/// An XML Schema boolean, read as Studio reads it: what is neither `true` nor `1` is false.
fn flag(element: Node<'_, '_>, name: &str) -> Option<bool> {
    xml::text(element, name).map(|text| matches!(text.trim(), "true" | "1"))
}
