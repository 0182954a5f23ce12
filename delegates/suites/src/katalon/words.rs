//! The texts of a file that are kept, within bounds far beyond what Studio writes.
//!
//! What names something or is searched in makes its file malformed where it is longer; a description, which is only
//! read by people, is cut.

use roxmltree::Node;

use crate::xml::{self, Malformed};

/// Most bytes of a name, a GUID or an id. Studio allows paths of 255 characters.
const MAX_NAME: usize = 4 * 1024;

/// Most bytes of all tags together, and of a query. Studio's fields for them have one line.
const MAX_LINE: usize = 64 * 1024;

/// Longest description that is kept, in characters: a few screens.
const MAX_DESCRIPTION: usize = 4_000;

/// A name or an id; empty where there is none.
pub(super) fn name(element: Node<'_, '_>, child: &'static str) -> Result<String, Malformed> {
    Ok(xml::text_within(element, child, MAX_NAME)?.unwrap_or_default())
}

pub(super) fn guid(element: Node<'_, '_>, child: &'static str) -> Result<Option<String>, Malformed> {
    Ok(Some(name(element, child)?).filter(|guid| !guid.is_empty()))
}

/// The tags in a `<tag>`: free text for Katalon, commas in practice.
pub(super) fn tags(element: Node<'_, '_>) -> Result<Vec<String>, Malformed> {
    let text = line(element, "tag")?;
    Ok(text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect())
}

pub(super) fn query(element: Node<'_, '_>) -> Result<String, Malformed> {
    line(element, "filteringText")
}

/// Ends in a mark where it is cut.
pub(super) fn description(element: Node<'_, '_>) -> String {
    let text = xml::text(element, "description").unwrap_or_default();
    match text.char_indices().nth(MAX_DESCRIPTION) {
        // A text of its own: one that is only made shorter holds on to the memory of the whole.
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn line(element: Node<'_, '_>, child: &'static str) -> Result<String, Malformed> {
    Ok(xml::text_within(element, child, MAX_LINE)?.unwrap_or_default())
}
