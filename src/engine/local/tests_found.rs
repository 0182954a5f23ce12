//! From a commit to the tests of a link: the tree is listed, unknown files are read and parsed, and names
//! and parses are put together.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use suitesync_contract::{
    Discovery, Failure, FailureClass, LinkFacts, LinkView, Notice, ObjectId, Progress, TreeEntry, TreeEntryKind,
};
use suitesync_git::BlobContent;
use suitesync_suites::{Allowance, Content, FileToParse, MAX_FILE, Parse, discover, files_to_parse, parse};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::super::delegate::ProgressSink;
use super::super::parses::{Parses, ParsesError};
use super::objects::Objects;

/// How often someone who waits is told how many files were read.
const TELL_EVERY: usize = 64;

/// What finding tests needs besides the objects.
pub(super) struct Finder<'a> {
    pub(super) parses: &'a Parses,
    pub(super) reading: &'a Semaphore,
    pub(super) progress: &'a ProgressSink,
    pub(super) cancel: &'a CancellationToken,
}

/// What was parsed before, and what has to be read.
struct Known {
    parses: HashMap<FileToParse, Parse>,
    unknown: Vec<FileToParse>,
    /// For what is still to be read.
    allowance: Allowance,
}

/// What a repository without a commit holds.
pub(super) fn nothing() -> LinkFacts {
    let notice = Notice { path: String::new(), message: "the repository has no commit yet".to_owned() };
    let discovery = Discovery { notices: vec![notice], ..Discovery::default() };
    LinkFacts::Found { commit: None, discovery, parsed: 0, remembered: 0 }
}

impl Finder<'_> {
    pub(super) async fn find(
        &self,
        objects: &mut Objects<'_>,
        commit: ObjectId,
        view: &LinkView,
    ) -> Result<LinkFacts, Failure> {
        let place = self.place().await?;
        let (entries, known) = tokio::task::block_in_place(|| self.list(objects, commit, &view.directory))?;
        let blobs: Vec<_> = known.unknown.iter().map(|file| file.blob).collect();
        // A server that takes its time with them keeps nobody else from reading.
        drop(place);
        objects.ensure_blobs(&blobs).await?;
        let _place = self.place().await?;
        tokio::task::block_in_place(|| self.read(objects, &entries, known, view)).map(|read| LinkFacts::Found {
            commit: Some(commit),
            discovery: read.discovery,
            parsed: read.parsed,
            remembered: read.remembered,
        })
    }

    /// Brings in together what several links lack, as a request for each of them takes long where they are many. What
    /// is wrong with one of them alone is told when it is its turn.
    pub(super) async fn gather(
        &self,
        objects: &mut Objects<'_>,
        links: &[(ObjectId, LinkView)],
    ) -> Result<(), Failure> {
        if links.len() < 2 || !objects.may_lack_blobs() {
            return Ok(());
        }
        let place = self.place().await?;
        let lacking = tokio::task::block_in_place(|| self.unknown(objects, links))?;
        drop(place);
        match objects.ensure_blobs(&lacking).await {
            Err(failure) if !failure.class.may_spare_others() => Err(failure),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// A place among those who read at the same time.
    async fn place(&self) -> Result<SemaphorePermit<'_>, Failure> {
        let place = self.cancel.run_until_cancelled(self.reading.acquire()).await;
        let canceled = || Failure::new(FailureClass::Canceled, "canceled while others read");
        place.and_then(Result::ok).ok_or_else(canceled)
    }

    /// The blobs that have to be parsed for any of the links.
    fn unknown(&self, objects: &Objects<'_>, links: &[(ObjectId, LinkView)]) -> Result<Vec<ObjectId>, Failure> {
        let mut files = HashSet::new();
        for (commit, view) in links.iter().take_while(|_| !self.cancel.is_cancelled()) {
            let entries = objects.snapshot(*commit).unwrap_or_default();
            files.extend(files_to_parse(&entries, &view.directory));
        }
        let unknown = self.parses.unknown(&files).map_err(unusable)?;
        Ok(unknown.into_iter().map(|file| file.blob).collect())
    }

    fn list(
        &self,
        objects: &Objects<'_>,
        commit: ObjectId,
        directory: &str,
    ) -> Result<(Arc<[TreeEntry]>, Known), Failure> {
        let entries = objects.snapshot(commit)?;
        expect_directory(&entries, directory, commit)?;
        let mut unknown = files_to_parse(&entries, directory);
        let allowance = Allowance::default();
        let parses = self.parses.find(&unknown, &allowance).map_err(unusable)?;
        unknown.retain(|file| !parses.contains_key(file));
        Ok((entries, Known { parses, unknown, allowance }))
    }

    fn read(
        &self,
        objects: &Objects<'_>,
        entries: &[TreeEntry],
        known: Known,
        view: &LinkView,
    ) -> Result<Read, Failure> {
        let Known { mut parses, unknown, allowance } = known;
        let remembered = parses.len() as u64;
        let mut fresh: Vec<(FileToParse, Parse)> = Vec::with_capacity(unknown.len());
        for (done, file) in unknown.iter().enumerate() {
            if self.cancel.is_cancelled() {
                return Err(Failure::new(FailureClass::Canceled, "canceled while files were read"));
            }
            if done % TELL_EVERY == 0 {
                (self.progress)(Progress::Read { done: done as u64, total: unknown.len() as u64 });
            }
            let content = objects.read_blob(file.blob, MAX_FILE)?;
            let parsed = match &content {
                BlobContent::Bytes(bytes) => parse(file.kind, Content::Bytes(bytes)),
                BlobContent::TooLarge(size) => parse(file.kind, Content::TooLarge(*size)),
            };
            // Discovery says of those without a parse that they are left out.
            if !allowance.admits(&parsed) {
                break;
            }
            fresh.push((*file, parsed));
        }
        self.parses.keep(&fresh).map_err(unusable)?;
        let parsed = fresh.len() as u64;
        parses.extend(fresh);
        let parse_of = |kind, blob| parses.get(&FileToParse { kind, blob });
        let mut discovery = discover(entries, &view.directory, parse_of);
        if discovery.roots.is_empty() && discovery.notices.is_empty() {
            let message = "no test project was found: a Katalon project has its `.prj` file at its top".to_owned();
            discovery.notices.push(Notice { path: view.directory.clone(), message });
        }
        Ok(Read { discovery, parsed, remembered })
    }
}

