//! A parse as bytes, for the store: every sync reads back those of a whole directory, which JSON makes dear.
//!
//! Texts and lists stand after their length (four bytes, the lowest first). There is no version in it: the store has one.

use suitesync_contract::SuiteKind;
use suitesync_suites::{CaseFile, Parse, ProjectFile, SuiteFile, SuiteLine};

const PROJECT: u8 = 0;
const CASE: u8 = 1;
const SUITE: u8 = 2;
const MALFORMED: u8 = 3;

/// Appends a parse.
pub(super) fn encode(parse: &Parse, bytes: &mut Vec<u8>) {
    match parse {
        Parse::Project(ProjectFile { name }) => {
            bytes.push(PROJECT);
            put_text(name, bytes);
        }
        Parse::Case(CaseFile { name, guid, tags, description }) => {
            bytes.push(CASE);
            put_text(name, bytes);
            put_option(guid.as_deref(), bytes);
            put_list(tags, bytes, |tag, bytes| put_text(tag, bytes));
            put_text(description, bytes);
        }
        Parse::Suite(SuiteFile { kind, name, guid, tags, description, query, lines }) => {
            bytes.push(SUITE);
            bytes.push(match kind {
                SuiteKind::Static => 0,
                SuiteKind::Dynamic => 1,
                SuiteKind::Collection => 2,
            });
            put_text(name, bytes);
            put_option(guid.as_deref(), bytes);
            put_list(tags, bytes, |tag, bytes| put_text(tag, bytes));
            put_text(description, bytes);
            put_option(query.as_deref(), bytes);
            put_list(lines, bytes, |SuiteLine { id, enabled }, bytes| {
                put_text(id, bytes);
                bytes.push(u8::from(*enabled));
            });
        }
        Parse::Malformed { reason } => {
            bytes.push(MALFORMED);
            put_text(reason, bytes);
        }
    }
}

/// The parse that these bytes are, if they are one and nothing else.
pub(super) fn decode(bytes: &[u8]) -> Option<Parse> {
    let mut reader = Reader { rest: bytes };
    let parse = match reader.byte()? {
        PROJECT => Parse::Project(ProjectFile { name: reader.text()? }),
        CASE => Parse::Case(CaseFile {
            name: reader.text()?,
            guid: reader.option()?,
            tags: reader.list(Reader::text)?,
            description: reader.text()?,
        }),
        SUITE => Parse::Suite(SuiteFile {
            kind: reader.kind()?,
            name: reader.text()?,
            guid: reader.option()?,
            tags: reader.list(Reader::text)?,
            description: reader.text()?,
            query: reader.option()?,
            lines: reader.list(|reader| Some(SuiteLine { id: reader.text()?, enabled: reader.flag()? }))?,
        }),
        MALFORMED => Parse::Malformed { reason: reader.text()? },
        _ => return None,
    };
    reader.rest.is_empty().then_some(parse)
}

/// Nothing that is parsed is larger than the largest file, far below four gigabytes.
fn put_length(length: usize, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_text(text: &str, bytes: &mut Vec<u8>) {
    put_length(text.len(), bytes);
    bytes.extend_from_slice(text.as_bytes());
}

fn put_option(text: Option<&str>, bytes: &mut Vec<u8>) {
    bytes.push(u8::from(text.is_some()));
    text.into_iter().for_each(|text| put_text(text, bytes));
}

fn put_list<T>(list: &[T], bytes: &mut Vec<u8>, put: impl Fn(&T, &mut Vec<u8>)) {
    put_length(list.len(), bytes);
    list.iter().for_each(|item| put(item, bytes));
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn kind(&mut self) -> Option<SuiteKind> {
        match self.byte()? {
            0 => Some(SuiteKind::Static),
            1 => Some(SuiteKind::Dynamic),
            2 => Some(SuiteKind::Collection),
            _ => None,
        }
    }

    fn length(&mut self) -> Option<usize> {
        let (length, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        usize::try_from(u32::from_le_bytes(*length)).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        str::from_utf8(text).ok().map(str::to_owned)
    }

    fn option(&mut self) -> Option<Option<String>> {
        if self.flag()? { self.text().map(Some) } else { Some(None) }
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.length()?).map(|_| item(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parse: &Parse) {
        let mut bytes = Vec::new();
        encode(parse, &mut bytes);
        assert_eq!(decode(&bytes).as_ref(), Some(parse));
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), None, "{parse:?} cut at {end}");
        }
        bytes.push(0);
        assert_eq!(decode(&bytes), None, "{parse:?} with more behind it");
    }

    fn suite(kind: SuiteKind) -> Parse {
        let line = |id: &str, enabled| SuiteLine { id: id.to_owned(), enabled };
        Parse::Suite(SuiteFile {
            kind,
            name: "Nightly".to_owned(),
            guid: Some("1-2".to_owned()),
            tags: Vec::new(),
            description: String::new(),
            query: (kind == SuiteKind::Dynamic).then(|| "tag=(smoke)".to_owned()),
            lines: vec![line("Test Cases/İlk", true), line("", false)],
        })
    }

    #[test]
    fn a_parse_is_read_back_as_it_was_written_and_never_from_a_part_of_it() {
        check(&Parse::Project(ProjectFile { name: "Shop".to_owned() }));
        let tags = vec!["smoke".to_owned(), "μ".to_owned()];
        check(&Parse::Case(CaseFile { name: "Pay".to_owned(), guid: None, tags, description: "\n".to_owned() }));
        [SuiteKind::Static, SuiteKind::Dynamic, SuiteKind::Collection].map(suite).iter().for_each(check);
        check(&Parse::Malformed { reason: "empty file".to_owned() });
    }

    #[test]
    fn what_is_no_parse_is_none() {
        for bytes in [&b""[..], b"\xff", b"\x03\xff\xff\xff\xff", b"\x03\x01\0\0\0\xff", b"\x01\0\0\0\0\x02"] {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }
}
