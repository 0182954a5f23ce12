//! A `.tc`: a test case's label, tags and description. Its script lies elsewhere and is not read.

use crate::file::CaseFile;
use crate::xml::{self, Malformed};

/// Longest description that is kept, in characters: it is shown to people, and a file may hold 16 MiB of it.
const MAX_DESCRIPTION: usize = 4_000;

pub(super) fn read(bytes: &[u8]) -> Result<CaseFile, Malformed> {
    xml::read(bytes, |root| {
        if !xml::is_named(root, "TestCaseEntity") {
            return Err(Malformed::OtherRoot { found: xml::name(root), wanted: "a test case" });
        }
        Ok(CaseFile {
            name: xml::text(root, "name").unwrap_or_default(),
            guid: xml::text(root, "testCaseGuid").filter(|guid| !guid.is_empty()),
            tags: tags(&xml::text(root, "tag").unwrap_or_default()),
            description: description(&xml::text(root, "description").unwrap_or_default()),
        })
    })
}

/// The tags in a `<tag>`: free text for Katalon, commas in practice.
pub(super) fn tags(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

pub(super) fn description(text: &str) -> String {
    text.chars().take(MAX_DESCRIPTION).collect()
}
