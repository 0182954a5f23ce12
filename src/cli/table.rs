//! Tables without borders, wrapped to the terminal. Every cell is escaped.

use std::fmt::Display;

use comfy_table::{ContentArrangement, Row, presets};

use super::look::{Look, Paint};
use super::wording::{escaped, escaped_lines};

/// Spaces between two columns.
const GAP: u16 = 2;

/// Invisible characters of no width that stand for the beginning of each paint until the table is laid out: escape
/// sequences would count as text there. No cell can hold one by itself, as they are escaped.
const BEGINNINGS: [(char, Paint); 5] = [
    ('\u{206a}', Paint::Good),
    ('\u{206b}', Paint::Bad),
    ('\u{206c}', Paint::Warning),
    ('\u{206d}', Paint::Faint),
    ('\u{206e}', Paint::Title),
];

/// Stands for the end of every paint.
const END: char = '\u{206f}';

/// One cell: a text that is safe to show.
#[derive(Debug)]
pub(super) struct Cell(String);

impl Cell {
    pub(super) fn new(text: impl Display) -> Self {
        Self(escaped(&text.to_string()).into_owned())
    }

    pub(super) fn painted(paint: Paint, text: impl Display) -> Self {
        let Self(text) = Self::new(text);
        match BEGINNINGS.iter().find(|(_, known)| *known == paint) {
            Some((beginning, _)) if !text.is_empty() => Self(format!("{beginning}{text}{END}")),
            Some(_) | None => Self(text),
        }
    }

    /// The word for a status in its colour.
    pub(super) fn status(word: &str) -> Self {
        Self::painted(Paint::of_status(word), word)
    }

    /// A text of several lines.
    pub(super) fn lines(text: &str) -> Self {
        Self(escaped_lines(text))
    }
}

#[derive(Debug)]
pub(super) struct Table(comfy_table::Table);

impl Table {
    /// A table with a line of titles.
    pub(super) fn new<const COLUMNS: usize>(titles: [&str; COLUMNS], look: &Look) -> Self {
        let mut table = Self::without_titles(look);
        table.0.set_header(titles.map(|title| Cell::painted(Paint::Title, title).0));
        table
    }

    /// A table of labels and what belongs to each.
    pub(super) fn without_titles(look: &Look) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING);
        match look.width {
            Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        Self(table)
    }

    pub(super) fn row<const COLUMNS: usize>(&mut self, cells: [Cell; COLUMNS]) {
        self.0.add_row(Row::from(cells.map(|cell| cell.0)));
    }

    /// One line of a table without titles.
    pub(super) fn field(&mut self, label: &str, value: Cell) {
        self.row([Cell::painted(Paint::Faint, label), value]);
    }

    /// Its lines, the last one ended, too.
    pub(super) fn render(mut self) -> String {
        for column in self.0.column_iter_mut() {
            column.set_padding((0, GAP));
        }
        self.0.lines().map(|line| format!("{}\n", painted(line.trim_end()))).collect()
    }
}

/// A laid out line with its escape sequences.
fn painted(line: &str) -> String {
    let mut painted = String::with_capacity(line.len());
    for character in line.chars() {
        match BEGINNINGS.iter().find(|(beginning, _)| *beginning == character) {
            Some((_, paint)) => painted.push_str(&paint.style().render().to_string()),
            None if character == END => painted.push_str(&anstyle::Reset.render().to_string()),
            None => painted.push(character),
        }
    }
    painted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::look::tests::{look, plain};

    fn table(look: &Look) -> String {
        let mut table = Table::new(["NAME", "STATUS", "WHY"], look);
        table.row([
            Cell::new("a\u{1b}[2J"),
            Cell::status("error"),
            Cell::new("the server's certificate is not trusted"),
        ]);
        table.row([Cell::new("longer"), Cell::status("active"), Cell::new("")]);
        table.render()
    }

    #[test]
    fn colour_takes_no_room_and_foreign_texts_are_escaped() {
        insta::assert_snapshot!(plain(&table(&look())), @r"
        NAME        STATUS  WHY
        a\u{1b}[2J  error   the server's certificate is not trusted
        longer      active
        ");
        assert!(table(&look()).contains("\u{1b}[31merror\u{1b}[0m"));
    }

    #[test]
    fn a_narrow_terminal_wraps_the_cells() {
        insta::assert_snapshot!(plain(&table(&Look { width: Some(40), ..look() })), @r"
        NAME        STATUS  WHY
        a\u{1b}[2J  error   the server's
                            certificate is not
                            trusted
        longer      active
        ");
    }
}
