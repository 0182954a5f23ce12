//! Bytes to text: byte order marks, UTF-16, declared encodings.
//!
//! A declaration is believed as expat believes it: it may name any encoding of single bytes, and may not contradict
//! what the first bytes show. Encodings of several bytes a character, other than Unicode's, are refused.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{Malformed, Place, declaration};

const UTF_8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Labels that the WHATWG's table takes for windows-1252 and XML takes at their word.
const ASCII_LABELS: [&str; 3] = ["us-ascii", "ascii", "ansi_x3.4-1968"];
const WINDOWS_1252_LABELS: [&str; 3] = ["windows-1252", "cp1252", "x-cp1252"];

/// The text of a document, without a byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Malformed> {
    if let Some((encoding, rest)) = utf_16(bytes) {
        return decode_utf_16(encoding, rest);
    }
    let bytes = bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes);
    match declared(&head(bytes))? {
        None => decode_utf_8(bytes),
        Some(label) => decode_declared(bytes, label),
    }
}

/// UTF-16 shows by its mark, or by the zero byte that it pairs with the first `<`.
fn utf_16(bytes: &[u8]) -> Option<(&'static Encoding, &[u8])> {
    match bytes {
        [0xFE, 0xFF, rest @ ..] => Some((UTF_16BE, rest)),
        [0xFF, 0xFE, rest @ ..] => Some((UTF_16LE, rest)),
        [0, b'<', ..] => Some((UTF_16BE, bytes)),
        [b'<', 0, ..] => Some((UTF_16LE, bytes)),
        _ => None,
    }
}

fn decode_utf_16<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Result<Cow<'a, str>, Malformed> {
    let text = decode_as(encoding, bytes)?;
    match declared(&text)? {
        Some(label) if !label.eq_ignore_ascii_case("utf-16") && !label.eq_ignore_ascii_case(encoding.name()) => {
            Err(Malformed::WrongEncoding { declared: label.to_owned(), actual: encoding.name() })
        }
        _ => Ok(text),
    }
}

fn decode_declared<'a>(bytes: &'a [u8], label: &str) -> Result<Cow<'a, str>, Malformed> {
    let unknown = || Malformed::UnknownEncoding(label.to_owned());
    let encoding = Encoding::for_label(label.as_bytes()).ok_or_else(unknown)?;
    let folded = label.to_ascii_lowercase();
    if encoding == UTF_8 {
        decode_utf_8(bytes)
    } else if encoding == UTF_16LE || encoding == UTF_16BE {
        Err(Malformed::WrongEncoding { declared: label.to_owned(), actual: "not UTF-16" })
    } else if ASCII_LABELS.contains(&folded.as_str()) && !bytes.is_ascii() {
        Err(Malformed::WrongEncoding { declared: label.to_owned(), actual: "not ASCII" })
    } else if encoding == WINDOWS_1252 && !WINDOWS_1252_LABELS.contains(&folded.as_str()) {
        Ok(bytes.iter().copied().map(char::from).collect())
    } else if encoding.is_single_byte() {
        decode_as(encoding, bytes)
    } else {
        Err(unknown())
    }
}

fn decode_utf_8(bytes: &[u8]) -> Result<Cow<'_, str>, Malformed> {
    str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
        let before = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
        Malformed::NotWellFormed { place: Place::after(&before), what: "bytes that are no UTF-8".to_owned() }
    })
}

fn decode_as<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Result<Cow<'a, str>, Malformed> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or_else(|| Malformed::NotWellFormed {
        place: Place { line: 1, column: 1 },
        what: format!("bytes that are no {}", encoding.name()),
    })
}

/// What may be a declaration at the start of bytes in which ASCII stands for itself; empty where there is none.
fn head(bytes: &[u8]) -> Cow<'_, str> {
    if !bytes.starts_with(b"<?xml") {
        return Cow::Borrowed("");
    }
    let end = bytes.windows(2).position(|pair| pair == b"?>").map_or(bytes.len(), |at| at + 2);
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default())
}

fn declared(text: &str) -> Result<Option<&str>, Malformed> {
    declaration::encoding(text).map_err(|_| Malformed::Declaration)
}
