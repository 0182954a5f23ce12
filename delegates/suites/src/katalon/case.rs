//! A `.tc`: a test case's label, tags and description. Its script lies elsewhere and is not read.

use super::words;
use crate::file::CaseFile;
use crate::xml::{self, Malformed};

pub(super) fn read(bytes: &[u8]) -> Result<CaseFile, Malformed> {
    xml::read(bytes, |root| {
        if !xml::is_named(root, "TestCaseEntity") {
            return Err(Malformed::OtherRoot { found: xml::name(root), wanted: "a test case" });
        }
        Ok(CaseFile {
            name: words::name(root, "name")?,
            guid: words::guid(root, "testCaseGuid")?,
            tags: words::tags(root)?,
            description: words::description(root),
        })
    })
}
