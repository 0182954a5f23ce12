//! One file: its kind, its content, and what it says. What it says is data that can be stored and read back.

use serde::{Deserialize, Serialize};
use suitesync_contract::{ObjectId, SuiteKind};

/// Largest file that is read. The largest suites seen in public projects have some 200 KiB; 16 MiB leaves room for
/// eighty times that and still bounds the memory that a hostile repository can ask for.
pub const MAX_FILE: u64 = 16 * 1024 * 1024;

/// Longest reason, in characters: it stands in one cell of a table, and parts of it are quoted from the file.
const MAX_REASON: usize = 200;

/// What a file is read as. Kinds are per format: another format brings its own, so that a remembered parse is never
/// taken for another format's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// Katalon's `.prj`.
    Project,
    /// Katalon's `.tc`.
    Case,
    /// Katalon's `.ts`.
    Suite,
}

impl FileKind {
    const ALL: [Self; 3] = [Self::Project, Self::Case, Self::Suite];

    /// The stable name under which parses are remembered.
    pub fn code(self) -> &'static str {
        match self {
            Self::Project => "katalon_project",
            Self::Case => "katalon_case",
            Self::Suite => "katalon_suite",
        }
    }

    /// The kind with this name, where there is one.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// A file whose content is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileToParse {
    pub kind: FileKind,
    pub blob: ObjectId,
}

/// What was read of a file.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    Bytes(&'a [u8]),
    /// Larger than [`MAX_FILE`], so it was not read; with its size in bytes.
    TooLarge(u64),
}

/// What one file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parse {
    Project(ProjectFile),
    Case(CaseFile),
    Suite(SuiteFile),
    Malformed { reason: String },
}

impl Parse {
    /// Bytes that it takes in memory, nearly.
    pub(crate) fn weight(&self) -> usize {
        let texts = |texts: &[&str]| texts.iter().map(|text| text.len()).sum::<usize>();
        let tags = |tags: &[String]| tags.iter().map(|tag| size_of::<String>() + tag.len()).sum::<usize>();
        let option = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let inside = match self {
            Self::Project(file) => file.name.len(),
            Self::Case(file) => texts(&[&file.name, &file.description]) + option(&file.guid) + tags(&file.tags),
            Self::Suite(file) => {
                let lines = file.lines.iter().map(|line| size_of::<SuiteLine>() + line.id.len()).sum::<usize>();
                let own = texts(&[&file.name, &file.description]) + option(&file.guid) + option(&file.query);
                own + tags(&file.tags) + lines
            }
            Self::Malformed { reason } => reason.len(),
        };
        size_of::<Self>() + inside
    }

    /// The reason is shortened, and control characters in it are escaped, since it may quote the file.
    pub(crate) fn malformed(reason: impl ToString) -> Self {
        let mut kept = String::new();
        for (count, character) in reason.to_string().chars().enumerate() {
            if count == MAX_REASON {
                kept.push('…');
                break;
            }
            if character.is_control() {
                kept.extend(character.escape_default());
            } else {
                kept.push(character);
            }
        }
        Self::Malformed { reason: kept }
    }
}

/// A file that makes its folder a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectFile {
    pub name: String,
}

/// A test case's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFile {
    pub name: String,
    pub guid: Option<String>,
    pub tags: Vec<String>,
    pub description: String,
}

/// A suite's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteFile {
    pub kind: SuiteKind,
    pub name: String,
    pub guid: Option<String>,
    pub tags: Vec<String>,
    pub description: String,
    pub query: Option<String>,
    pub lines: Vec<SuiteLine>,
}

impl SuiteFile {
    /// A suite of which only the kind is known.
    pub(crate) fn silent(kind: SuiteKind) -> Self {
        let (name, guid, tags, description) = Default::default();
        Self { kind, name, guid, tags, description, query: None, lines: Vec::new() }
    }
}

/// One line of a suite, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteLine {
    pub id: String,
    pub enabled: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_code() {
        for kind in FileKind::ALL {
            assert_eq!(FileKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(FileKind::from_code("case"), None);
    }

    #[test]
    fn a_parse_is_read_back_as_it_was_written() {
        let line = SuiteLine { id: "Test Cases/İlk".to_owned(), enabled: false };
        let suite = SuiteFile {
            kind: SuiteKind::Dynamic,
            name: "Nightly".to_owned(),
            guid: None,
            tags: vec!["smoke".to_owned()],
            description: String::new(),
            query: Some("tag=(smoke)".to_owned()),
            lines: vec![line],
        };
        for parse in [Parse::Suite(suite), Parse::malformed("empty file")] {
            let text = serde_json::to_string(&parse).unwrap();
            assert_eq!(serde_json::from_str::<Parse>(&text).unwrap(), parse);
        }
    }

    #[test]
    fn a_reason_is_short_and_holds_no_control_characters() {
        let Parse::Malformed { reason } = Parse::malformed("\0".to_owned() + &"x".repeat(300)) else { panic!() };
        assert!(reason.starts_with("\\u{0}xxx"), "{reason}");
        assert!(reason.ends_with("x…"), "{reason}");
    }
}
