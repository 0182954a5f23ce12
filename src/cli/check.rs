//! `check`: validates the configuration, without an agent.

use serde::Serialize;

use super::fault::{Exit, Fault};
use super::look::Look;
use super::screen::Screen;
use super::wording::{count, escaped_lines};
use crate::config::{self, Diagnostic, Environment, Loaded, Location};

/// What `--json` shows.
#[derive(Debug, Serialize)]
struct Verdict<'a> {
    ok: bool,
    diagnostics: &'a [Diagnostic],
}

pub(super) fn run(location: &Location, environment: &Environment, screen: &mut Screen) -> Result<Exit, Fault> {
    let loaded = config::load(location, environment);
    let ok = loaded.config.is_some();
    let verdict = Verdict { ok, diagnostics: &loaded.diagnostics };
    screen.show(&verdict, |_, look| render(&loaded, look))?;
    Ok(if ok { Exit::Done } else { Exit::Usage })
}

/// Every diagnostic, and a last line with the verdict.
fn render(loaded: &Loaded, look: &Look) -> String {
    let mut text = String::new();
    for diagnostic in &loaded.diagnostics {
        text.push_str(&format!("{}\n\n", escaped_lines(&diagnostic.render())));
    }
    let errors = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = loaded.diagnostics.len() - errors;
    let faults = format!("{}, {}", count(errors as u64, "error"), count(warnings as u64, "warning"));
    let verdict = match &loaded.config {
        None => format!("{} {faults}", look.marks.bad()),
        Some(_) if warnings > 0 => faults,
        Some(config) => {
            let connections = count(config.connections.len() as u64, "connection");
            let links = count(config.links.len() as u64, "link");
            format!("{} the configuration is valid: {connections}, {links}", look.marks.good())
        }
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
        let text = plain(&render(&config::load(&Location::new(&file), &environment), &look()));
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
