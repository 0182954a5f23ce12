//! What a rendering has to know of the moment and of the terminal, and how things stand out on it.

use std::fmt;

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, Utc};

use crate::config::Environment;

/// Everything that decides how something is told to people.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) now: DateTime<Utc>,
    /// Columns of the terminal; nothing where lines may be of any length.
    pub(super) width: Option<u16>,
    pub(super) marks: Marks,
}

/// The signs that begin lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    Unicode,
    /// For locales that are not UTF-8.
    Ascii,
}

impl Marks {
    pub(super) fn of_locale(environment: &Environment) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| environment.get(name));
        let locale = locale.unwrap_or_default().to_lowercase();
        if locale.ends_with("utf-8") || locale.ends_with("utf8") { Self::Unicode } else { Self::Ascii }
    }

    pub(super) fn good(self) -> Painted<&'static str> {
        Paint::Good.on(if self == Self::Unicode { "✓" } else { "+" })
    }

    pub(super) fn bad(self) -> Painted<&'static str> {
        Paint::Bad.on(if self == Self::Unicode { "✗" } else { "x" })
    }

    pub(super) fn skipped(self) -> Painted<&'static str> {
        Paint::Faint.on(if self == Self::Unicode { "–" } else { "-" })
    }

    /// Between before and after, and before what to do.
    pub(super) fn arrow(self) -> &'static str {
        if self == Self::Unicode { "→" } else { "->" }
    }
}

/// How a word stands out. The stream that it is written to takes colour away where there should be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Good,
    Bad,
    Warning,
    Faint,
    Title,
}

impl Paint {
    pub(super) fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Faint => Style::new().dimmed(),
            Self::Title => Style::new().bold(),
        }
    }

    pub(super) fn on<T: fmt::Display>(self, text: T) -> Painted<T> {
        Painted { text, style: self.style() }
    }

    /// How the word for a status stands out.
    pub(super) fn of_status(status: &str) -> Self {
        match status {
            "active" | "connected" | "enabled" | "ok" | "passed" | "synced" => Self::Good,
            "error" | "failed" | "lost" | "malformed" | "missing" | "timed_out" => Self::Bad,
            "inactive" | "starting" | "draining" | "canceling" | "case_differs" => Self::Warning,
            "archived" | "canceled" | "disconnected" | "disabled" | "skipped" => Self::Faint,
            _ => Self::Plain,
        }
    }
}

/// A text with its style.
#[derive(Debug)]
pub(super) struct Painted<T> {
    text: T,
    style: Style,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:#}", self.style, self.text, self.style)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// 2026-02-03 04:05:06 UTC, a wide terminal.
    pub(in crate::cli) fn look() -> Look {
        let now = "2026-02-03T04:05:06Z".parse().unwrap();
        Look { now, width: Some(110), marks: Marks::Unicode }
    }

    /// What is left where colour is taken away.
    pub(in crate::cli) fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn signs_are_ascii_unless_the_locale_is_utf_8() {
        let check = |variables: &[(&str, &str)], expect: Marks| {
            assert_eq!(Marks::of_locale(&Environment::of(variables.iter().copied())), expect);
        };
        check(&[("LANG", "de_DE.UTF-8")], Marks::Unicode);
        check(&[("LANG", "C.utf8")], Marks::Unicode);
        check(&[("LANG", "C.utf8"), ("LC_ALL", "C")], Marks::Ascii);
        check(&[], Marks::Ascii);
    }
}
