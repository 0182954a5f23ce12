//! A problem of the configuration, for people and for programs.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::{Deserialize, Serialize};

/// How bad it is: an error keeps the configuration from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Error,
    Warning,
}

/// One problem and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub severity: Severity,
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub message: String,
    /// What is allowed, or what was probably meant.
    pub help: Option<String>,
    /// The lines to show: first the one of the problem, then those that it refers to.
    #[serde(skip)]
    pub(super) excerpts: Vec<Excerpt>,
}

/// A line of a file with a part of it underlined. Values of credential keys are masked in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) text: String,
    /// Byte offsets into `text`.
    pub(super) underlined: (usize, usize),
    pub(super) label: String,
}

impl Diagnostic {
    /// A problem with a file as a whole.
    pub(super) fn of_file(file: String, message: impl Into<String>, help: impl Into<String>) -> Self {
        let (message, help) = (message.into(), Some(help.into()));
        Self { severity: Severity::Error, file, line: 1, column: 1, message, help, excerpts: Vec::new() }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The problem as text of several lines, without colour, with the line underlined.
    pub fn render(&self) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        if self.excerpts.is_empty() {
            return self.render_bare(level);
        }
        let mut group =
            level.primary_title(self.message.as_str()).elements(self.excerpts.iter().enumerate().map(snippet));
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        Renderer::plain().render(&[group])
    }

    fn render_bare(&self, level: Level<'_>) -> String {
        let title = Renderer::plain()
            .render(&[annotate_snippets::Group::with_title(level.primary_title(self.message.as_str()))]);
        let place = format!("{title}\n --> {}:{}:{}", self.file, self.line, self.column);
        match &self.help {
            Some(help) => format!("{place}\n  = help: {help}"),
            None => place,
        }
    }
}

fn snippet((index, excerpt): (usize, &Excerpt)) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
    let (start, end) = excerpt.underlined;
    Snippet::source(excerpt.text.as_str())
        .path(excerpt.file.as_str())
        .line_start(excerpt.line)
        .annotation(kind.span(start..end).label(excerpt.label.as_str()))
}
