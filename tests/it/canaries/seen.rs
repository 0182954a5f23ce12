//! Everything that could be looked at, and the search through it.

use std::path::Path;
use std::process::Output;

use super::Canary;

/// Texts, each with where it was seen.
#[derive(Debug, Default)]
pub(super) struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    pub(super) fn add(&mut self, place: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.0.push((place.into(), text.into()));
    }

    pub(super) fn add_output(&mut self, place: &str, output: Output) {
        self.add(format!("{place}: stdout"), output.stdout);
        self.add(format!("{place}: stderr"), output.stderr);
    }

    /// A file, or all files of a folder and of those below it.
    pub(super) fn add_files(&mut self, path: &Path) {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                self.add_files(&entry.unwrap().path());
            }
        } else if path.is_file() {
            self.add(path.display().to_string(), std::fs::read(path).unwrap());
        }
    }

    /// Whether any of it holds this.
    pub(super) fn holds(&self, text: &str) -> bool {
        self.0.iter().any(|(_, seen)| find(seen, text).is_some())
    }

    /// Whether what was seen at a place holds this.
    pub(super) fn holds_at(&self, place: &str, text: &str) -> bool {
        self.0.iter().any(|(seen_at, seen)| seen_at == place && find(seen, text).is_some())
    }

    /// Where a canary was seen, with the text around it.
    pub(super) fn leaks(&self, canaries: &[Canary]) -> Vec<String> {
        let traces: Vec<_> = canaries.iter().flat_map(Canary::traces).collect();
        let leak = |(place, seen): &(String, Vec<u8>)| {
            let at = traces.iter().find_map(|trace| find(seen, trace))?;
            let around = &seen[at.saturating_sub(160)..(at + 80).min(seen.len())];
            Some(format!("{place}: …{}…", String::from_utf8_lossy(around).escape_debug()))
        };
        self.0.iter().filter_map(leak).collect()
    }

    pub(super) fn check(&self, canaries: &[Canary]) {
        let leaks = self.leaks(canaries);
        assert!(leaks.is_empty(), "{} places show a secret:\n{}", leaks.len(), leaks.join("\n"));
    }
}

fn find(text: &[u8], part: &str) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part.as_bytes())
}
