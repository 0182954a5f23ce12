//! Collects the problems found in all files, each with its place.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::diagnostic::{Diagnostic, Severity};
use super::place::Place;
use super::source::{Content, Source};

/// All problems found so far. Shared by the readers of all tables, which run one after another.
#[derive(Debug)]
pub(super) struct Report<'s> {
    sources: &'s [Source],
    found: RefCell<Vec<(Place, Diagnostic)>>,
    /// File and line of every fault that kept a part of a file from being understood.
    broken: BTreeSet<(usize, usize)>,
}

/// One problem, before its place is turned into a line and a column.
#[derive(Debug)]
pub(super) struct Finding {
    severity: Severity,
    place: Place,
    message: String,
    help: Option<String>,
    other: Option<(Place, &'static str)>,
}

impl Finding {
    pub(super) fn error(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place, message: message.into(), help: None, other: None }
    }

    pub(super) fn warning(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, message) }
    }

    /// What is allowed, or what was probably meant.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Another place that the problem refers to; it is named in the message too.
    pub(super) fn other(mut self, place: Place, label: &'static str) -> Self {
        self.other = Some((place, label));
        self
    }
}

impl<'s> Report<'s> {
    pub(super) fn new(sources: &'s [Source]) -> Self {
        Self { sources, found: RefCell::default(), broken: BTreeSet::new() }
    }

    /// Reports what kept a part of a file from being understood. Later findings on its line are consequences.
    pub(super) fn add_syntax(&mut self, finding: Finding) {
        let place = finding.place;
        let line = self.source(place).map_or(1, |source| source.position(place.start).line);
        if self.broken.insert((place.file, line)) {
            self.push(finding);
        }
    }

    /// Whether a part of the file was not understood, so that what seems to lack may be there.
    pub(super) fn is_broken(&self, file: usize) -> bool {
        self.broken.range((file, 0)..=(file, usize::MAX)).next().is_some()
    }

    /// Whether a fault of syntax has already told of what stands there. A value that the parser made up stands nowhere.
    fn is_consequence(&self, place: Place, line: usize) -> bool {
        let is_made_up = place.start == place.end && self.is_broken(place.file);
        is_made_up || self.broken.contains(&(place.file, line))
    }

    pub(super) fn is_any_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Reports a problem that stands in no file, beside those of the main file; once, whoever meets it again.
    pub(super) fn add_of_surroundings(&self, message: String, help: String) {
        let file = self.sources.first().map(Source::shown_path).unwrap_or_default();
        let found = (Place::new(0, 0..0), Diagnostic::of_file(file, message, help));
        if !self.found.borrow().contains(&found) {
            self.found.borrow_mut().push(found);
        }
    }

    /// What the file of a place holds.
    pub(super) fn content(&self, place: Place) -> Content {
        self.source(place).map_or(Content::Tables, |source| source.content)
    }

    pub(super) fn source(&self, place: Place) -> Option<&'s Source> {
        self.sources.get(place.file)
    }

    pub(super) fn add(&self, finding: Finding) {
        let line = self.source(finding.place).map(|source| source.position(finding.place.start).line);
        if !line.is_some_and(|line| self.is_consequence(finding.place, line)) {
            self.push(finding);
        }
    }

    fn push(&self, finding: Finding) {
        let Some(source) = self.source(finding.place) else { return };
        let position = source.position(finding.place.start);
        let mut message = finding.message;
        let mut excerpts = vec![source.excerpt(finding.place, "")];
        if let Some((place, label)) = finding.other
            && let Some(other) = self.source(place)
        {
            let position = other.position(place.start);
            message.push_str(&format!(" ({label} {}:{}:{})", other.shown_path(), position.line, position.column));
            excerpts.push(other.excerpt(place, label));
        }
        let diagnostic = Diagnostic {
            severity: finding.severity,
            file: source.shown_path(),
            line: position.line,
            column: position.column,
            message,
            help: finding.help,
            excerpts,
        };
        self.found.borrow_mut().push((finding.place, diagnostic));
    }

    /// Everything found, in the order of the files and of the lines in them.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(place, diagnostic)| (place.file, place.start, diagnostic.severity));
        found.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }
}
