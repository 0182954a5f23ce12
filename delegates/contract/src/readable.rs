//! Paths of a repository as people and JSON have them.

use std::borrow::Cow;

/// The path with its bytes that are no UTF-8 as `\xNN`, in small letters.
pub fn readable(path: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(path) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(path.len() + 8);
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_utf8_are_escaped() {
        assert_eq!(readable("Prüfung İ".as_bytes()), "Prüfung İ");
        assert_eq!(readable(b"a\xff\xe2\x82/b"), "a\\xff\\xe2\\x82/b");
    }
}
