//! The tests that were found in a tree.
//!
//! Paths are `/`-separated and exactly as in the repository. Bytes that are no UTF-8 stand as `\xNN`.

use serde::{Deserialize, Serialize};

use crate::ObjectId;

/// Everything found under a link's directory at one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Discovery {
    /// The test projects that the directory lies in or holds.
    pub roots: Vec<Root>,
    /// Sorted by root, then id.
    pub cases: Vec<Case>,
    /// Sorted by root, then id.
    pub suites: Vec<Suite>,
    /// What was passed over, and why.
    pub notices: Vec<Notice>,
}

/// The folder of a test project; empty at the repository's top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Root {
    pub path: String,
    /// The project's own name, for people.
    pub name: String,
    /// The format, such as `katalon`.
    pub format: String,
}

/// Whether a file could be read as what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    Ok,
    /// Shown with the reason, never dropped.
    Malformed {
        reason: String,
    },
}

impl FileState {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Malformed { .. } => "malformed",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ok => None,
            Self::Malformed { reason } => Some(reason),
        }
    }
}

/// One test case; (root, id) is its identity within a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Case {
    pub root: String,
    /// The path below the root without the last extension.
    pub id: String,
    /// The whole path in the repository, extension included.
    pub path: String,
    pub state: FileState,
    /// The name written inside the file, a label only.
    pub name: String,
    /// A GUID inside the file, where there is one; copies repeat it.
    pub guid: Option<String>,
    pub tags: Vec<String>,
    pub description: String,
    pub blob: ObjectId,
    /// The tree of the case's scripts, where there is one.
    pub scripts: Option<ObjectId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SuiteKind {
    /// A list of cases.
    Static,
    /// A query over cases.
    Dynamic,
    /// A list of suites.
    Collection,
}

impl SuiteKind {
    pub fn code(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Dynamic => "dynamic",
            Self::Collection => "collection",
        }
    }
}

/// One suite; (root, id) is its identity within a link. A malformed one is shown as static without entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Suite {
    pub root: String,
    pub id: String,
    pub path: String,
    pub kind: SuiteKind,
    pub state: FileState,
    pub name: String,
    pub guid: Option<String>,
    pub tags: Vec<String>,
    pub description: String,
    /// The filter of a dynamic suite, as written.
    pub query: Option<String>,
    /// In the order of execution, repeats kept.
    pub entries: Vec<Entry>,
    pub blob: ObjectId,
}

/// One line of a suite: a case, or a suite where the suite is a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// The id as written.
    pub id: String,
    pub enabled: bool,
    pub state: EntryState,
}

/// Whether what an entry names is in the same root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    Ok,
    Missing,
    /// Only letter case is different.
    CaseDiffers,
}

impl EntryState {
    pub fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::CaseDiffers => "case_differs",
        }
    }
}

/// Something in the tree that was passed over or needs a look, none of it fatal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notice {
    pub path: String,
    pub message: String,
}
