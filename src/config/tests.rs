//! Loads made-up configurations from temporary folders.

mod api;
mod certificates;
mod client_certificates;
mod connections;
mod delegate_files;
mod delegates;
mod difference;
mod files;
mod links;
mod plugins;
mod proxies;
mod remote;
mod rendering;
mod schedules;
mod secrets;
mod settings;
mod sizes;
mod ssh;
mod watching;

use std::path::Path;

use tempfile::TempDir;

use super::{Config, Diagnostic, Environment, Loaded, Location, load};

/// A connection that is in order, for links to stand below.
const CONNECTION: &str = r#"
[[connection]]
name = "contoso"
provider = "azure-repos"
url = "https://dev.azure.com/contoso/payments"
url_type = "project"
test_repository = "checkout"
"#;

/// A link that is in order, below `CONNECTION`.
const LINK: &str = r#"
[[link]]
name = "checkout-tests"
connection = "contoso"
url = "https://dev.azure.com/contoso/payments/_git/checkout"
"#;

/// A schedule that is in order, of `LINK`.
const SCHEDULE: &str = r#"
[[schedule]]
name = "nightly"
link = "checkout-tests"
cron = "@daily"
suites = ["Test Suites/*"]
command = ["katalonc", "-projectPath={root}", "{suite}"]
"#;

fn environment() -> Environment {
    Environment::of([("STATE_DIRECTORY", "/var/lib/suitesync"), ("PAT", "hunter2")])
}

/// A folder with these files; the main one is `suitesync.toml`.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| write(folder.path(), name, text));
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn load_from(folder: &Path) -> Loaded {
    load(&Location::new(folder.join("suitesync.toml")), &environment())
}

/// What a text means in these surroundings.
fn load_with<'v>(text: &str, variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Loaded {
    let folder = folder(&[("suitesync.toml", text)]);
    let variables = [("STATE_DIRECTORY", "/var/lib/suitesync")].into_iter().chain(variables);
    load(&Location::new(folder.path().join("suitesync.toml")), &Environment::of(variables))
}

fn diagnostics(text: &str) -> Vec<Diagnostic> {
    load_from(folder(&[("suitesync.toml", text)]).path()).diagnostics
}

/// The one configuration that a text means, which must be in order.
fn config(text: &str) -> Config {
    let loaded = load_from(folder(&[("suitesync.toml", text)]).path());
    loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

/// Severity, line, column, message and help of everything that is wrong with a text, a line each.
fn problems(text: &str) -> String {
    diagnostics(text).iter().map(line).collect::<Vec<_>>().join("\n")
}

fn line(diagnostic: &Diagnostic) -> String {
    let Diagnostic { severity, line, column, message, help, .. } = diagnostic;
    let word = if diagnostic.is_error() { "error" } else { "warning" };
    assert_eq!(format!("{severity:?}").to_lowercase(), word);
    format!("{word} {line}:{column} {message} [{}]", help.as_deref().unwrap_or_default())
}

/// Whether exactly these errors are found, warnings aside: their messages, in order.
#[track_caller]
fn check_errors(text: &str, expect: &[&str]) {
    let found = diagnostics(text);
    let errors: Vec<_> = found.iter().filter(|d| d.is_error()).map(|d| d.message.as_str()).collect();
    assert_eq!(errors, expect, "in {text}");
}
