//! The bytes of a report as UTF-8, whatever they were: the byte order mark and the first bytes decide, then the
//! declaration. What is no text in its encoding becomes U+FFFD: a faulty log must not hide results.

use std::io::{self, Cursor, Read};

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Where a declaration has to end; the longest sensible one has some 80 bytes.
const HEAD: u64 = 1024;
/// Bytes decoded at once.
const PIECE: usize = 16 * 1024;

/// Reads UTF-8 out of a report.
pub(super) struct Decoded<R> {
    input: io::Chain<Cursor<Vec<u8>>, R>,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    /// How much of `text` was handed out.
    taken: usize,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(mut input: R) -> io::Result<Self> {
        let mut head = Vec::new();
        input.by_ref().take(HEAD).read_to_end(&mut head)?;
        let decoder = encoding(&head).new_decoder_with_bom_removal();
        let input = Cursor::new(head).chain(input);
        Ok(Self { input, decoder, raw: vec![0; PIECE], text: Vec::new(), taken: 0, ended: false })
    }

    fn fill(&mut self) -> io::Result<()> {
        let count = self.input.read(&mut self.raw)?;
        self.ended = count == 0;
        let raw = self.raw.get(..count).unwrap_or_default();
        let room = self.decoder.max_utf8_buffer_length(count).unwrap_or(PIECE);
        self.text.resize(room, 0);
        let (_, _, written, _) = self.decoder.decode_to_utf8(raw, &mut self.text, self.ended);
        self.text.truncate(written);
        self.taken = 0;
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() && !self.ended {
            self.fill()?;
        }
        let count = self.text.get(self.taken..).unwrap_or_default().read(out)?;
        self.taken += count;
        Ok(count)
    }
}

fn encoding(head: &[u8]) -> &'static Encoding {
    match head {
        [0xFE, 0xFF, ..] | [0, b'<', ..] => UTF_16BE,
        [0xFF, 0xFE, ..] | [b'<', 0, ..] => UTF_16LE,
        // Tools that write UTF-8 and declare UTF-16 are no rarity: bytes that are not UTF-16 are believed first.
        _ => declared(head).filter(|encoding| ![UTF_16LE, UTF_16BE].contains(encoding)).unwrap_or(UTF_8),
    }
}

/// The encoding that a declaration names, if it is a known one.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).strip_prefix(b"<?xml")?;
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let inside = str::from_utf8(head.get(..end)?).ok()?;
    let (_, after) = inside.split_once("encoding")?;
    let after = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|character| matches!(character, '"' | '\''))?;
    let label = after.get(1..)?.split(quote).next()?;
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: impl AsRef<[u8]>, expect: &str) {
        let mut text = String::new();
        Decoded::new(bytes.as_ref()).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, expect);
    }

    fn utf_16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes_of).collect()
    }

    fn declared_as(label: &str, name: &[u8]) -> Vec<u8> {
        [format!("<?xml version='1.0' encoding='{label}'?>").as_bytes(), name].concat()
    }

    #[test]
    fn text_is_read_in_the_encoding_that_the_bytes_show_or_declare() {
        check("<a>İ</a>", "<a>İ</a>");
        check("\u{FEFF}<a>İ</a>", "<a>İ</a>");
        check(utf_16("\u{FEFF}<a>İ</a>", u16::to_le_bytes), "<a>İ</a>");
        check(utf_16("\u{FEFF}<a>İ</a>", u16::to_be_bytes), "<a>İ</a>");
        check(utf_16("<a>İ</a>", u16::to_le_bytes), "<a>İ</a>");
        check(declared_as("windows-1254", b"\xdd"), "<?xml version='1.0' encoding='windows-1254'?>İ");
        check(declared_as("ISO-8859-1", b"\xe9"), "<?xml version='1.0' encoding='ISO-8859-1'?>é");
    }

    #[test]
    fn a_declaration_that_is_wrong_or_unknown_is_passed_over() {
        check(declared_as("utf-16", "é".as_bytes()), "<?xml version='1.0' encoding='utf-16'?>é");
        check(declared_as("klingon", "é".as_bytes()), "<?xml version='1.0' encoding='klingon'?>é");
        check(b"<a>\xff</a>", "<a>\u{FFFD}</a>");
    }

    #[test]
    fn characters_that_lie_across_pieces_are_whole() {
        let text = "é€😀".repeat(PIECE);
        check(&text, &text);
        check(utf_16(&format!("\u{FEFF}{text}"), u16::to_be_bytes), &text);
    }
}
