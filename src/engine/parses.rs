//! The parses of files, remembered by kind and blob, so that a file seen once is never parsed again.
//!
//! A store of its own beside the mirrors: it can be thrown away at any time and is then made anew.

use std::path::Path;
use std::sync::Mutex;

use rusqlite::{Connection, OptionalExtension};
use suitesync_contract::ObjectId;
use suitesync_suites::{FileKind, PARSER_VERSION, Parse};

/// What was parsed before.
#[derive(Debug)]
pub struct Parses {
    connection: Mutex<Connection>,
}

/// The store failed; it holds nothing that cannot be found again.
#[derive(Debug, thiserror::Error)]
pub enum ParsesError {
    #[error("failed to use the store of parses")]
    Sqlite(#[from] rusqlite::Error),
    #[error("failed to write a parse")]
    Encode(#[from] serde_json::Error),
    #[error("the store of parses was left in the middle of a write")]
    Poisoned,
}

impl Parses {
    /// Opens the store; one that cannot be read is made anew.
    pub fn open(path: &Path) -> Result<Self, ParsesError> {
        let connection = prepare(path).or_else(|error| {
            tracing::warn!(%error, "the store of parses cannot be read and is made anew");
            for ending in ["", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(ending);
                // What is not there needs no removal; what cannot be removed fails below.
                let _ = std::fs::remove_file(name);
            }
            prepare(path)
        })?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// The parse of a blob, if it was seen before by this version of the parser.
    pub fn find(&self, kind: FileKind, blob: ObjectId) -> Result<Option<Parse>, ParsesError> {
        let connection = self.connection.lock().map_err(|_| ParsesError::Poisoned)?;
        let mut statement =
            connection.prepare_cached("SELECT parse FROM parse WHERE kind = ?1 AND blob = ?2 AND version = ?3")?;
        let found: Option<String> =
            statement.query_row((kind.code(), blob.as_bytes(), PARSER_VERSION), |row| row.get(0)).optional()?;
        // What an interrupted write or another build left unreadable is parsed again.
        Ok(found.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Remembers many at once.
    pub fn keep(&self, parses: &[(FileKind, ObjectId, Parse)]) -> Result<(), ParsesError> {
        let mut connection = self.connection.lock().map_err(|_| ParsesError::Poisoned)?;
        let transaction = connection.transaction()?;
        {
            let mut statement = transaction
                .prepare_cached("INSERT OR REPLACE INTO parse (kind, blob, version, parse) VALUES (?1, ?2, ?3, ?4)")?;
            for (kind, blob, parse) in parses {
                statement.execute((kind.code(), blob.as_bytes(), PARSER_VERSION, serde_json::to_string(parse)?))?;
            }
        }
        Ok(transaction.commit()?)
    }
}

fn prepare(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS parse (
             kind TEXT NOT NULL, blob BLOB NOT NULL, version INTEGER NOT NULL, parse TEXT NOT NULL,
             PRIMARY KEY (kind, blob)
         ) STRICT, WITHOUT ROWID",
    )?;
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check == "ok" { Ok(connection) } else { Err(rusqlite::Error::InvalidQuery) }
}
