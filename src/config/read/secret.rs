//! Where secrets come from: `[secrets.NAME]`, and the source tables that stand where a secret is wanted.

use suitesync_contract::{SecretName, SecretRef};
use toml::de::DeValue;

use super::{Context, NAME_HELP};
use crate::config::keys;
use crate::config::place::{Place, Placed};
use crate::config::report::Finding;
use crate::config::secrets::is_credential_name;
use crate::config::section::{Section, Value, placed};
use crate::config::settings::SecretSource;

/// The keys that name a source by themselves.
const SOURCES: [&str; 4] = ["env", "file", "credential", "command"];

/// The same, and the name of a declared source.
const REFERENCES: [&str; 5] = ["secret", "env", "file", "credential", "command"];

/// A declared name, if it is one, with what is declared, if that is sound.
type Declaration<T> = (Option<Placed<SecretName>>, Option<T>);

/// All tables `[secrets.NAME]` of a file, each read by `read`.
pub(super) fn read_declarations<'r, T>(
    top: &Section<'r>,
    read: impl Fn(&Section<'r>, Value<'r>) -> Option<T>,
) -> Vec<Declaration<T>> {
    let Some(value) = top.value("secrets") else { return Vec::new() };
    let Some(table) = value.value.as_table() else {
        refuse_literal(top, value, "secrets");
        return Vec::new();
    };
    let declaration = |(name, source): (&toml::Spanned<std::borrow::Cow<'_, str>>, _)| {
        let place = Place::new(top.place.file, name.span());
        (parse_name(top, Placed::new(name.get_ref().as_ref(), place)), read(top, placed(top.place.file, source)))
    };
    table.iter().map(declaration).collect()
}

fn parse_name(top: &Section<'_>, name: Placed<&str>) -> Option<Placed<SecretName>> {
    match name.value.parse() {
        Ok(parsed) => Some(Placed::new(parsed, name.place)),
        Err(fault) => {
            top.report
                .add(Finding::error(name.place, format!("the secret's name is not usable: {fault}")).help(NAME_HELP));
            None
        }
    }
}

/// What a table of the agent's configuration says.
pub(super) fn read_source<'r>(top: &Section<'r>, value: Value<'r>) -> Option<SecretSource> {
    source_of(&open_declaration(top, value, &keys::SECRET_TABLE)?)
}

/// A table that declares a secret, with these keys.
pub(super) fn open_declaration<'r>(
    top: &Section<'r>,
    value: Value<'r>,
    keys: &'static keys::Keys,
) -> Option<Section<'r>> {
    if !matches!(value.value, DeValue::Table(_)) {
        refuse_literal(top, value, "secrets");
        return None;
    }
    Section::open(top.report, value, keys)
}

/// The one source that a declaration names.
pub(super) fn source_of(section: &Section<'_>) -> Option<SecretSource> {
    match only_source(section, &SOURCES)? {
        "env" => variable(section).map(SecretSource::Env),
        "credential" => credential(section).map(SecretSource::Credential),
        "command" => command(section).map(SecretSource::Command),
        _ => section.path("file").map(|path| SecretSource::File(path.value)),
    }
}

/// The reference that stands under `key`; a text there is the path of a file.
pub(super) fn read_file_or_reference(section: &Section<'_>, key: &str, context: &Context<'_>) -> Option<SecretRef> {
    let value = section.value(key)?;
    let Some(text) = value.value.as_str() else { return read_reference(section, key, context) };
    if text.contains('\n') || text.starts_with("-----BEGIN") {
        refuse_literal(section, value, key);
        return None;
    }
    let path = section.path(key)?;
    let reference = SecretRef::File(path.value.to_string_lossy().into_owned());
    context.secrets_used.borrow_mut().push(Placed::new(reference.clone(), path.place));
    Some(reference)
}

