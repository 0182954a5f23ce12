//! `result import`: reports are handed to the agent one by one.

use std::path::Path;

use chrono::SecondsFormat;
use suitesync_contract::ResultFileState;
use tokio::fs::File;

use super::super::arguments::ImportArguments;
use super::super::fault::{Exit, Fault};
use super::super::look::Look;
use super::super::route::Route;
use super::super::screen::warn;
use super::super::session::Session;
use super::super::wording::{count, escaped};
use crate::views::ImportView;

/// Notices of one report that people are shown; `--json` has them all.
const SHOWN_NOTICES: usize = 5;

pub(super) async fn run(arguments: &ImportArguments, session: &mut Session) -> Result<Exit, Fault> {
    // A slip in the last name shows before the first report is recorded.
    let mut files = Vec::new();
    for path in &arguments.files {
        files.push((path, open(path).await?));
    }
    let mut imported = Vec::new();
    for (path, file) in files {
        let route = Route::of("results").with("project", Some(&arguments.project)).with("source", Some(path.display()));
        let import: ImportView = session.client.upload(route, file).await?;
        if !session.screen.is_for_programs() {
            let text = told(&import, &arguments.project, &session.screen.look());
            session.screen.text(&text)?;
        }
        imported.push(import);
    }
    if session.screen.is_for_programs() {
        session.screen.json(&imported)?;
    } else if let Some(hint) = imported.iter().find_map(|import| import.unknown_project.as_ref()) {
        warn(&format!("no link belongs to the project `{}`: its results are of no case", arguments.project), hint);
    }
    Ok(Exit::answer(imported.iter().all(is_good)))
}

/// Whether the project has all that the report holds.
fn is_good(import: &ImportView) -> bool {
    import.already_imported_at.is_some() || import.state == ResultFileState::Whole
}

async fn open(path: &Path) -> Result<File, Fault> {
    let unreadable = |why: String| Fault::Usage {
        message: format!("failed to open the report {}: {why}", path.display()),
        hint: "name JUnit reports that can be read".to_owned(),
    };
    let file = File::open(path).await.map_err(|error| unreadable(error.to_string()))?;
    let found = file.metadata().await.map_err(|error| unreadable(error.to_string()))?;
    if found.is_dir() { Err(unreadable("it is a folder".to_owned())) } else { Ok(file) }
}

fn told(import: &ImportView, project: &str, look: &Look) -> String {
    let source = escaped(&import.source);
    if let Some(at) = import.already_imported_at {
        let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        return format!("{} {source} was already imported on {at}: nothing recorded\n", look.marks.good());
    }
    let results = count(import.recorded.results, "result");
    let (mark, sentence) = match import.state {
        ResultFileState::Incomplete if import.recorded.results == 0 => {
            (look.marks.bad(), format!("{source} cannot be read: nothing recorded"))
        }
        ResultFileState::Whole => (look.marks.good(), format!("{source}: {results} recorded")),
        ResultFileState::Incomplete => (look.marks.bad(), format!("{source} breaks off: {results} recorded")),
        ResultFileState::NoReport => (look.marks.bad(), format!("{source} is no JUnit report: nothing recorded")),
    };
    let mut text = match import.recorded.results {
        0 => format!("{mark} {sentence}\n"),
        _ => format!("{mark} {sentence}, {} of a case in the catalog\n", import.recorded.matched),
    };
    for notice in import.notices.iter().take(SHOWN_NOTICES) {
        text.push_str(&format!("  {}\n", escaped(notice)));
    }
    if import.recorded.matched < import.recorded.results {
        let arrow = look.marks.arrow();
        let project = escaped(project);
        text.push_str(&format!("  {arrow} `suitesync result list --project {project} --unmatched` shows the others\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::super::look::tests::{look, plain};
    use super::*;
    use crate::catalog::results::Recorded;

    fn check(state: ResultFileState, (results, matched): (u64, u64), expect: &str) {
        let recorded = Recorded { results, matched };
        let notices = if state == ResultFileState::Whole { Vec::new() } else { vec!["it ends early".to_owned()] };
        let import = ImportView {
            source: "report.xml".to_owned(),
            state,
            recorded,
            already_imported_at: None,
            unknown_project: None,
            notices,
        };
        assert_eq!(plain(&told(&import, "payments", &look())), expect);
    }

    #[test]
    fn a_report_that_the_project_has_is_no_fault() {
        let at = "2026-11-21T10:00:00Z".parse().ok();
        let import = ImportView {
            source: "report.xml".to_owned(),
            state: ResultFileState::Incomplete,
            recorded: Recorded::default(),
            already_imported_at: at,
            unknown_project: None,
            notices: vec!["it ends early".to_owned()],
        };
        let expect = "✓ report.xml was already imported on 2026-11-21T10:00:00Z: nothing recorded\n";
        assert_eq!(plain(&told(&import, "payments", &look())), expect);
        assert!(is_good(&import));
    }

    #[test]
    fn an_import_tells_what_was_recorded_and_what_is_of_no_case() {
        check(ResultFileState::Whole, (3, 3), "✓ report.xml: 3 results recorded, 3 of a case in the catalog\n");
        check(
            ResultFileState::Whole,
            (3, 1),
            "✓ report.xml: 3 results recorded, 1 of a case in the catalog\n  → `suitesync result list --project \
             payments --unmatched` shows the others\n",
        );
        check(
            ResultFileState::Incomplete,
            (1, 1),
            "✗ report.xml breaks off: 1 result recorded, 1 of a case in the catalog\n  it ends early\n",
        );
        check(ResultFileState::Incomplete, (0, 0), "✗ report.xml cannot be read: nothing recorded\n  it ends early\n");
        check(
            ResultFileState::NoReport,
            (0, 0),
            "✗ report.xml is no JUnit report: nothing recorded\n  it ends early\n",
        );
    }

    #[tokio::test]
    async fn a_report_that_is_not_there_is_told_before_anything_is_sent() {
        let fault = open(Path::new("none/report.xml")).await.unwrap_err();
        assert_eq!(fault.exit(), Exit::Usage);
        assert!(fault.to_string().starts_with("failed to open the report none/report.xml: "));
    }
}
