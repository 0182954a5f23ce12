//! What a report may cost, held before the parser sees it: the parser keeps one text, one comment or one tag whole in
//! memory, so each is cut here to a bound, and a document type declaration ends the reading.
//!
//! It knows just enough of XML to tell these apart. Where it and the parser differ, it errs on the side of seeing a
//! longer text, which it cuts.

use std::io::{self, Read};

use super::fault::Fault;

/// Most bytes passed on of one text, comment, instruction or character data: more than is kept of any message.
pub(super) const MAX_TEXT: usize = 64 * 1024;
/// Most bytes passed on of one attribute's value.
const MAX_ATTRIBUTE: usize = 64 * 1024;
/// Longest tag, with its attributes cut: a hundred times what test tools write.
const MAX_TAG: usize = 1024 * 1024;
/// Bytes looked at at once.
const PIECE: usize = 16 * 1024;

const COMMENT: &[u8] = b"!--";
const CHARACTER_DATA: &[u8] = b"![CDATA[";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    /// After a `<`, until it shows what it opens.
    Opening,
    Tag {
        quote: Option<u8>,
    },
    /// Until this end.
    Until(&'static [u8]),
}

/// Reads UTF-8 and passes on what is within bounds.
pub(super) struct Guard<R> {
    input: R,
    raw: Vec<u8>,
    /// What is passed on and not yet taken.
    passed: Vec<u8>,
    taken: usize,
    place: Place,
    /// The bytes after `<` while it is open what they open.
    opening: Vec<u8>,
    /// The last bytes of what runs until an end.
    last: [u8; 2],
    /// Length of the present text or attribute value, as passed on; one more than its bound where it was cut.
    length: usize,
    /// Length of the present tag, as passed on.
    tag: usize,
    fault: Option<Fault>,
}

impl<R: Read> Guard<R> {
    pub(super) fn new(input: R) -> Self {
        let (passed, opening) = (Vec::new(), Vec::new());
        let raw = vec![0; PIECE];
        Self { input, raw, passed, taken: 0, place: Place::Text, opening, last: [0; 2], length: 0, tag: 0, fault: None }
    }

    fn fill(&mut self) -> io::Result<usize> {
        self.passed.clear();
        self.taken = 0;
        let count = self.input.read(&mut self.raw)?;
        let raw = std::mem::take(&mut self.raw);
        let mut rest = raw.get(..count).unwrap_or_default();
        while let Some((byte, after)) = self.pass_plain(rest).split_first() {
            rest = after;
            if let Err(fault) = self.look(*byte) {
                self.fault = Some(fault);
                break;
            }
        }
        self.raw = raw;
        Ok(count)
    }

