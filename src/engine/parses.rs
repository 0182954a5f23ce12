//! The parses of files, remembered by kind and blob, so that a file seen once is never parsed again.
//!
//! A store of its own beside the mirrors: it can be thrown away at any time and is then made anew. That is done when it has
//! grown too large: what is no longer wanted cannot be told from the rest, and what is wanted is soon there again. It is
//! done, too, when it turns out to be damaged, at a start or while it is used.

mod encoding;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::{Connection, ErrorCode, OptionalExtension};
use suitesync_suites::{Allowance, FileToParse, PARSER_VERSION, Parse};

/// Raise when rows are written in another way; what was written before is forgotten then.
const FORMAT: u32 = 1;

/// What the store may take before it is begun anew: about a million files, read in a second when it is checked at a start.
const MOST_BYTES: u64 = 256 << 20;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS parse (
     blob BLOB NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL, parse BLOB NOT NULL,
     PRIMARY KEY (blob, kind)
 ) STRICT, WITHOUT ROWID";

/// What was parsed before.
#[derive(Debug)]
pub struct Parses {
    path: PathBuf,
    /// Nothing after it could not be opened anew: the next one to use it tries again.
    connection: Mutex<Option<Connection>>,
    most_bytes: u64,
}

/// The store failed; it holds nothing that cannot be found again.
#[derive(Debug, thiserror::Error)]
pub enum ParsesError {
    #[error("failed to use the store of parses")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the store of parses was left in the middle of a write")]
    Poisoned,
}

impl Parses {
    /// Opens the store; one that cannot be read is made anew.
    pub fn open(path: &Path) -> Result<Self, ParsesError> {
        let connection = prepare(path).or_else(|error| make_anew(path, &error))?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(Some(connection)), most_bytes: MOST_BYTES })
    }

    /// Those parses of `files` that this version of the parser made before, as far as the allowance admits them.
    pub fn find(
        &self,
        files: &[FileToParse],
        allowance: &Allowance,
    ) -> Result<HashMap<FileToParse, Parse>, ParsesError> {
        self.with(|connection| {
            // One transaction: each of its own would lock the store anew.
            let transaction = connection.transaction()?;
            let mut statement =
                transaction.prepare_cached("SELECT parse FROM parse WHERE blob = ?1 AND kind = ?2 AND version = ?3")?;
            let mut found = HashMap::new();
            for file in files {
                let parse = statement.query_row(key(file), |row| Ok(encoding::decode(row.get_ref(0)?.as_blob()?)));
                // What another build left unreadable is parsed again.
                let parse = parse.optional()?.flatten().filter(|parse| allowance.admits(parse));
                found.extend(parse.map(|parse| (*file, parse)));
            }
            Ok(found)
        })
    }

    /// Those of `files` that no parse is remembered of.
    pub fn unknown(&self, files: &HashSet<FileToParse>) -> Result<Vec<FileToParse>, ParsesError> {
        self.with(|connection| {
            let transaction = connection.transaction()?;
            let mut statement =
                transaction.prepare_cached("SELECT 1 FROM parse WHERE blob = ?1 AND kind = ?2 AND version = ?3")?;
            let mut unknown = Vec::new();
            for file in files {
                if !statement.exists(key(file))? {
                    unknown.push(*file);
                }
            }
            Ok(unknown)
        })
    }

    /// Remembers many at once, alone where the store had grown too large.
    pub fn keep(&self, parses: &[(FileToParse, Parse)]) -> Result<(), ParsesError> {
        self.with(|connection| {
            if bytes(connection)? > self.most_bytes {
                tracing::info!("the store of parses has grown too large and is begun anew");
                connection.execute_batch(&format!("DROP TABLE parse; {TABLE}; VACUUM"))?;
            }
            let transaction = connection.transaction()?;
            let mut statement = transaction
                .prepare_cached("INSERT OR REPLACE INTO parse (blob, kind, version, parse) VALUES (?1, ?2, ?3, ?4)")?;
            let mut bytes = Vec::new();
            for (file, parse) in parses {
                bytes.clear();
                encoding::encode(parse, &mut bytes);
                let (blob, kind, version) = key(file);
                statement.execute((blob, kind, version, &bytes))?;
            }
            drop(statement);
            transaction.commit()
        })
    }

    /// Uses the store; one that is damaged is made anew and used once more.
    fn with<T>(&self, act: impl Fn(&mut Connection) -> rusqlite::Result<T>) -> Result<T, ParsesError> {
        let mut held = self.connection.lock().map_err(|_| ParsesError::Poisoned)?;
        let mut connection = match held.take() {
            Some(connection) => connection,
            None => prepare(&self.path).or_else(|error| make_anew(&self.path, &error))?,
        };
        let mut done = act(&mut connection);
        if let Some(error) = done.as_ref().err().filter(|error| is_damage(error)) {
            // On closing, files are removed by their names: afterwards that would be those of the new one.
            drop(connection);
            connection = make_anew(&self.path, error)?;
            done = act(&mut connection);
        }
        *held = Some(connection);
        Ok(done?)
    }
}

