//! What a listing asks for, as SQL: only the conditions that were asked for, so that the indices serve them.

use rusqlite::types::Value;

/// Conditions that all hold, with the values in them.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Wanted {
    /// The column has this value, where one was asked for.
    pub(super) fn equal<V: Into<Value>>(&mut self, column: &str, value: Option<V>) {
        self.with(&format!("{column} = ?"), value);
    }

    /// The condition holds for this value, a `?` in it, where one was asked for.
    pub(super) fn with<V: Into<Value>>(&mut self, condition: &str, value: Option<V>) {
        if let Some(value) = value {
            self.values.push(value.into());
            self.conditions.push(condition.replace('?', &format!("?{}", self.values.len())));
        }
    }

    /// The condition holds, where that was asked for.
    pub(super) fn that(&mut self, condition: &str, is_wanted: bool) {
        self.conditions.extend(is_wanted.then(|| condition.to_owned()));
    }

    /// The statement that selects the newest so many, newest first, and its values.
    pub(super) fn of(self, select: &str, order: &str, limit: Option<u32>) -> (String, Vec<Value>) {
        let (text, mut values) = self.all(select, &format!("{order} DESC"));
        values.push(limit.map_or(-1, i64::from).into());
        (format!("{text} LIMIT ?{}", values.len()), values)
    }

    /// The statement that selects all in this order, and its values.
    pub(super) fn all(self, select: &str, order: &str) -> (String, Vec<Value>) {
        let Self { conditions, values } = self;
        let conditions = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
        (format!("{select} WHERE {conditions} ORDER BY {order}"), values)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use rusqlite::params_from_iter;

    use super::*;

    /// Checks that a statement finds its rows by an index, as SQLite describes that; all that it says of it.
    pub(in crate::catalog) fn check_plan((text, values): (String, Vec<Value>), index: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let sql = super::super::open::writer(&folder.path().join("catalog.sqlite3")).unwrap();
        let mut statement = sql.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>("detail")).unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        assert!(steps.iter().any(|step| step.contains(index)), "{text}: {steps:#?}");
        steps
    }

    #[test]
    fn what_is_not_asked_for_is_no_condition() {
        let mut wanted = Wanted::default();
        wanted.equal("link", None::<String>);
        wanted.equal("schedule", Some("nightly".to_owned()));
        wanted.that("status = 'queued'", true);
        wanted.with("? IN (root, suite)", Some("Smoke".to_owned()));
        let (text, values) = wanted.of("SELECT * FROM run", "id", Some(5));
        assert_eq!(
            text,
            "SELECT * FROM run WHERE schedule = ?1 AND status = 'queued' AND ?2 IN (root, suite) ORDER BY id DESC LIMIT ?3"
        );
        assert_eq!(values, [Value::Text("nightly".to_owned()), Value::Text("Smoke".to_owned()), Value::Integer(5)]);
    }
}
