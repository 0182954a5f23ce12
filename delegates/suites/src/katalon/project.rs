//! A `.prj`: what makes a folder a root.

use super::words;
use crate::file::ProjectFile;
use crate::xml::{self, Malformed};

pub(super) fn read(bytes: &[u8]) -> Result<ProjectFile, Malformed> {
    xml::read(bytes, |root| {
        if !xml::is_named(root, "Project") {
            return Err(Malformed::OtherRoot { found: xml::name(root), wanted: "a project" });
        }
        Ok(ProjectFile { name: words::name(root, "name")? })
    })
}
