//! The log of a run: what it prints, secrets taken out, in one file of bounded size.
//!
//! Where a run prints more than the limit, the first half of the limit and the last quarter to half are kept, with a
//! line between them that says how much is left out. Until the run ends the last part lies in two files beside the log,
//! each a quarter of the limit, of which the older is written over. However much comes, it is taken: a full disk ends
//! the writing and not the run.

mod tail;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::tail::Tail;
pub use self::tail::close_log;
use crate::redactor::{RedactedStream, Redactor};

/// Only the service's own user reads logs.
const PRIVATE: u32 = 0o600;

/// What became of what a run printed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSummary {
    /// Bytes that the run printed.
    pub printed: u64,
    /// Bytes that the file would have without a limit, secrets replaced.
    pub written: u64,
    /// Bytes of these that are not in the file.
    pub left_out: u64,
    /// How many secrets were taken out.
    pub redactions: u64,
    /// Why writing ended early, if it did.
    pub fault: Option<String>,
}

/// A log that is being written.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    head: File,
    head_left: u64,
    /// Half of the limit: as much as the tail holds at most.
    half: u64,
    tail: Option<Tail>,
    redacted: RedactedStream,
    buffer: Vec<u8>,
    summary: LogSummary,
}

impl LogFile {
    /// Makes the file; one that is there is written over.
    pub fn create(path: &Path, limit: u64, redactor: &Redactor) -> io::Result<Self> {
        let half = limit / 2;
        Ok(Self {
            path: path.to_owned(),
            head: create(path)?,
            head_left: half,
            half,
            tail: None,
            redacted: redactor.stream(),
            buffer: Vec::new(),
            summary: LogSummary::default(),
        })
    }

    /// Takes what was printed next.
    pub fn write(&mut self, piece: &[u8]) {
        self.summary.printed += piece.len() as u64;
        let mut buffer = std::mem::take(&mut self.buffer);
        self.redacted.push(piece, &mut buffer);
        self.append(&buffer);
        buffer.clear();
        self.buffer = buffer;
    }

    /// Puts the parts together; nothing more comes.
    pub fn finish(mut self) -> LogSummary {
        let mut rest = Vec::new();
        self.redacted.finish(&mut rest);
        self.append(&rest);
        if let Some(tail) = self.tail.take() {
            self.summary.left_out += tail.left_out;
            let joined = tail.join(&mut self.head);
            self.note(joined);
        }
        self.summary.redactions = self.redacted.redactions();
        self.summary
    }

    fn append(&mut self, bytes: &[u8]) {
        self.summary.written += bytes.len() as u64;
        if self.summary.fault.is_none() {
            let appended = self.try_append(bytes);
            self.note(appended);
        }
        if self.summary.fault.is_some() {
            self.summary.left_out += bytes.len() as u64;
        }
    }

    fn try_append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (first, rest) = split(bytes, self.head_left);
        self.head.write_all(first)?;
        self.head_left -= first.len() as u64;
        if rest.is_empty() {
            return Ok(());
        }
        let tail = match &mut self.tail {
            Some(tail) => tail,
            none => none.insert(Tail::create(&self.path, self.half / 2)?),
        };
        tail.append(rest)
    }

    /// The first fault is the one that tells.
    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.summary.fault.get_or_insert(error.to_string());
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(PRIVATE).open(path)
}

/// As many bytes as there is room for, and the rest.
fn split(bytes: &[u8], room: u64) -> (&[u8], &[u8]) {
    bytes.split_at(usize::try_from(room).map_or(bytes.len(), |room| room.min(bytes.len())))
}

#[cfg(test)]
mod tests {
    use suitesync_contract::SecretRef;
    use zeroize::Zeroizing;

    use super::*;
    use crate::redactor::Secret;

    fn logged(limit: u64, redactor: &Redactor, pieces: &[&[u8]]) -> (String, LogSummary) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.log");
        let mut log = LogFile::create(&path, limit, redactor).unwrap();
        pieces.iter().for_each(|piece| log.write(piece));
        let summary = log.finish();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        (std::fs::read_to_string(path).unwrap(), summary)
    }

    fn check(limit: u64, printed: &str, expect: &str) {
        let by_one: Vec<_> = printed.as_bytes().chunks(1).collect();
        for pieces in [&[printed.as_bytes()][..], &by_one] {
            let (text, summary) = logged(limit, &Redactor::default(), pieces);
            assert_eq!(text, expect);
            assert_eq!(summary.printed, printed.len() as u64);
            let notice = text.lines().find(|line| line.starts_with('[')).map_or(0, |line| line.len() as u64 + 2);
            assert_eq!(summary.written - summary.left_out, text.len() as u64 - notice);
        }
    }

    #[test]
    fn what_is_within_the_limit_is_kept_whole() {
        check(16, "", "");
        check(16, "12345678", "12345678");
        check(16, "1234567890abcdef", "1234567890abcdef");
    }

    #[test]
    fn of_what_is_longer_the_first_and_the_last_part_are_kept() {
        check(16, "1234567890abcdefg", "12345678\n[suitesync left out 4 bytes here]\ncdefg");
        let long = "x".repeat(1000) + "the end";
        check(16, &long, "xxxxxxxx\n[suitesync left out 992 bytes here]\nthe end");
    }

    #[test]
    fn secrets_are_taken_out_before_they_are_written() {
        let value = Zeroizing::new("hunter22".to_owned());
        let secret = Secret { source: SecretRef::Env("PASSWORD".to_owned()), value, user: None };
        let redactor = Redactor::new(&[secret]).unwrap();
        let (text, summary) = logged(1 << 20, &redactor, &[b"password: hun", b"ter22\n", b"hunter2"]);
        assert_eq!(text, "password: [secret env:PASSWORD]\nhunter2");
        assert_eq!((summary.redactions, summary.printed), (1, 26));
    }

    #[test]
    fn a_log_that_was_never_finished_is_put_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.log");
        let mut log = LogFile::create(&path, 16, &Redactor::default()).unwrap();
        log.write(b"the first part, the last");
        drop(log);
        close_log(&path).unwrap();
        close_log(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("the firs\n[suitesync was killed;"), "{text}");
        assert!(text.contains("last"), "{text}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_disk_that_is_full_ends_the_writing_and_not_the_taking() {
        let mut log = LogFile::create(Path::new("/dev/full"), 1 << 20, &Redactor::default()).unwrap();
        log.write(b"first");
        log.write(b"second");
        let summary = log.finish();
        assert!(summary.fault.is_some());
        assert_eq!((summary.printed, summary.left_out), (11, 11));
    }
}
