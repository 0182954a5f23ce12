//! Routes of results: those there are, and reports of runs that were made elsewhere.
//!
//! A report is kept in a nameless file while it comes in, so that neither its size nor a slow sender costs memory, and
//! nothing of it is left if the agent is killed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Seek};
use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Extension, Query, State};
use futures_util::StreamExt;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use suitesync_contract::{ResultFile, RunId};
use suitesync_runner::Redactor;
use suitesync_runner::junit::{self, Allowance};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;

use super::Api;
use super::answer::{Answer, Refused, json};
use super::peer::Asking;
use super::read::check_link;
use crate::catalog::contents::cases::{self, CaseFilter};
use crate::catalog::delivery::NewDelivery;
use crate::catalog::results::{self, Recorded, ResultFilter, ResultRecord};
use crate::catalog::{CatalogError, Result as Stored};
use crate::config::Config;
use crate::domain::access::Need;
use crate::domain::nearest::suggestion;
use crate::engine::control::Refusal;
use crate::engine::importing::{self, Imported};
use crate::views::ImportView;

/// Bytes of one report. A run of a hundred thousand cases writes a tenth of it, unless it prints all it does.
const MAX_REPORT: u64 = 512 << 20;

#[derive(Debug, Deserialize)]
pub(super) struct ResultQuery {
    project: Option<String>,
    run: Option<u64>,
    /// The id of a case, in this link or in every one that has it.
    case: Option<String>,
    link: Option<String>,
    #[serde(default)]
    unmatched: bool,
    limit: Option<u32>,
}

pub(super) async fn list(State(api): State<Api>, Query(query): Query<ResultQuery>) -> Answer<Vec<ResultRecord>> {
    check_link(&api, query.link.as_deref()).await?;
    let filter = ResultFilter {
        project: query.project,
        run: query.run.map(RunId),
        case_key: None,
        unmatched: query.unmatched,
        limit: query.limit,
    };
    let Some(case) = query.case else {
        return json(api.control.catalog.read(move |sql| results::list(sql, &filter)).await?);
    };
    let wanted = CaseFilter { link: query.link, id: Some(case), text: None, archived: true };
    let read = move |sql: &rusqlite::Connection| -> Stored<Vec<ResultRecord>> {
        let mut found = Vec::new();
        for case in cases::list(sql, &wanted)? {
            found.extend(results::list(sql, &ResultFilter { case_key: Some(case.key), ..filter.clone() })?);
        }
        Ok(found)
    };
    json(api.control.catalog.read(read).await?)
}

/// Lets one report be read at a time: each may fill the memory with as many results as a large run has.
#[derive(Debug, Clone)]
pub(super) struct Imports(Arc<Semaphore>);

