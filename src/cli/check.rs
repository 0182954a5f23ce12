//! `check`: validates the configuration, without an agent.

use serde::Serialize;

use super::fault::{Exit, Fault};
use super::look::Look;
use super::screen::Screen;
use super::wording::{count, escaped_lines};
use crate::config::{self, Config, Diagnostic, Environment, Location};

/// What `--json` shows.
#[derive(Debug, Serialize)]
struct Verdict<'a> {
    ok: bool,
    diagnostics: &'a [Diagnostic],
}

pub(super) fn run(location: &Location, environment: &Environment, screen: &mut Screen) -> Result<Exit, Fault> {
    let loaded = config::load(location, environment);
    conclude(&loaded.diagnostics, loaded.config.as_ref().map(content), screen)
}

fn content(config: &Config) -> String {
    let connections = count(config.connections.len() as u64, "connection");
    let links = count(config.links.len() as u64, "link");
    format!("the configuration is valid: {connections}, {links}")
}

/// Shows what was found of a configuration, with `content` where it can be used.
pub(super) fn conclude(
    diagnostics: &[Diagnostic],
    content: Option<String>,
    screen: &mut Screen,
) -> Result<Exit, Fault> {
    let verdict = Verdict { ok: content.is_some(), diagnostics };
    screen.show(&verdict, |_, look| render(diagnostics, content.as_deref(), look))?;
    Ok(if content.is_some() { Exit::Done } else { Exit::Usage })
}

/// Every diagnostic, and a last line with the verdict.
pub(super) fn render(diagnostics: &[Diagnostic], content: Option<&str>, look: &Look) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&format!("{}\n\n", escaped_lines(&diagnostic.render())));
    }
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = diagnostics.len() - errors;
    let faults = format!("{}, {}", count(errors as u64, "error"), count(warnings as u64, "warning"));
    let verdict = match content {
        None => format!("{} {faults}", look.marks.bad()),
        Some(_) if warnings > 0 => faults,
        Some(content) => format!("{} {content}", look.marks.good()),
    };
    text + &verdict + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::look::tests::{look, plain};
    use super::*;

    fn rendered(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("suitesync.toml");
        std::fs::write(&file, text).unwrap();
        let environment = Environment::of([("HOME", "/home/u")]);
        let loaded = config::load(&Location::new(&file), &environment);
        let text = plain(&render(&loaded.diagnostics, loaded.config.as_ref().map(content).as_deref(), &look()));
        text.replace(&file.display().to_string(), "suitesync.toml")
    }

    #[test]
    fn a_valid_configuration_is_told_with_its_size() {
        assert_eq!(rendered(""), "✓ the configuration is valid: 0 connections, 0 links\n");
    }

    #[test]
    fn every_fault_is_shown_with_its_line() {
        insta::assert_snapshot!(rendered("[agent]\nsokcet = \"/s\"\n"), @r#"
        error: unknown key `sokcet` in [agent]
         --> suitesync.toml:2:1
          |
        2 | sokcet = "/s"
          | ^^^^^^
          |
          = help: did you mean `socket`?

        ✗ 1 error, 0 warnings
        "#);
    }
}