/// What a row is found by.
fn key(file: &FileToParse) -> (&[u8], &'static str, u32) {
    (file.blob.as_bytes(), file.kind.code(), PARSER_VERSION)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// An empty store in the place of one that cannot be read.
fn make_anew(path: &Path, error: &rusqlite::Error) -> rusqlite::Result<Connection> {
    tracing::warn!(%error, "the store of parses cannot be read and is made anew");
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        // What is not there needs no removal; what cannot be removed fails below.
        let _ = std::fs::remove_file(name);
    }
    prepare(path)
}

/// What its file takes, or will once it is up to date.
fn bytes(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", [], |row| row.get(0))
}

fn prepare(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let format: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if format != FORMAT {
        connection.execute_batch("DROP TABLE IF EXISTS parse")?;
        connection.pragma_update(None, "user_version", FORMAT)?;
    }
    connection.execute_batch(TABLE)?;
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check == "ok" { Ok(connection) } else { Err(rusqlite::Error::InvalidQuery) }
}

#[cfg(test)]
mod tests {
    use suitesync_contract::ObjectId;
    use suitesync_suites::{FileKind, ProjectFile};

    use super::*;

    fn project(number: u8) -> (FileToParse, Parse) {
        let file = FileToParse { kind: FileKind::Project, blob: ObjectId::from_bytes([number; 20]) };
        (file, Parse::Project(ProjectFile { name: number.to_string() }))
    }

    #[test]
    fn what_was_kept_is_found_by_its_kind_and_blob() {
        let folder = tempfile::tempdir().unwrap();
        let parses = Parses::open(&folder.path().join("parses")).unwrap();
        parses.keep(&[project(1), project(2)]).unwrap();
        let other_kind = FileToParse { kind: FileKind::Case, ..project(2).0 };
        let found = parses.find(&[project(1).0, other_kind, project(3).0], &Allowance::default()).unwrap();
        assert_eq!(found, HashMap::from([project(1)]));
    }

    #[test]
    fn what_was_not_kept_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let parses = Parses::open(&folder.path().join("parses")).unwrap();
        parses.keep(&[project(1)]).unwrap();
        assert_eq!(parses.unknown(&HashSet::from([project(1).0, project(2).0])).unwrap(), [project(2).0]);
    }

    #[test]
    fn no_more_is_found_than_may_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        let parses = Parses::open(&folder.path().join("parses")).unwrap();
        parses.keep(&[project(1), project(2)]).unwrap();
        assert!(parses.find(&[project(1).0, project(2).0], &Allowance::of(1)).unwrap().is_empty());
    }

    #[test]
    fn a_store_of_another_format_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parses");
        let older = Connection::open(&path).unwrap();
        older
            .execute_batch("CREATE TABLE parse (kind TEXT, parse TEXT); INSERT INTO parse VALUES ('x', '{}')")
            .unwrap();
        drop(older);
        Parses::open(&path).unwrap().keep(&[project(1)]).unwrap();
        assert_eq!(Parses::open(&path).unwrap().find(&[project(1).0], &Allowance::default()).unwrap().len(), 1);
    }

    #[test]
    fn a_row_that_cannot_be_read_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let parses = Parses::open(&folder.path().join("parses")).unwrap();
        parses.keep(&[project(1)]).unwrap();
        parses.with(|connection| connection.execute("UPDATE parse SET parse = x'FF'", [])).unwrap();
        assert!(parses.find(&[project(1).0], &Allowance::default()).unwrap().is_empty());
    }

    /// Damages a store that is in use as `damage` does it to its file.
    #[track_caller]
    fn check_damaged(damage: impl Fn(&Path)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parses");
        let parses = Parses::open(&path).unwrap();
        parses.keep(&[project(1)]).unwrap();
        let written = "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA shrink_memory";
        parses.with(|connection| connection.execute_batch(written)).unwrap();
        damage(&path);
        assert!(parses.find(&[project(1).0], &Allowance::default()).unwrap().is_empty());
        parses.keep(&[project(2)]).unwrap();
        assert_eq!(parses.find(&[project(2).0], &Allowance::default()).unwrap().len(), 1);
        drop(parses);
        assert_eq!(Parses::open(&path).unwrap().find(&[project(2).0], &Allowance::default()).unwrap().len(), 1);
    }

    #[test]
    fn a_store_that_is_damaged_while_it_is_used_is_made_anew() {
        check_damaged(|path| std::fs::write(path, vec![b'x'; 20_000]).unwrap());
        check_damaged(|path| {
            let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, &[0xFF; 4096], 4096).unwrap();
        });
    }

    #[test]
    fn a_store_that_has_grown_too_large_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let opened = Parses::open(&folder.path().join("parses")).unwrap();
        let empty = opened.with(|connection| bytes(connection)).unwrap();
        let parses = Parses { most_bytes: empty + 100_000, ..opened };
        let keep = |number, length| {
            let parse = Parse::Project(ProjectFile { name: "x".repeat(length) });
            parses.keep(&[(project(number).0, parse)]).unwrap();
            let count = "SELECT count(*) FROM parse";
            parses.with(|connection| connection.query_row(count, [], |row| row.get::<_, u32>(0))).unwrap()
        };
        assert_eq!([keep(1, 60_000), keep(2, 60_000), keep(3, 1)], [1, 2, 1]);
        assert_eq!(parses.with(|connection| bytes(connection)).unwrap(), empty);
    }
}
