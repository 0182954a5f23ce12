//! What a document may cost, checked in one pass over its markup before a tree of it is built.
//!
//! The parser's time and memory grow with the number of tags, with the square of the attributes of one tag and with
//! namespaces times elements, so each is bounded here. Two things that the parser lets pass and XML forbids are caught
//! on the way: references to no character, and names that begin with a colon or are reserved.

use super::declaration::is_space;
use super::{Malformed, Place};

/// Deepest nesting. Documents of test tools have 5 levels.
pub(super) const MAX_DEPTH: usize = 64;

/// Most tags, comments and the like. A suite of 10,000 entries has some 200,000; each costs the parser about 100 bytes.
const MAX_TAGS: usize = 400_000;

/// Most equals signs: the parser reserves memory for an attribute at each, about 100 bytes.
const MAX_EQUALS: usize = 400_000;

/// Most attributes of one tag: each is compared with all before it.
const MAX_ATTRIBUTES: usize = 256;

/// Most mentions of `xmlns`: every element may look through all namespaces.
const MAX_NAMESPACES: usize = 256;

/// What stands between `<` and its end.
#[derive(Clone, Copy)]
enum Markup {
    Open {
        attributes: usize,
    },
    Empty {
        attributes: usize,
    },
    Close,
    /// A comment, character data, an instruction.
    Flat,
    DocumentType,
    /// A name that is none: of an instruction, or an element or attribute that begins with a colon.
    Misnamed,
}

/// Refuses a document that is past a bound. One that is not well-formed may pass: the parser says what is wrong with it.
pub(super) fn check(text: &str) -> Result<(), Malformed> {
    at_most_words(MAX_TAGS, "tags", text, "<")?;
    at_most_words(MAX_EQUALS, "equals signs", text, "=")?;
    at_most_words(MAX_NAMESPACES, "mentions of xmlns", text, "xmlns")?;
    let refers = text.contains('&');
    let mut depth: usize = 0;
    let mut rest = text;
    while let Some((before, inside)) = split_once(rest, b'<') {
        let start = text.len() - inside.len() - 1;
        let place = || Place::after(text.get(..start).unwrap_or_default());
        let Some((markup, after)) = Markup::read(inside, start == 0) else { break };
        let read = inside.get(..inside.len() - after.len()).unwrap_or_default();
        depth = match markup {
            Markup::Open { attributes } | Markup::Empty { attributes } => {
                at_most(MAX_ATTRIBUTES, "attributes of one element", attributes)?;
                refuse(refers && names_no_character(read), place, "a reference to no character")?;
                depth + usize::from(matches!(markup, Markup::Open { .. }))
            }
            Markup::Close => depth.saturating_sub(1),
            Markup::Flat => depth,
            Markup::DocumentType => return Err(Malformed::DocumentType(place())),
            Markup::Misnamed => return refuse(true, place, "a name that is not allowed"),
        };
        refuse(refers && names_no_character(before), place, "a reference to no character")?;
        if depth > MAX_DEPTH {
            return Err(Malformed::TooDeep(place()));
        }
        rest = after;
    }
    Ok(())
}

/// Counts only in a text that has room for too many.
fn at_most_words(limit: usize, what: &'static str, text: &str, word: &str) -> Result<(), Malformed> {
    if text.len() / word.len() > limit { at_most(limit, what, text.matches(word).count()) } else { Ok(()) }
}

/// What stands before and after the first such byte of ASCII. Most often that is near, where a search that is made for
/// long ways takes longer to begin than to end.
fn split_once(text: &str, wanted: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == wanted)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn at_most(limit: usize, what: &'static str, count: usize) -> Result<(), Malformed> {
    if count > limit { Err(Malformed::TooMany { limit, what }) } else { Ok(()) }
}

fn refuse(fault: bool, place: impl FnOnce() -> Place, what: &str) -> Result<(), Malformed> {
    if fault { Err(Malformed::NotWellFormed { place: place(), what: what.to_owned() }) } else { Ok(()) }
}

/// Whether a numeric reference names a surrogate or lies past the last character.
fn names_no_character(text: &str) -> bool {
    text.split('&').skip(1).filter_map(|after| after.strip_prefix('#')?.split_once(';')).any(|(number, _)| {
        let value = match number.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        value.is_ok_and(|value| char::from_u32(value).is_none())
    })
}

/// Whether a character may stand in an instruction's name. The parser judges the first one, and those beyond ASCII.
fn is_in_name(character: char) -> bool {
    !character.is_ascii() || character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.')
}

impl Markup {
    /// Reads what follows a `<`, and returns what follows its end. None where the end is missing.
    fn read(inside: &str, at_start: bool) -> Option<(Self, &str)> {
        let until = |opening: &str, end: &str| Some(inside.strip_prefix(opening)?.split_once(end)?.1);
        if inside.starts_with("/:") {
            Some((Self::Misnamed, ""))
        } else if inside.starts_with('/') {
            split_once(inside, b'>').map(|(_, after)| (Self::Close, after))
        } else if inside.starts_with("!--") {
            until("!--", "-->").map(|after| (Self::Flat, after))
        } else if inside.starts_with("![CDATA[") {
            until("![CDATA[", "]]>").map(|after| (Self::Flat, after))
        } else if inside.starts_with('!') {
            inside.starts_with("!DOCTYPE").then_some((Self::DocumentType, ""))
        } else if inside.starts_with('?') {
            let (instruction, after) = inside.strip_prefix('?')?.split_once("?>")?;
            let target = instruction.split(is_space).next().unwrap_or_default();
            let reserved = target.eq_ignore_ascii_case("xml") && !(at_start && target == "xml");
            let faulty = reserved || target.contains(|character| !is_in_name(character));
            Some((if faulty { Self::Misnamed } else { Self::Flat }, after))
        } else {
            Self::read_tag(inside)
        }
    }

    /// Reads an element's first tag to the `>` that is not inside an attribute's value.
    fn read_tag(inside: &str) -> Option<(Self, &str)> {
        let mut attributes = 0;
        let mut quote = None;
        let mut last = b' ';
        for (at, byte) in inside.bytes().enumerate() {
            match (quote, byte) {
                (None, b'>') => {
                    let markup = if last == b'/' { Self::Empty { attributes } } else { Self::Open { attributes } };
                    return Some((markup, inside.get(at + 1..)?));
                }
                (None, b':') if last.is_ascii_whitespace() => return Some((Self::Misnamed, "")),
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'=') => attributes += 1,
                (Some(opening), _) if opening == byte => quote = None,
                _ => {}
            }
            last = byte;
        }
        None
    }
}
