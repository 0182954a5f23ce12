//! Why the reading of a report ends before the report does.

use quick_xml::Error;
use suitesync_contract::ResultFileState;

/// Deepest nesting. Test tools write 5 levels, and one more for every folder of nested suites.
pub(super) const MAX_DEPTH: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("empty file")]
    Empty,
    #[error("it is no XML")]
    NotXml,
    #[error("root element is {0}, not testsuites or testsuite")]
    OtherRoot(String),
    #[error("a document type declaration is refused")]
    DocumentType,
    #[error("a tag is longer than 1 MiB")]
    TagTooLong,
    #[error("elements are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    #[error("more results than are kept of one run")]
    TooMany,
    #[error("the file breaks off")]
    BreaksOff,
    #[error("not well-formed XML: {0}")]
    NotWellFormed(String),
    #[error("failed to read the file: {0}")]
    Unreadable(String),
}

impl Fault {
    /// What the parser says, or what the guard said to the parser.
    pub(super) fn of(error: &Error) -> Self {
        let Error::Io(error) = error else {
            return Self::NotWellFormed(error.to_string());
        };
        let own = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>());
        own.cloned().unwrap_or_else(|| Self::Unreadable(error.to_string()))
    }

    /// What the file is, given that nothing but this is wrong with it.
    pub(super) fn state(&self) -> ResultFileState {
        match self {
            Self::NotXml | Self::OtherRoot(_) => ResultFileState::NoReport,
            Self::Empty
            | Self::DocumentType
            | Self::TagTooLong
            | Self::TooDeep
            | Self::TooMany
            | Self::BreaksOff
            | Self::NotWellFormed(_)
            | Self::Unreadable(_) => ResultFileState::Incomplete,
        }
    }
}
