//! Reads files that may be reports, all of them within one allowance.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};
use suitesync_contract::{ResultFileState, readable};

use crate::junit::{self, Allowance, Report};
use crate::redactor::Redactor;

/// Largest report that is read; a hundred times the largest known one.
const MAX_FILE: u64 = 512 << 20;
/// Most bytes read of all reports of one run: some ten seconds of parsing.
const MAX_ALL: u64 = 2 << 30;

/// A report and where it lies below the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) report: Report,
}

pub(super) fn read(root: &Path, paths: &[&PathBuf], redactor: &Redactor) -> Vec<Found> {
    let mut allowance = Allowance::default();
    let mut left = MAX_ALL;
    let read = paths.iter().map(|path| {
        let report = match read_one(&root.join(path), redactor, &mut allowance, &mut left) {
            Ok(report) => report,
            Err(error) => incomplete(format!("failed to read the file: {error}")),
        };
        Found { path: readable(path.as_os_str().as_bytes()).into_owned(), report }
    });
    read.collect()
}

fn read_one(path: &Path, redactor: &Redactor, allowance: &mut Allowance, left: &mut u64) -> io::Result<Report> {
    // A pipe in the place of a file must not be waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(incomplete("not a file".to_owned()));
    }
    if metadata.len() > MAX_FILE || metadata.len() > *left {
        return Ok(incomplete(format!("{} bytes are more than is read of a run's reports", metadata.len())));
    }
    *left -= metadata.len();
    Ok(junit::read(BufReader::new(file.take(metadata.len())), redactor, allowance))
}

fn incomplete(notice: String) -> Report {
    Report { state: ResultFileState::Incomplete, executions: Vec::new(), notices: vec![notice] }
}
