//! The log of a run: the bytes as they were written, whole or as they come in.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use serde::Deserialize;
use suitesync_contract::RunId;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::Api;
use super::answer::Refused;
use super::runs;
use crate::catalog::{Catalog, run};

/// How often a log that is followed is looked at for more: people notice no delay below it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Bytes that are read and sent at once.
const PIECE: usize = 64 * 1024;

#[derive(Debug, Deserialize)]
pub(super) struct LogQuery {
    /// Whether to go on until the run is over.
    #[serde(default)]
    follow: bool,
}

pub(super) async fn show(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<LogQuery>,
) -> Result<Response, Refused> {
    let run = runs::find(&api, &id).await?;
    let log = Log {
        run: run.id,
        path: api.logs.path(run.id),
        file: None,
        catalog: api.control.catalog.clone(),
        end: if query.follow { End::WithTheRun } else { End::OfTheFile },
    };
    let pieces = stream::unfold(log, |mut log| async move { Some((log.next().await.transpose()?, log)) });
    let stop = api.stop.clone();
    let pieces = pieces.take_until(async move { stop.cancelled().await });
    Ok(([(CONTENT_TYPE, "application/octet-stream")], Body::from_stream(pieces)).into_response())
}

/// A log that is being read.
struct Log {
    run: RunId,
    path: PathBuf,
    /// Nothing until the run has written something.
    file: Option<File>,
    catalog: Catalog,
    end: End,
}

/// Where to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    OfTheFile,
    WithTheRun,
}

impl Log {
    /// The next piece; nothing after the last.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let piece = self.read().await?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
            if self.end == End::OfTheFile {
                return Ok(None);
            }
            // The last pieces may be written a moment after the run is recorded as over: one more look finds them.
            if self.is_over().await {
                self.end = End::OfTheFile;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// What has come in since the last look.
    async fn read(&mut self) -> io::Result<Bytes> {
        if self.file.is_none() {
            match File::open(&self.path).await {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let mut piece = Vec::with_capacity(PIECE);
        if let Some(file) = &mut self.file {
            file.read_buf(&mut piece).await?;
        }
        Ok(piece.into())
    }

    /// Nothing more comes of a run that is forgotten, or of which nothing can be learnt.
    async fn is_over(&self) -> bool {
        let id = self.run;
        let found = self.catalog.read(move |sql| run::find(sql, id)).await;
        found.ok().flatten().is_none_or(|run| run.status.is_final())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &std::path::Path, end: End) -> Log {
        let catalog = Catalog::open(&folder.join("catalog.sqlite3")).unwrap();
        Log { run: RunId(1), path: folder.join("1.log"), file: None, catalog, end }
    }

    async fn whole(mut log: Log) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(piece) = log.next().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
        bytes
    }

    #[tokio::test]
    async fn a_log_is_its_bytes_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let written: Vec<u8> = (0..=255).cycle().take(3 * PIECE + 1).collect();
        std::fs::write(folder.path().join("1.log"), &written).unwrap();
        assert_eq!(whole(log(folder.path(), End::OfTheFile)).await, written);
    }

    #[tokio::test]
    async fn a_run_that_has_written_nothing_has_an_empty_log() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(whole(log(folder.path(), End::OfTheFile)).await, b"");
    }

    #[tokio::test]
    async fn what_is_written_just_after_the_end_is_still_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.log");
        let mut followed = log(folder.path(), End::WithTheRun);
        assert!(followed.read().await.unwrap().is_empty());
        // The catalog knows no such run: it is over.
        let telling = tokio::spawn(async move { whole(followed).await });
        std::fs::write(&path, b"last words").unwrap();
        assert_eq!(telling.await.unwrap(), b"last words");
    }
}
