//! The globs that name reports.

use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// A glob that is none, or that leaves the root.
#[derive(Debug, thiserror::Error)]
pub enum InvalidGlob {
    #[error("failed to read the glob {glob:?}: {what}")]
    Syntax { glob: String, what: String },
    #[error("the glob {0:?} leaves the root; write it relative to the root and without `..`")]
    LeavesRoot(String),
}

/// Globs below a root.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    set: GlobSet,
    folders: Vec<PathBuf>,
}

impl Globs {
    pub fn new<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidGlob> {
        let mut set = GlobSetBuilder::new();
        let mut folders = Vec::new();
        for glob in globs {
            let relative = glob.strip_prefix("./").unwrap_or(glob);
            let is_below = |part| matches!(part, Component::Normal(_) | Component::CurDir);
            if !Path::new(relative).components().all(is_below) {
                return Err(InvalidGlob::LeavesRoot(glob.to_owned()));
            }
            let built = GlobBuilder::new(relative).literal_separator(true).build();
            let syntax =
                |error: globset::Error| InvalidGlob::Syntax { glob: glob.to_owned(), what: error.kind().to_string() };
            set.add(built.map_err(syntax)?);
            folders.push(folder_of(relative));
        }
        let set = set.build().map_err(|error| InvalidGlob::Syntax {
            glob: error.glob().unwrap_or_default().to_owned(),
            what: error.kind().to_string(),
        })?;
        Ok(Self { set, folders: outermost(folders) })
    }

    /// Whether a glob names this path.
    pub(super) fn name(&self, path: &Path) -> bool {
        self.set.is_match(path)
    }

    /// The folders that all of them lie in; none of these lies in another.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }
}

/// The folder that a glob stays in: what comes before the first part with a special character, or before the last.
fn folder_of(glob: &str) -> PathBuf {
    let parts: Vec<&str> = glob.split('/').collect();
    let is_plain = |part: &&&str| !part.contains(['*', '?', '[', '{', '\\']);
    parts.iter().take(parts.len() - 1).take_while(is_plain).collect()
}

fn outermost(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    folders.sort();
    let mut kept: Vec<PathBuf> = Vec::new();
    for folder in folders {
        if !kept.iter().any(|outer| folder.starts_with(outer)) {
            kept.push(folder);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(glob: &str, path: &str, expect: bool) {
        assert_eq!(Globs::new([glob]).unwrap().name(Path::new(path)), expect, "{glob} {path}");
    }

    #[test]
    fn one_star_stays_within_a_folder_and_two_cross() {
        check("Reports/**/JUnit_Report.xml", "Reports/a/b/JUnit_Report.xml", true);
        check("Reports/**/JUnit_Report.xml", "Reports/JUnit_Report.xml", true);
        check("Reports/*/JUnit_Report.xml", "Reports/a/b/JUnit_Report.xml", false);
        check("**/*.xml", "a/.hidden/b.xml", true);
        check("./out.xml", "out.xml", true);
        check("*.xml", "a/out.xml", false);
    }

    #[test]
    fn only_folders_that_may_hold_a_match_are_looked_at() {
        let globs = Globs::new(["target/*/surefire/*.xml", "Reports/**/x.xml", "Reports/a/b.xml"]).unwrap();
        assert_eq!(globs.folders(), [Path::new("Reports"), Path::new("target")]);
        assert_eq!(Globs::new(["Reports/*.xml", "*.xml"]).unwrap().folders(), [Path::new("")]);
        assert_eq!(Globs::new(["{a,b}/c/*.xml"]).unwrap().folders(), [Path::new("")]);
    }

    #[test]
    fn globs_that_leave_the_root_or_are_none_are_refused() {
        for (glob, reason) in [("/etc/*.xml", "leaves the root"), ("a/../../*.xml", "leaves"), ("[", "failed to read")]
        {
            let error = Globs::new([glob]).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
