//! Paths of a repository: bytes, `/`-separated.

use std::borrow::Cow;

/// The path for people and for JSON: bytes that are no UTF-8 stand as `\xNN`.
pub(crate) fn readable(path: &[u8]) -> Cow<'_, str> {
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

/// The folder of a path, with its slash; empty at the top.
pub(crate) fn folder(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    path.get(..end).unwrap_or_default()
}

/// Every folder that a path lies in, each with its slash, the nearest first and the top (empty) last.
pub(crate) fn folders(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut next = Some(folder(path));
    std::iter::from_fn(move || {
        let current = next?;
        next = current.strip_suffix(b"/").map(folder);
        Some(current)
    })
}

/// Whether one of the folders in a path has this name.
pub(crate) fn has_folder(path: &[u8], name: &[u8]) -> bool {
    folder(path).split(|byte| *byte == b'/').any(|segment| segment == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_utf8_are_escaped() {
        assert_eq!(readable("Prüfung İ".as_bytes()), "Prüfung İ");
        assert_eq!(readable(b"a\xff\xe2\x82/b"), "a\\xff\\xe2\\x82/b");
    }

    #[test]
    fn folders_are_walked_from_the_nearest_to_the_top() {
        let walk =
            |path: &'static str| folders(path.as_bytes()).map(|f| str::from_utf8(f).unwrap()).collect::<Vec<_>>();
        assert_eq!(walk("a/b/c.tc"), ["a/b/", "a/", ""]);
        assert_eq!(walk("c.tc"), [""]);
    }

    #[test]
    fn only_whole_folder_names_count() {
        assert!(has_folder(b"x/bin/a.prj", b"bin"));
        assert!(!has_folder(b"x/binary/bin", b"bin"));
    }
}