impl Default for Imports {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ImportQuery {
    project: String,
    /// What the report is called in the results.
    source: String,
}

pub(super) async fn import(
    State(api): State<Api>,
    Extension(who): Extension<Asking>,
    Extension(imports): Extension<Imports>,
    Query(query): Query<ImportQuery>,
    body: Body,
) -> Answer<ImportView> {
    let (state, mut pieces) = (who.state(), body.into_data_stream());
    let spooled = match take_in(&who, &query, &mut pieces).await {
        Ok(spooled) => spooled,
        Err(refused) => {
            pass_over(pieces, MAX_REPORT).await;
            return Err(refused);
        }
    };
    let unknown_project = unknown_project(&state.config, &query.project);
    let turn = imports.0.acquire_owned().await.map_err(|_| Refusal::unavailable("the agent is stopping"))?;
    let (source, new) = (query.source.clone(), spooled.delivery(query));
    let read = tokio::task::spawn_blocking(move || read(spooled.file, source));
    let report = Arc::new(read.await.map_err(|_| Refusal::unavailable("failed to read the report"))?);
    let (catalog, by, told) = (api.control.catalog.clone(), who.name().to_owned(), Arc::clone(&report));
    // It goes on should whoever sent it leave.
    let importing = tokio::spawn(async move {
        let _turn = turn;
        importing::import(&catalog, &by, new, report).await
    });
    let imported = importing.await.map_err(|_| Refusal::unavailable("failed to record the report"))?;
    let imported = imported.map_err(|error| unrecorded(&error))?;
    json(ImportView { unknown_project, ..view(&told, imported) })
}

/// The report, of whom may send it.
async fn take_in(who: &Asking, query: &ImportQuery, pieces: &mut BodyDataStream) -> Result<Spooled, Refused> {
    if query.project.trim().is_empty() {
        return Err(Refusal::conflict("the project has no name", "name the project of a link").into());
    }
    who.expect(Need::Project(&query.project))?;
    let folder = &who.state().started_with.agent.state_dir;
    Ok(spool(pieces, folder, MAX_REPORT).await.map_err(|error| error.refusal(folder))?)
}

/// Reads what is left of a body, up to a limit: many a client hears an answer only when it has sent everything.
async fn pass_over(mut pieces: BodyDataStream, limit: u64) {
    let mut left = Some(limit);
    while let (Some(unread), Some(Ok(piece))) = (left, pieces.next().await) {
        left = unread.checked_sub(piece.len() as u64);
    }
}

/// What projects there are, where no link belongs to this one: it may be a slip, or a link may come later.
fn unknown_project(config: &Config, project: &str) -> Option<String> {
    let known: BTreeSet<_> = config.links.values().map(|link| link.project.as_str()).collect();
    (!known.contains(project)).then(|| suggestion(project, "projects of links", known))
}

fn unrecorded(error: &CatalogError) -> Refusal {
    tracing::error!(error = error as &dyn std::error::Error, "failed to record a report");
    Refusal::unrecorded(format!("failed to record the report: {}", error.cause()), error.full_disk())
}

fn view(report: &ResultFile, imported: Imported) -> ImportView {
    let (recorded, already_imported_at) = match imported {
        Imported::Now(recorded) => (recorded, None),
        Imported::Before(before) => (Recorded::default(), Some(before.recorded_at)),
    };
    let (source, notices) = (report.path.clone(), report.notices.clone());
    ImportView { source, state: report.state, recorded, already_imported_at, unknown_project: None, notices }
}

/// Why a report did not come in.
#[derive(Debug, thiserror::Error)]
enum SpoolError {
    #[error("the report is larger than {} MiB", .limit >> 20)]
    TooLarge { limit: u64 },
    #[error("the report broke off on its way")]
    BrokenOff,
    #[error("failed to keep the report in the state folder: {0}")]
    Keep(#[from] io::Error),
}

impl SpoolError {
    fn refusal(self, folder: &Path) -> Refusal {
        let message = self.to_string();
        match self {
            Self::TooLarge { .. } => Refusal::conflict(message, "split it, or leave out what the tests print"),
            Self::BrokenOff => Refusal::conflict(message, "import it again"),
            Self::Keep(error) => {
                tracing::error!(%error, "failed to keep a report");
                let is_full = error.kind() == io::ErrorKind::StorageFull;
                Refusal::unrecorded(message, is_full.then_some(folder))
            }
        }
    }
}

/// A report as it came in.
#[derive(Debug)]
struct Spooled {
    file: File,
    /// The SHA-256 of all of it.
    content: String,
}

impl Spooled {
    fn delivery(&self, query: ImportQuery) -> NewDelivery {
        NewDelivery { project: query.project, source: query.source, content: self.content.clone(), run: None }
    }
}

/// Writes a body of at most `limit` bytes into a nameless file in `folder`.
async fn spool(pieces: &mut BodyDataStream, folder: &Path, limit: u64) -> Result<Spooled, SpoolError> {
    let folder = folder.to_owned();
    let made = tokio::task::spawn_blocking(move || tempfile::tempfile_in(folder)).await.map_err(io::Error::other)?;
    let mut file = tokio::fs::File::from_std(made?);
    let (mut left, mut digest) = (limit, Sha256::new());
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| SpoolError::BrokenOff)?;
        left = left.checked_sub(piece.len() as u64).ok_or(SpoolError::TooLarge { limit })?;
        digest.update(&piece);
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    let mut file = file.into_std().await;
    file.rewind()?;
    Ok(Spooled { file, content: hex::encode(digest.finalize()) })
}

/// What the report holds; nothing in it is known to be secret.
fn read(spooled: File, source: String) -> ResultFile {
    junit::read(BufReader::new(spooled), &Redactor::default(), &mut Allowance::default()).into_file(source)
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;
    use suitesync_contract::ResultFileState;

    use super::*;
    use crate::engine::control::RefusalKind;

    const REPORT: &str =
        r#"<testsuite name="s"><testcase name="a"/><testcase name="b"><failure/></testcase></testsuite>"#;

    #[tokio::test]
    async fn a_report_is_read_from_where_it_was_kept_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let spooled = spool(&mut Body::from(REPORT).into_data_stream(), folder.path(), MAX_REPORT).await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let file = read(spooled.file, "report.xml".to_owned());
        assert_eq!((file.state, file.cases.len()), (ResultFileState::Whole, 2));
    }

    #[tokio::test]
    async fn a_report_past_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let limit = REPORT.len() as u64;
        assert!(spool(&mut Body::from(REPORT).into_data_stream(), folder.path(), limit).await.is_ok());
        let refused = spool(&mut Body::from(REPORT).into_data_stream(), folder.path(), limit - 1).await;
        assert!(matches!(refused, Err(SpoolError::TooLarge { .. })));
    }

    #[test]
    fn a_full_disk_is_told_with_where_room_is_to_be_made() {
        let refusal = SpoolError::Keep(io::ErrorKind::StorageFull.into()).refusal(Path::new("/state"));
        assert_eq!(refusal.kind, RefusalKind::Unrecorded);
        assert_eq!(refusal.hint, "make room where the state folder lies (/state)");
    }

    #[test]
    fn an_import_names_its_project_and_its_source() {
        let read = |uri: &'static str| Query::<ImportQuery>::try_from_uri(&Uri::from_static(uri));
        let Query(query) = read("/v1/results?project=pay%20ments&source=a%2Fb.xml").unwrap();
        assert_eq!((query.project.as_str(), query.source.as_str()), ("pay ments", "a/b.xml"));
        assert!(read("/v1/results?project=payments").is_err());
    }
}
