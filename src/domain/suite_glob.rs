//! Which suites a schedule means: ids and globs over them.
//!
//! In a glob `*` and `?` stay within a folder, `**` between slashes crosses folders, `[ab]` is one of several characters
//! and `{a,b}` one of several texts. Ids hold brackets and braces of their own, so that a text always matches itself, too.

use globset::{Glob, GlobBuilder, GlobMatcher};

/// Longest glob in bytes: longer than any path that Git would check out, and short enough to be compiled.
const MAX_GLOB: usize = 4_096;

/// A text without any of these means itself alone.
const GLOB_CHARACTERS: [char; 5] = ['*', '?', '[', '{', '\\'];

/// Why a text is no glob, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidGlob {
    pub message: String,
    pub help: &'static str,
}

/// What a schedule names under `suites`, ready to be compared with many ids.
#[derive(Debug, Clone)]
pub struct SuiteGlob {
    text: String,
    /// None where the text is no glob: it matches itself alone.
    glob: Option<GlobMatcher>,
}

impl SuiteGlob {
    pub fn new(text: &str) -> Self {
        // A compiled glob takes tens of kilobytes: thousands of schedules name one suite each.
        let may_be_glob = text.contains(GLOB_CHARACTERS);
        let glob = may_be_glob.then(|| read(text).ok()).flatten().map(|glob| glob.compile_matcher());
        Self { text: text.to_owned(), glob }
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether one suite at most is meant: the one of this id.
    pub fn is_id(&self) -> bool {
        self.glob.is_none()
    }

    /// Whether the suite of this id is meant.
    pub fn matches(&self, id: &str) -> bool {
        self.text == id || self.glob.as_ref().is_some_and(|glob| glob.is_match(id))
    }
}

/// Refuses what is no glob.
pub fn check_glob(text: &str) -> Result<(), InvalidGlob> {
    read(text).map(drop)
}

fn read(text: &str) -> Result<Glob, InvalidGlob> {
    if text.len() > MAX_GLOB {
        return Err(InvalidGlob { message: format!("it has {} bytes", text.len()), help: "at most 4096" });
    }
    if text.split('/').any(|part| part != "**" && part.contains("**")) {
        let message = "`**` is glued to other characters".to_owned();
        return Err(InvalidGlob {
            message,
            help: "write it between slashes, such as `a/**/b`, or `*` within a folder",
        });
    }
    GlobBuilder::new(text).literal_separator(true).build().map_err(|fault| InvalidGlob {
        message: fault.kind().to_string(),
        help: "a bracket or brace that means itself stands in brackets: `[[]`, `[{]`",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, meant: &[&str], others: &[&str]) {
        let glob = SuiteGlob::new(pattern);
        meant.iter().for_each(|id| assert!(glob.matches(id), "{pattern} should match {id}"));
        others.iter().for_each(|id| assert!(!glob.matches(id), "{pattern} should not match {id}"));
    }

    #[test]
    fn an_id_means_itself() {
        check("Test Suites/Smoke", &["Test Suites/Smoke"], &["Test Suites/smoke", "Test Suites/Smoke/a", "Smoke"]);
        check("Test Suites/Login [EU] {1}", &["Test Suites/Login [EU] {1}"], &["Test Suites/Login EU 1"]);
        check("Test Suites/What? *new*", &["Test Suites/What? *new*"], &["Test Suites/What"]);
        check("Test Suites/a [b", &["Test Suites/a [b"], &["Test Suites/a b"]);
    }

    #[test]
    fn a_star_stays_within_a_folder() {
        check("Test Suites/*", &["Test Suites/Smoke", "Test Suites/.a"], &["Test Suites/eu/Smoke", "Test Suites"]);
        check("*/Smoke", &["Test Suites/Smoke"], &["Test Suites/eu/Smoke"]);
        check("Test Suites/Sm?ke", &["Test Suites/Smoke"], &["Test Suites/Sm/ke"]);
    }

    #[test]
    fn two_stars_cross_folders() {
        check("Test Suites/**", &["Test Suites/Smoke", "Test Suites/eu/a/Smoke"], &["Test Cases/Smoke"]);
        check("**/Smoke", &["Smoke", "Test Suites/eu/Smoke"], &["Test Suites/Smoke 2"]);
        check("Test Suites/**/Smoke*", &["Test Suites/Smoke 1", "Test Suites/eu/Smoke"], &["Test Suites/eu/a"]);
        check("**", &["a", "a/b/c"], &[]);
    }

    #[test]
    fn several_characters_and_texts_may_be_offered() {
        check("Test Suites/{eu,us}/*", &["Test Suites/eu/a", "Test Suites/us/b"], &["Test Suites/uk/a"]);
        check("Test Suites/[ab]", &["Test Suites/a", "Test Suites/[ab]"], &["Test Suites/ab"]);
        check("Test Suites/a [[]*", &["Test Suites/a [b]"], &["Test Suites/a b"]);
    }

    #[test]
    fn texts_that_are_no_glob_are_refused_with_the_reason() {
        let check = |text: &str, message: &str| assert_eq!(check_glob(text).unwrap_err().message, message, "{text}");
        check("a [b", "unclosed character class; missing ']'");
        check("a {b", "unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)");
        check("Test Suites**", "`**` is glued to other characters");
        check(&"x".repeat(5_000), "it has 5000 bytes");
        assert_eq!(check_glob("Test Suites/**/[a-c] {x,y}?"), Ok(()));
    }
}
