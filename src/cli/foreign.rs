//! Foreign bytes on their way to a terminal: lines come out as they become whole, colour is taken away, and whatever
//! else could steer a terminal is written out.

use super::wording::escaped;

/// A line longer than this is shown in parts: what never ends a line shall not fill the memory.
const MAX_LINE: usize = 64 * 1024;

/// What introduces the sequences of a terminal, colour among them.
const INTRODUCER: &str = "\u{1b}[";

/// What has come in of a line.
#[derive(Debug, Default)]
pub(super) struct ForeignText {
    line: Vec<u8>,
}

impl ForeignText {
    /// The lines that are whole with this piece.
    pub(super) fn take(&mut self, piece: &[u8]) -> String {
        let mut text = String::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() > MAX_LINE {
                text.push_str(&self.rest());
            }
        }
        text
    }

    /// What has come in since the last whole line.
    pub(super) fn rest(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        match text.strip_suffix('\n') {
            Some(line) => harmless(line.strip_suffix('\r').unwrap_or(line)) + "\n",
            None => harmless(&text),
        }
    }
}

/// One line, its tabs kept.
fn harmless(line: &str) -> String {
    let line = without_colour(line);
    line.split('\t').map(escaped).collect::<Vec<_>>().join("\t")
}

fn without_colour(line: &str) -> String {
    let mut parts = line.split(INTRODUCER);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let after = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';' || c == ':');
        match after.strip_prefix('m') {
            Some(text) => kept.push_str(text),
            None => {
                kept.push_str(INTRODUCER);
                kept.push_str(part);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&[u8]], expect: &str) {
        let mut text = ForeignText::default();
        let mut shown: String = pieces.iter().map(|piece| text.take(piece)).collect();
        shown.push_str(&text.rest());
        assert_eq!(shown, expect);
    }

    #[test]
    fn lines_come_out_whole_wherever_they_are_cut() {
        check(&[b"on", b"e\r", b"\ntwo\n\nPr\xc3", b"\xbcfung"], "one\ntwo\n\nPrüfung");
    }

    #[test]
    fn colour_is_taken_away_and_the_rest_is_written_out() {
        check(&[b"\x1b[1;31mred\x1b[0m\tplain\n"], "red\tplain\n");
        check(&[b"\x1b[2Jgone\x1b]0;title\x07\n"], "\\u{1b}[2Jgone\\u{1b}]0;title\\u{7}\n");
        check(&[b"over\rwritten\xff\n"], "over\\rwritten\u{fffd}\n");
    }

    #[test]
    fn a_line_without_end_comes_out_in_parts() {
        let mut text = ForeignText::default();
        assert_eq!(text.take(&vec![b'x'; MAX_LINE + 1]).len(), MAX_LINE + 1);
        assert_eq!(text.rest(), "");
    }
}
