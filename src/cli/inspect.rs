//! `suitesync inspect URL`: connects once, finds the tests and prints them. No agent, no configuration, nothing kept.

mod way;

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use suitesync_contract::{
    Case, Discovery, Facts, Failure, LinkFacts, LinkUrl, LinkView, Notice, Progress, Provider, RefSpec, RepoUrl, Root,
    Suite, SyncTask, Task, TaskId, Work,
};
use tokio_util::sync::CancellationToken;

use super::arguments::InspectArguments;
use super::fault::{Exit, Fault};
use super::look::{Look, Paint};
use super::screen::Screen;
use super::table::{Cell, Table};
use super::wording::{count, escaped, short};
use crate::engine::delegate::{Delegate, ProgressSink};

/// A first look at a large repository over a slow line.
const LIMIT: Duration = Duration::from_secs(3600);

/// What was found, in the shapes of the listings.
#[derive(Debug, Serialize)]
struct Inspection {
    repository: String,
    reference: String,
    directory: String,
    commit: Option<String>,
    roots: Vec<Root>,
    cases: Vec<InspectedCase>,
    suites: Vec<InspectedSuite>,
    notices: Vec<Notice>,
}

#[derive(Debug, Serialize)]
struct InspectedCase {
    root: String,
    id: String,
    path: String,
    state: &'static str,
    reason: Option<String>,
    tags: Vec<String>,
}

#[derive(Debug, Serialize)]
struct InspectedSuite {
    root: String,
    id: String,
    path: String,
    kind: &'static str,
    state: &'static str,
    reason: Option<String>,
    query: Option<String>,
    entries: Vec<suitesync_contract::Entry>,
}

/// Looks at a repository and shows its tests; a failure to reach it is an answer, too.
pub(super) async fn run(arguments: &InspectArguments, screen: &mut Screen) -> Result<Exit, Fault> {
    let (url, view) = what_to_look_at(arguments)?;
    let folder = tempfile::Builder::new().prefix("suitesync-inspect-").tempdir()?;
    let delegate = way::delegate(&arguments.way, folder.path())?;
    let task = Task {
        id: TaskId(1),
        time_limit_ms: u64::try_from(LIMIT.as_millis()).unwrap_or(u64::MAX),
        access: way::access(arguments, &url)?,
        work: Work::Sync(SyncTask { links: vec![view.clone()] }),
    };
    let bar = progress_bar();
    let outcome = delegate.carry_out(task, sink(&bar), CancellationToken::new()).await;
    bar.finish_and_clear();
    let found = match outcome.result {
        Ok(Facts::Sync(report)) => report.links.into_iter().next().map(|link| link.result),
        Ok(Facts::Probe(_) | Facts::Run(_)) => None,
        Err(failure) => Some(Err(failure)),
    };
    match found {
        Some(Ok(LinkFacts::Found { commit, discovery, .. })) => {
            let inspection = inspection(&url, &view, commit.map(|commit| commit.to_string()), discovery);
            screen.show(&inspection, render)?;
            Ok(Exit::Done)
        }
        Some(Err(failure)) => {
            screen.show(&Failed { failure }, |failed, _| failed.render())?;
            Ok(Exit::AnswerIsNo)
        }
        Some(Ok(LinkFacts::Unchanged { .. })) | None => Err(Fault::NoEnd { what: "the inspection".to_owned() }),
    }
}

#[derive(Debug, Serialize)]
struct Failed {
    failure: Failure,
}

impl Failed {
    fn render(&self) -> String {
        let Failure { class, message, hint, .. } = &self.failure;
        format!("{} {}\n  {}\n", Paint::Bad.on(class.code()), escaped(message), escaped(hint))
    }
}

fn usage(message: impl ToString, hint: impl ToString) -> Fault {
    Fault::Usage { message: message.to_string(), hint: hint.to_string() }
}

fn what_to_look_at(arguments: &InspectArguments) -> Result<(RepoUrl, LinkView), Fault> {
    let provider = arguments.provider.unwrap_or_else(|| Provider::suggested_by(&arguments.url));
    let LinkUrl { repository, directory, reference } =
        RepoUrl::parse(&arguments.url, provider).map_err(|error| usage(&error, hint(arguments, provider)))?;
    let directory = arguments.directory.clone().or(directory).unwrap_or_default();
    let directory = directory.trim_matches('/').to_owned();
    if directory.split('/').any(|segment| segment == "..") {
        return Err(usage("the directory may not hold `..`", "give its path from the top of the repository"));
    }
    let link = "inspect".parse().map_err(|error| usage(error, "report it"))?;
    let reference = arguments.at.reference().or(reference).unwrap_or(RefSpec::Default);
    Ok((repository, LinkView { link, revision: 0, reference, directory, known: None }))
}

