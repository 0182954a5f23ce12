//! The variables that a schedule gives its runs: texts, and sources of secrets.

use std::collections::BTreeMap;

use suitesync_contract::{EnvironmentValue, SecretRef};
use toml::de::DeValue;

use crate::config::place::{Place, Placed};
use crate::config::read::Context;
use crate::config::read::secret::read_reference_table;
use crate::config::report::Finding;
use crate::config::section::{Section, Value, kind, placed};

/// Variables that every run is given, and that nobody else sets.
const OWN_PREFIX: &str = "SUITESYNC_";

/// How the name of a variable ends whose value is a secret more often than not.
const SECRET_ENDINGS: [&str; 6] = ["PASSWORD", "PASSPHRASE", "SECRET", "TOKEN", "PAT", "API_KEY"];

pub(super) fn read(section: &Section<'_>, context: &Context<'_>) -> BTreeMap<String, EnvironmentValue> {
    let mut variables = BTreeMap::new();
    let Some(value) = section.value("environment") else { return variables };
    let Some(table) = value.value.as_table() else {
        section.refuse_kind("environment", value, "a table, such as { STAGE = \"qa\" }");
        return variables;
    };
    for (name, value) in table {
        let name = Placed::new(name.get_ref().as_ref(), Place::new(section.place.file, name.span()));
        check_name(section, name);
        if let Some(value) = read_value(section, name, placed(section.place.file, value), context) {
            variables.insert(name.value.to_owned(), value);
        }
    }
    variables
}

fn check_name(section: &Section<'_>, name: Placed<&str>) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_variable = !name.value.starts_with(|c: char| c.is_ascii_digit())
        && !name.value.is_empty()
        && name.value.chars().all(is_part);
    if !is_variable {
        let finding = Finding::error(name.place, format!("`{}` is not the name of a variable", name.value));
        section.report.add(finding.help("letters, digits and `_`, and no digit first"));
    } else if name.value.to_ascii_uppercase().starts_with(OWN_PREFIX) {
        let finding = Finding::error(name.place, format!("`{}` is not to be set here", name.value));
        section.report.add(finding.help("suitesync sets the variables that begin with SUITESYNC_ for each run"));
    }
}

fn read_secret<'r>(section: &Section<'r>, value: Value<'r>, context: &Context<'_>) -> Option<SecretRef> {
    let before = context.secrets_used.borrow().len();
    let reference = read_reference_table(section, value, context);
    let given = context.secrets_used.borrow_mut().split_off(before);
    context.secrets_given.borrow_mut().extend(given);
    reference
}

fn read_value<'r>(
    section: &Section<'r>,
    name: Placed<&str>,
    value: Value<'r>,
    context: &Context<'_>,
) -> Option<EnvironmentValue> {
    let text = match value.value {
        DeValue::Table(_) => return read_secret(section, value, context).map(EnvironmentValue::Secret),
        DeValue::String(text) => text,
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) => {
            let message = format!("`{}` is a text or the source of a secret, not {}", name.value, kind(value.value));
            section.report.add(Finding::error(value.place, message).help("write it in quotes"));
            return None;
        }
    };
    if text.contains('\0') {
        let finding = Finding::error(value.place, format!("`{}` holds a NUL character", name.value));
        section.report.add(finding.help("remove it: no program can be given one"));
    }
    if !text.is_empty() && is_named_as_secret(name.value) {
        let finding = Finding::warning(value.place, format!("the value of `{}` looks like a secret", name.value));
        section.report.add(finding.help(
            "secrets do not stand in the configuration: write { env = \"NAME\" } or another source, such as { secret = \"NAME\" }",
        ));
    }
    Some(EnvironmentValue::Plain(text.to_string()))
}

fn is_named_as_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let is_ending = |rest: &str| rest.is_empty() || rest.ends_with('_');
    SECRET_ENDINGS.iter().any(|ending| name.strip_suffix(ending).is_some_and(is_ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_hold_a_secret_are_known_by_their_last_words() {
        for name in ["PASSWORD", "DB_PASSWORD", "github_token", "AZURE_PAT", "X_API_KEY"] {
            assert!(is_named_as_secret(name), "{name}");
        }
        for name in ["PATH", "TOKEN_URL", "STAGE", "COMPAT", "KEY"] {
            assert!(!is_named_as_secret(name), "{name}");
        }
    }
}
