//! Paths of a repository: bytes, `/`-separated.

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
