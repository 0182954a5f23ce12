//! XML documents, read strictly and within bounds.
//!
//! What is accepted is what a non-validating parser such as expat accepts, less document type declarations (their
//! entities are how small files grow large) and documents past the bounds of [`bounds`].

mod bounds;
mod declaration;
mod encoding;

use roxmltree::{Document, Error, Node};

/// Starts the content of a file that is kept elsewhere by git-lfs.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Starts a line that a merge left behind.
const CONFLICT_MARKER: &[u8] = b"<<<<<<<";

/// The first mark is taken off on decoding; the parser would skip another.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Why a file is no document that is read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("empty file")]
    Empty,
    #[error("only zero bytes")]
    Zeros,
    #[error("git-lfs pointer")]
    LfsPointer,
    #[error("merge conflict markers at line {0}")]
    ConflictMarkers(usize),
    #[error("not well-formed XML at 1:1: a faulty XML declaration")]
    Declaration,
    #[error("encoding {0:?} is unknown")]
    UnknownEncoding(String),
    #[error("encoding {declared:?} is declared, but the bytes are {actual}")]
    WrongEncoding { declared: String, actual: &'static str },
    #[error("a document type declaration is refused (line {})", .0.line)]
    DocumentType(Place),
    #[error("not well-formed XML at {}:{}: {what}", .place.line, .place.column)]
    NotWellFormed { place: Place, what: String },
    #[error("elements nested deeper than {} (line {})", bounds::MAX_DEPTH, .0.line)]
    TooDeep(Place),
    #[error("more than {limit} {what}")]
    TooMany { limit: usize, what: &'static str },
    #[error("the text of {element} has more than {limit} bytes")]
    TooLong { element: &'static str, limit: usize },
    #[error("root element is {found}, not {wanted}")]
    OtherRoot { found: String, wanted: &'static str },
}

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    /// The place of what follows `before`.
    fn after(before: &str) -> Self {
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
        Self { line, column }
    }
}

/// Reads a document and hands its root element on.
pub(crate) fn read<T>(bytes: &[u8], take: impl FnOnce(Node<'_, '_>) -> Result<T, Malformed>) -> Result<T, Malformed> {
    if bytes.is_empty() {
        return Err(Malformed::Empty);
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(Malformed::Zeros);
    }
    if bytes.starts_with(LFS_POINTER) {
        return Err(Malformed::LfsPointer);
    }
    let text = encoding::decode(bytes).map_err(|fault| conflict(bytes).unwrap_or(fault))?;
    let document = well_formed(&text).map_err(|fault| conflict(bytes).unwrap_or(fault))?;
    take(document.root_element())
}

fn well_formed(text: &str) -> Result<Document<'_>, Malformed> {
    if text.starts_with(BYTE_ORDER_MARK) {
        let what = "a second byte order mark".to_owned();
        return Err(Malformed::NotWellFormed { place: Place { line: 1, column: 1 }, what });
    }
    bounds::check(text)?;
    Document::parse(text).map_err(|error| fault(text, &error))
}

fn fault(text: &str, error: &Error) -> Malformed {
    let at = error.pos();
    // These carry no place of their own: what is wrong is that the text ends.
    let at_end = matches!(error, Error::NoRootNode | Error::UnclosedRootNode | Error::UnexpectedEndOfStream);
    let place = if at_end { Place::after(text) } else { Place { line: at.row as usize, column: at.col as usize } };
    Malformed::NotWellFormed { place, what: error.to_string().replace(&format!(" at {at}"), "") }
}

/// Where a merge left its markers, if it did. Asked only of what cannot be read: a description may hold such a line.
fn conflict(bytes: &[u8]) -> Option<Malformed> {
    let line = bytes.split(|byte| *byte == b'\n').position(|line| line.starts_with(CONFLICT_MARKER))?;
    Some(Malformed::ConflictMarkers(line + 1))
}

/// Whether an element has this name, in no namespace.
pub(crate) fn is_named(element: Node<'_, '_>, name: &str) -> bool {
    let tag = element.tag_name();
    element.is_element() && tag.name() == name && tag.namespace().is_none_or(str::is_empty)
}

/// The name of an element, with its namespace where it has one.
pub(crate) fn name(element: Node<'_, '_>) -> String {
    let tag = element.tag_name();
    match tag.namespace().filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => format!("{{{namespace}}}{}", tag.name()),
        None => tag.name().to_owned(),
    }
}

/// The child elements with this name, in document order.
pub(crate) fn children<'a, 'input>(
    element: Node<'a, 'input>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> + use<'a, 'input> {
    element.children().filter(move |child| is_named(*child, name))
}

/// The text of the first child element with this name: what stands before that child's own first child element.
pub(crate) fn text(element: Node<'_, '_>, name: &str) -> Option<String> {
    let child = children(element, name).next()?;
    Some(
        child
            .children()
            .take_while(|node| !node.is_element())
            .filter(Node::is_text)
            .filter_map(|node| node.text())
            .collect(),
    )
}

/// The [`text`] of a child element, refused where it has more bytes than `limit`: to cut it would make another of it.
pub(crate) fn text_within(
    element: Node<'_, '_>,
    name: &'static str,
    limit: usize,
) -> Result<Option<String>, Malformed> {
    match text(element, name) {
        Some(text) if text.len() > limit => Err(Malformed::TooLong { element: name, limit }),
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests;
