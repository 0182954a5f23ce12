//! Opening the store: settings, migrations with a copy before each, and the refusal of what a newer version wrote.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{CatalogError, Result};

mod migrations {
    refinery::embed_migrations!("src/catalog/migrations");
}

/// How long to wait for another process that reads or copies the file.
const BUSY: Duration = Duration::from_secs(5);

/// Page cache a connection, in KiB (negative: SQLite's way to say so).
const CACHE_KIB: i64 = -8192;

pub(super) fn writer(path: &Path) -> Result<Connection> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", CACHE_KIB)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    let mut connection = open().map_err(|source| CatalogError::Open { path: path.to_owned(), source })?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

pub(super) fn reader(path: &Path) -> Result<Connection> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().map_err(|source| CatalogError::Open { path: path.to_owned(), source })
}

/// Brings the schema to this version. Before a step that changes an existing store a copy is laid beside it.
fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let runner = migrations::migrations::runner();
    let known = runner.get_migrations().iter().map(refinery::Migration::version).max().unwrap_or(0);
    let found = applied_version(connection)?;
    if found > known {
        return Err(CatalogError::Newer { path: path.to_owned(), found, known });
    }
    if found > 0 && found < known {
        let copy = path.with_extension(format!("before-v{known}.sqlite3"));
        if !copy.exists() {
            lay_copy(connection, &copy)?;
        }
    }
    runner
        .run(connection)
        .map(|_| ())
        .map_err(|source| CatalogError::Migrate { path: path.to_owned(), source: Box::new(source) })
}

/// Copies the store to `copy`. Only a copy that is whole has that name: what was cut off before is made anew.
fn lay_copy(connection: &Connection, copy: &Path) -> Result<()> {
    let told = |source| CatalogError::Copy { path: copy.to_owned(), source };
    let part = copy.with_extension("sqlite3.part");
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(told(error)),
        Ok(()) | Err(_) => {}
    }
    connection.execute("VACUUM INTO ?1", [part.to_string_lossy()])?;
    keep(&part, copy).map_err(told)
}

/// Gives a file its name once it is on the disk.
fn keep(part: &Path, name: &Path) -> io::Result<()> {
    File::open(part)?.sync_all()?;
    fs::rename(part, name)?;
    name.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn applied_version(connection: &Connection) -> Result<i32> {
    let history = "SELECT count(*) FROM sqlite_master WHERE name = 'refinery_schema_history'";
    if connection.query_row(history, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(0);
    }
    let version = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    Ok(connection.query_row(version, [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_made_once_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite3");
        drop(writer(&path).unwrap());
        let again = writer(&path).unwrap();
        assert!(applied_version(&again).unwrap() >= 1);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1 + usize::from(path.with_extension("sqlite3-wal").exists())
                + usize::from(path.with_extension("sqlite3-shm").exists())
        );
    }

    #[test]
    fn a_copy_that_was_cut_off_is_made_anew_before_the_schema_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite3");
        let migrations = migrations::migrations::runner();
        let known = migrations.get_migrations().iter().map(refinery::Migration::version).max().unwrap();
        let before = migrations::migrations::runner().set_target(refinery::Target::Version(known - 1));
        before.run(&mut Connection::open(&path).unwrap()).unwrap();
        let copy = path.with_extension(format!("before-v{known}.sqlite3"));
        let part = copy.with_extension("sqlite3.part");
        fs::write(&part, b"cut off").unwrap();
        assert_eq!(applied_version(&writer(&path).unwrap()).unwrap(), known);
        assert_eq!(applied_version(&Connection::open(copy).unwrap()).unwrap(), known - 1);
        assert!(!part.exists());
    }

    #[test]
    fn what_a_newer_version_wrote_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.sqlite3");
        let connection = writer(&path).unwrap();
        connection
            .execute("INSERT INTO refinery_schema_history VALUES (999, 'later', '2030-01-01T00:00:00Z', '1')", [])
            .unwrap();
        drop(connection);
        assert!(matches!(writer(&path), Err(CatalogError::Newer { found: 999, .. })));
    }
}