struct Read {
    discovery: Discovery,
    parsed: u64,
    remembered: u64,
}

fn unusable(error: ParsesError) -> Failure {
    let class = match &error {
        ParsesError::Sqlite(source) if source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) => {
            FailureClass::DiskFull
        }
        ParsesError::Sqlite(_) | ParsesError::Poisoned => FailureClass::Internal,
    };
    Failure::new(class, error.to_string())
}

fn expect_directory(entries: &[TreeEntry], directory: &str, commit: ObjectId) -> Result<(), Failure> {
    if directory.is_empty() {
        return Ok(());
    }
    let found = entries.iter().find(|entry| entry.path == directory.as_bytes());
    let commit = commit.short();
    let message = match found.map(|entry| entry.kind) {
        Some(TreeEntryKind::Directory) => return Ok(()),
        Some(TreeEntryKind::File) => format!("`{directory}` is a file at commit {commit}, not a directory"),
        Some(TreeEntryKind::Symlink | TreeEntryKind::Submodule) => {
            format!("`{directory}` is a symbolic link or a submodule at commit {commit}, not a directory")
        }
        None => format!("there is no directory `{directory}` at commit {commit}"),
    };
    Err(Failure::new(FailureClass::PathNotFound, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_for_others_to_read_hears_of_a_cancel() {
        let folder = tempfile::tempdir().unwrap();
        let parses = Parses::open(&folder.path().join("parses.sqlite3")).unwrap();
        let (progress, cancel): (ProgressSink, _) = (Arc::new(drop), CancellationToken::new());
        cancel.cancel();
        let finder = Finder { parses: &parses, reading: &Semaphore::new(0), progress: &progress, cancel: &cancel };
        let refused = finder.place().await.map(drop).unwrap_err();
        assert_eq!(refused.class, FailureClass::Canceled);
    }
}
