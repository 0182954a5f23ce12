//! Katalon Studio's projects.
//!
//! A root is a folder that holds a `*.prj`; a test case is a `*.tc` under its `Test Cases`, a suite a `*.ts` under its
//! `Test Suites`, and the suite's XML root element alone says which kind of suite it is. An id is the path below the
//! root without the last extension, byte for byte; the `<name>` inside a file is a label.
//!
//! Projects without a `.prj`, and the cloud layout (`test-cases/`, `test-suites/`), are not read.

mod case;
mod discover;
mod inventory;
mod layout;
mod names;
mod passed_over;
mod project;
mod roots;
mod suite;
mod words;

use suitesync_contract::Discovery;

use crate::file::{Content, FileKind, FileToParse, MAX_FILE, Parse};
use crate::format::{Format, ParseOf};
use crate::tree::Tree;
use crate::xml::Malformed;

/// The format, as the registry knows it.
#[derive(Debug)]
pub(crate) struct Katalon;

/// The format's name in a root.
const NAME: &str = "katalon";

/// Why a file is malformed whose parse was not handed over.
const LEFT_OUT: &str = "what it says is left out: the files of this tree say more than is kept of one";

impl Format for Katalon {
    fn reads(&self, kind: FileKind) -> bool {
        match kind {
            FileKind::Project | FileKind::Case | FileKind::Suite => true,
        }
    }

    fn files_to_parse(&self, tree: &Tree<'_>) -> Vec<FileToParse> {
        layout::files_to_parse(tree)
    }

    fn parse(&self, kind: FileKind, content: Content<'_>) -> Parse {
        let bytes = match content {
            Content::Bytes(bytes) => bytes,
            Content::TooLarge(_) => return Parse::malformed(format!("larger than {} MiB", MAX_FILE >> 20)),
        };
        let read = match kind {
            FileKind::Project => project::read(bytes).map(Parse::Project),
            FileKind::Case => case::read(bytes).map(Parse::Case),
            FileKind::Suite => suite::read(bytes).map(Parse::Suite),
        };
        read.unwrap_or_else(|fault: Malformed| Parse::malformed(fault))
    }

    fn discover(&self, tree: &Tree<'_>, parse_of: ParseOf<'_, '_>) -> Discovery {
        discover::discover(tree, parse_of)
    }
}

#[cfg(test)]
mod tests;
