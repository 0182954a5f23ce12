//! One file of the configuration: turns byte offsets into lines, columns and excerpts that can be shown.

use std::cell::OnceCell;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::diagnostic::Excerpt;
use super::mask;
use super::place::Place;

/// A file that was read, with what is needed to point into it.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) content: Content,
    /// Byte offset of the start of every line.
    line_starts: Vec<usize>,
    /// What may not be shown; found out when the first line is.
    masked: OnceCell<Vec<Range<usize>>>,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Tables of every kind.
    Tables,
    /// The keys of one delegate: a file `delegates.d/NAME/plugin.toml`.
    Plugin,
}

/// Line and column, both from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Source {
    pub(super) fn new(path: PathBuf, text: String, content: Content) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset + 1);
        let line_starts = std::iter::once(0).chain(breaks).collect();
        Self { path, text, content, line_starts, masked: OnceCell::new() }
    }

    /// The folder that relative paths in this file start from.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    pub(super) fn shown_path(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = self.character_start(offset);
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_range(line).start;
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Position { line, column }
    }

    /// The line of `place`, its part of the line underlined, secrets masked.
    pub(super) fn excerpt(&self, place: Place, label: &str) -> Excerpt {
        let Position { line, column } = self.position(place.start);
        let range = self.line_range(line);
        let (text, underlined) = self.shown_line(range, place.start..place.end);
        Excerpt { file: self.shown_path(), line, column, text, underlined, label: label.to_owned() }
    }

    /// The bytes of a line, without its end.
    fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let next = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..next).unwrap_or_default();
        start..start + text.trim_end_matches(['\n', '\r']).len()
    }

    fn shown_line(&self, line: Range<usize>, part: Range<usize>) -> (String, (usize, usize)) {
        let masked = self.masked.get_or_init(|| mask::masked(&self.text));
        let first = masked.partition_point(|range| range.end <= line.start);
        let masked = masked.get(first..).unwrap_or_default();
        let mut shown = String::new();
        let mut underlined = (None, None);
        for (offset, character) in self.text.get(line.clone()).unwrap_or_default().char_indices() {
            let offset = line.start + offset;
            if offset >= part.start {
                underlined.0.get_or_insert(shown.len());
            }
            if offset >= part.end {
                underlined.1.get_or_insert(shown.len());
            }
            let hidden = masked.iter().take_while(|range| range.start < line.end).any(|range| range.contains(&offset));
            shown.push(if hidden { '*' } else { character });
        }
        let start = underlined.0.unwrap_or(shown.len());
        let end = underlined.1.unwrap_or(shown.len()).max(start);
        (shown, (start, end))
    }

    fn character_start(&self, offset: usize) -> usize {
        (0..=offset.min(self.text.len())).rev().find(|offset| self.text.is_char_boundary(*offset)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_from_one() {
        let source = Source::new(PathBuf::from("a.toml"), "a = 1\nb = \"ü\" # x\n".to_owned(), Content::Tables);
        let check = |offset, line, column| assert_eq!(source.position(offset), Position { line, column }, "{offset}");
        check(0, 1, 1);
        check(6, 2, 1);
        check(15, 2, 9);
        check(99, 3, 1);
    }

    #[test]
    fn an_excerpt_ends_with_its_line() {
        let source = Source::new(PathBuf::from("a.toml"), "a = [\r\n1,\r\n]\r\n".to_owned(), Content::Tables);
        let excerpt = source.excerpt(Place::new(0, 4..12), "here");
        assert_eq!((excerpt.text.as_str(), excerpt.underlined), ("a = [", (4, 5)));
    }
}
