//! How values stand in columns: times as milliseconds, ids as text, records as JSON.

use chrono::{DateTime, TimeZone, Utc};
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Result;

pub(super) fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

/// An id as SQLite has it.
pub(super) fn signed(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

fn invalid<E: std::error::Error + Send + Sync + 'static>(column: usize, error: E) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

/// A field out of range, such as a time that no calendar has.
#[derive(Debug, thiserror::Error)]
#[error("the value is out of range")]
struct OutOfRange;

/// Reading columns by name.
pub(super) trait Columns {
    fn time(&self, name: &str) -> rusqlite::Result<Option<DateTime<Utc>>>;
    fn decoded<T: DeserializeOwned>(&self, name: &str) -> rusqlite::Result<T>;
    fn decoded_opt<T: DeserializeOwned>(&self, name: &str) -> rusqlite::Result<Option<T>>;
    /// A value whose JSON form is a plain string: a name, an id, a code.
    fn word<T: DeserializeOwned>(&self, name: &str) -> rusqlite::Result<T>;
    fn word_opt<T: DeserializeOwned>(&self, name: &str) -> rusqlite::Result<Option<T>>;
}

impl Columns for Row<'_> {
    fn time(&self, name: &str) -> rusqlite::Result<Option<DateTime<Utc>>> {
        let millis: Option<i64> = self.get(name)?;
        millis.map(|millis| Utc.timestamp_millis_opt(millis).single().ok_or_else(|| invalid(0, OutOfRange))).transpose()
    }

    fn decoded<T: DeserializeOwned>(&self, name: &str) -> rusqlite::Result<T> {
        let text: String = self.get(name)?;
        serde_json::from_str(&text).map_err(|error| invalid(0, error))
    }

    fn decoded_opt<T: DeserializeOwned>(&self, name: &str) -> rusqlite::Result<Option<T>> {
        let text: Option<String> = self.get(name)?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| invalid(0, error))).transpose()
    }

    fn word<T: DeserializeOwned>(&self, name: &str) -> rusqlite::Result<T> {
        let text: String = self.get(name)?;
        T::deserialize(serde_json::Value::String(text)).map_err(|error| invalid(0, error))
    }

    fn word_opt<T: DeserializeOwned>(&self, name: &str) -> rusqlite::Result<Option<T>> {
        let text: Option<String> = self.get(name)?;
        text.map(|text| T::deserialize(serde_json::Value::String(text)).map_err(|error| invalid(0, error))).transpose()
    }
}