fn hint(arguments: &InspectArguments, provider: Provider) -> &'static str {
    match (arguments.provider, provider) {
        (None, Provider::AzureRepos) => {
            "copy the URL from the clone dialog or from the browser; `--provider git` is for what is not of Azure DevOps"
        }
        (Some(_), _) | (None, Provider::Git) => "copy the URL from the clone dialog or from the browser",
    }
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.set_message("connecting");
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn sink(bar: &ProgressBar) -> ProgressSink {
    let bar = bar.clone();
    Arc::new(move |progress| match progress {
        Progress::Received { bytes } => bar.set_message(format!("received {} KiB", bytes / 1024)),
        Progress::Read { done, total } => bar.set_message(format!("read {done} of {total} files")),
        Progress::Step(_) | Progress::Started { .. } | Progress::Log { .. } => {}
    })
}

fn inspection(url: &RepoUrl, view: &LinkView, commit: Option<String>, discovery: Discovery) -> Inspection {
    Inspection {
        repository: url.to_string(),
        reference: view.reference.to_string(),
        directory: view.directory.clone(),
        commit,
        roots: discovery.roots,
        cases: discovery.cases.into_iter().map(InspectedCase::from).collect(),
        suites: discovery.suites.into_iter().map(InspectedSuite::from).collect(),
        notices: discovery.notices,
    }
}

impl From<Case> for InspectedCase {
    fn from(case: Case) -> Self {
        let (state, reason) = (case.state.code(), case.state.reason().map(str::to_owned));
        Self { root: case.root, id: case.id, path: case.path, state, reason, tags: case.tags }
    }
}

impl From<Suite> for InspectedSuite {
    fn from(suite: Suite) -> Self {
        Self {
            state: suite.state.code(),
            reason: suite.state.reason().map(str::to_owned),
            kind: suite.kind.code(),
            root: suite.root,
            id: suite.id,
            path: suite.path,
            query: suite.query,
            entries: suite.entries,
        }
    }
}

fn render(inspection: &Inspection, look: &Look) -> String {
    let commit = inspection.commit.as_deref().map_or_else(|| "no commit yet".to_owned(), short);
    let mut text = format!(
        "{} at {commit}: {}, {}, {}\n",
        escaped(&inspection.repository),
        count(inspection.roots.len() as u64, "project"),
        count(inspection.cases.len() as u64, "case"),
        count(inspection.suites.len() as u64, "suite"),
    );
    if !inspection.suites.is_empty() {
        let mut table = Table::new(["SUITE", "ROOT", "KIND", "STATE", "ENTRIES"], look);
        for suite in &inspection.suites {
            table.row([
                Cell::new(&suite.id),
                Cell::new(&suite.root),
                Cell::new(suite.kind),
                Cell::status(suite.state),
                Cell::new(suite.entries.len()),
            ]);
        }
        text.push_str(&format!("\n{}", table.render()));
    }
    if !inspection.cases.is_empty() {
        let mut table = Table::new(["CASE", "ROOT", "STATE", "TAGS"], look);
        for case in &inspection.cases {
            let state = Cell::status(case.state);
            table.row([Cell::new(&case.id), Cell::new(&case.root), state, Cell::new(case.tags.join(", "))]);
        }
        text.push_str(&format!("\n{}", table.render()));
    }
    let malformed = inspection.cases.iter().filter_map(|case| Some((&case.path, case.reason.as_ref()?)));
    let malformed =
        malformed.chain(inspection.suites.iter().filter_map(|suite| Some((&suite.path, suite.reason.as_ref()?))));
    for (path, reason) in malformed {
        text.push_str(&format!("{} {}: {}\n", Paint::Warning.on("malformed"), escaped(path), escaped(reason)));
    }
    for notice in &inspection.notices {
        text.push_str(&format!(
            "{} {}: {}\n",
            Paint::Faint.on("note"),
            escaped(&notice.path),
            escaped(&notice.message)
        ));
    }
    text
}
