//! Reads the file of a delegate that runs as somebody else than the agent, with all that is wrong with it.

use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostic;
use super::environment::Environment;
use super::read::{Context, read_delegate_file};
use super::report::Report;
use super::settings::DelegateFile;
use super::{files, lint, parse};

/// What came of reading the file.
#[derive(Debug, Clone)]
pub struct LoadedDelegateFile {
    /// There if no diagnostic is an error.
    pub file: Option<DelegateFile>,
    /// Errors and warnings, in the order of their lines.
    pub diagnostics: Vec<Diagnostic>,
    /// All paths whose change may change the file; for [`Watcher`](super::Watcher).
    pub watched: Vec<PathBuf>,
}

/// Reads and validates the file. It blocks, and never touches the network.
pub fn load_delegate_file(path: &Path, environment: &Environment) -> LoadedDelegateFile {
    let mut files = files::read_alone(path);
    let mut diagnostics = files.unreadable.clone();
    let Some(source) = files.sources.first() else {
        return LoadedDelegateFile { file: None, diagnostics, watched: files.into_watched() };
    };
    let mut report = Report::new(&files.sources);
    let document = parse(&mut report, 0, source);
    let context = Context::new(&report, environment);
    let (file, secrets) = read_delegate_file(&context, &document);
    if file.station.is_some() && !report.is_any_broken() {
        lint::check_grants(&context, &secrets);
    }
    let named = context.files_read();
    diagnostics.extend(report.into_diagnostics());
    named.iter().for_each(|(path, _)| files.watch_named(path));
    let file = Some(file).filter(|_| !diagnostics.iter().any(Diagnostic::is_error));
    LoadedDelegateFile { file, diagnostics, watched: files.into_watched() }
}