/// The reference that stands under `key`.
pub(super) fn read_reference(section: &Section<'_>, key: &str, context: &Context<'_>) -> Option<SecretRef> {
    let value = section.value(key)?;
    if !matches!(value.value, DeValue::Table(_)) {
        refuse_literal(section, value, key);
        return None;
    }
    read_reference_table(section, value, context)
}

/// The reference that a table says.
pub(super) fn read_reference_table<'r>(
    section: &Section<'r>,
    value: Value<'r>,
    context: &Context<'_>,
) -> Option<SecretRef> {
    let source = Section::open(section.report, value, &keys::SECRET_REFERENCE)?;
    let kind = only_source(&source, &REFERENCES)?;
    let reference = match kind {
        "secret" => SecretRef::Secret(declared_name(&source)?),
        "env" => SecretRef::Env(variable(&source)?),
        "credential" => SecretRef::Credential(credential(&source)?),
        "command" => SecretRef::Command(command(&source)?),
        _ => SecretRef::File(source.path("file")?.value.to_string_lossy().into_owned()),
    };
    let place = source.value(kind)?.place;
    context.secrets_used.borrow_mut().push(Placed::new(reference.clone(), place));
    Some(reference)
}

/// A value that is no name is not repeated: it may be the secret itself.
fn declared_name(source: &Section<'_>) -> Option<SecretName> {
    let name = source.text("secret")?;
    match name.value.parse() {
        Ok(parsed) => Some(parsed),
        Err(_) => {
            let finding = Finding::error(name.place, "`secret` is not the name of a [secrets.NAME] table");
            source.report.add(finding.help(NAME_HELP));
            None
        }
    }
}

fn variable(section: &Section<'_>) -> Option<String> {
    let name = section.text("env")?;
    if name.value.is_empty() || name.value.contains(['=', '\0']) {
        let finding = Finding::error(name.place, "`env` is not the name of an environment variable");
        section.report.add(finding.help("write the variable's name, such as \"CONTOSO_PAT\""));
        return None;
    }
    Some(name.value.to_owned())
}

/// A text that is no name is not repeated: it may be the secret itself.
fn credential(section: &Section<'_>) -> Option<String> {
    let name = section.text("credential")?;
    if !is_credential_name(name.value) || name.value.contains(char::is_control) {
        let finding = Finding::error(name.place, "`credential` is not the name of a credential of systemd");
        section.report.add(finding.help("write the name that stands in the unit: LoadCredential=NAME:/path"));
        return None;
    }
    Some(name.value.to_owned())
}

/// Program and arguments; nothing of them is repeated.
fn command(section: &Section<'_>) -> Option<Vec<String>> {
    let place = section.value("command")?.place;
    let words: Vec<_> = section.texts("command")?.into_iter().map(|word| word.value.to_owned()).collect();
    let is_absolute = words.first().is_some_and(|program| program.starts_with('/'));
    if !is_absolute || words.iter().any(|word| word.contains('\0')) {
        let finding = Finding::error(place, "`command` does not begin with the absolute path of a program");
        section.report.add(
            finding.help(
                "write [\"/usr/bin/PROGRAM\", \"ARGUMENT\"]: it is started without a shell, and prints the secret",
            ),
        );
        return None;
    }
    Some(words)
}

fn only_source(section: &Section<'_>, sources: &[&'static str]) -> Option<&'static str> {
    let source = section.only_one_of(sources);
    if source.is_none() && !section.has_other_keys() {
        let list = sources.iter().map(|source| format!("`{source}`")).collect::<Vec<_>>().join(", ");
        section.report.add(Finding::error(section.place, "the secret has no source").help(format!("one of {list}")));
    }
    source
}

fn refuse_literal(section: &Section<'_>, value: Value<'_>, key: &str) {
    let finding = Finding::error(value.place, format!("`{key}` holds a value where the source of a secret is wanted"));
    section.report.add(finding.help(
        "secrets do not stand in the configuration: write { env = \"NAME\" }, { file = \"/path\" }, { credential = \"NAME\" } or { command = [\"/path\"] }, or { secret = \"NAME\" } with a [secrets.NAME] table",
    ));
}