    /// Passes on what comes before the first byte that may end the present place, and returns the rest.
    fn pass_plain<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (bound, special) = match self.place {
            Place::Text => (MAX_TEXT, b'<'),
            Place::Until(_) => (MAX_TEXT, b'>'),
            Place::Tag { quote: Some(quote) } => (MAX_ATTRIBUTE, quote),
            Place::Opening | Place::Tag { quote: None } => return bytes,
        };
        let end = bytes.iter().position(|byte| *byte == special).unwrap_or(bytes.len());
        let (plain, rest) = bytes.split_at(end);
        let before = self.passed.len();
        self.pass_within(bound, plain);
        self.tag += self.passed.len() - before;
        if let [.., earlier, late] = plain {
            self.last = [*earlier, *late];
        } else if let [late] = plain {
            self.last = [self.last[1], *late];
        }
        rest
    }

    /// Looks at a byte that may end the present place.
    fn look(&mut self, byte: u8) -> Result<(), Fault> {
        match self.place {
            Place::Text => {
                self.opening.clear();
                self.go(Place::Opening);
                self.passed.push(byte);
            }
            Place::Opening => self.open(byte)?,
            Place::Tag { quote } => self.look_at_tag(quote, byte)?,
            Place::Until(end) => self.look_for(end, byte),
        }
        Ok(())
    }

    fn go(&mut self, place: Place) {
        (self.place, self.length, self.last) = (place, 0, [0; 2]);
    }

    /// Passes on what of these bytes is within the bound of the present text; a character is never cut in two.
    fn pass_within(&mut self, bound: usize, bytes: &[u8]) {
        let room = bound.saturating_sub(self.length).min(bytes.len());
        let is_full = self.length <= bound && self.length + bytes.len() > bound;
        let continued = |byte: &&u8| **byte & 0xC0 == 0x80;
        let more = if is_full { bytes.iter().skip(room).take_while(continued).count() } else { 0 };
        self.passed.extend_from_slice(bytes.get(..room + more).unwrap_or_default());
        // Past the bound once a byte is left out, and at it before.
        self.length += room + usize::from(is_full && room + more < bytes.len());
    }

    fn open(&mut self, byte: u8) -> Result<(), Fault> {
        self.opening.push(byte);
        match self.opening.as_slice() {
            COMMENT => self.go(Place::Until(b"-->")),
            CHARACTER_DATA => self.go(Place::Until(b"]]>")),
            [b'?'] => self.go(Place::Until(b"?>")),
            open if COMMENT.starts_with(open) || CHARACTER_DATA.starts_with(open) => {}
            [b'!', ..] => return Err(Fault::DocumentType),
            _ => {
                self.tag = 0;
                self.go(Place::Tag { quote: None });
                return self.look_at_tag(None, byte);
            }
        }
        self.passed.push(byte);
        Ok(())
    }

    fn look_at_tag(&mut self, quote: Option<u8>, byte: u8) -> Result<(), Fault> {
        match (quote, byte) {
            (Some(_), _) => self.go(Place::Tag { quote: None }),
            (None, b'"' | b'\'') => self.go(Place::Tag { quote: Some(byte) }),
            (None, b'>') => self.go(Place::Text),
            (None, _) => {}
        }
        self.passed.push(byte);
        self.tag += 1;
        if self.tag > MAX_TAG { Err(Fault::TagTooLong) } else { Ok(()) }
    }

    fn look_for(&mut self, end: &'static [u8], byte: u8) {
        let [earlier, late] = self.last;
        let ends = [earlier, late, byte].ends_with(end);
        // The end is passed on whole where what is before it was cut.
        if ends && self.length > MAX_TEXT {
            self.passed.extend_from_slice(end);
        } else if ends {
            self.passed.push(byte);
        } else {
            self.pass_within(MAX_TEXT, &[byte]);
        }
        self.last = [late, byte];
        if ends {
            self.go(Place::Text);
        }
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.passed.len() {
            match self.fault.take() {
                Some(fault) => return Err(io::Error::other(fault)),
                None if self.fill()? == 0 => return Ok(0),
                None => {}
            }
        }
        let count = self.passed.get(self.taken..).unwrap_or_default().read(out)?;
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(text: &str) -> Result<String, String> {
        let mut passed = String::new();
        Guard::new(text.as_bytes()).read_to_string(&mut passed).map_err(|error| error.to_string())?;
        Ok(passed)
    }

    fn check(text: &str) {
        assert_eq!(guarded(text).as_deref(), Ok(text));
    }

    fn check_cut(before: &str, filler: &str, after: &str, kept: usize) {
        let passed = guarded(&format!("{before}{}{after}", filler.repeat(200_000))).unwrap();
        assert_eq!(passed, format!("{before}{}{after}", filler.repeat(kept)));
    }

    #[test]
    fn what_is_within_bounds_is_passed_on_as_it_is() {
        check("<?xml version='1.0'?><!-- <a> --><a b='>' c=\"'\"><![CDATA[ <z> ]] ]]]></a>");
        check("<a>é&amp;<b/></a >");
        check("<!--><a/>--><?>?>");
        check("<a");
    }

    #[test]
    fn what_is_longer_is_cut_between_characters() {
        check_cut("<a>", "x", "</a>", MAX_TEXT);
        check_cut("<a>", "é", "</a>", MAX_TEXT / 2);
        check_cut("<a>x", "é", "</a>", MAX_TEXT / 2);
        check_cut("<a b='", "x", "' c='d'/>", MAX_ATTRIBUTE);
        check_cut("<![CDATA[", "x", "]]>", MAX_TEXT);
        check_cut("<!--", "x", "--><a/>", MAX_TEXT);
    }

    #[test]
    fn declarations_of_types_and_tags_without_end_are_refused() {
        for text in ["<!DOCTYPE a><a/>", "<a/><!ENTITY x 'y'>", "<![IGNORE[x]]>"] {
            assert_eq!(guarded(text), Err(Fault::DocumentType.to_string()), "{text}");
        }
        let tag = "<a ".to_owned() + &" b".repeat(MAX_TAG);
        assert_eq!(guarded(&tag), Err(Fault::TagTooLong.to_string()));
    }
}
