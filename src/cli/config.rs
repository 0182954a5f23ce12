//! `config reload`.

use serde::Deserialize;
use serde_json::Value;

use super::arguments::ConfigCommand;
use super::fault::{Exit, Fault};
use super::look::{Look, Paint};
use super::route::Route;
use super::session::Session;
use super::wording::{count, escaped, escaped_lines};
use crate::config::Diagnostic;
use crate::engine::control::ReloadOutcome;

/// What people are told of a reload.
#[derive(Debug, Deserialize)]
struct Reload {
    outcome: ReloadOutcome,
    generation: u64,
    changes: Option<Differences>,
    diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Deserialize)]
struct Differences {
    connections: Changes,
    links: Changes,
    schedules: Changes,
    delegates: Changes,
    needs_restart: Vec<String>,
}

/// What became of the things of one kind: only how many count here.
#[derive(Debug, Deserialize)]
struct Changes {
    added: Vec<Value>,
    changed: Vec<Value>,
    removed: Vec<Value>,
}

pub(super) async fn run(command: &ConfigCommand, session: &mut Session) -> Result<Exit, Fault> {
    match command {
        ConfigCommand::Reload => reload(session).await,
    }
}

async fn reload(session: &mut Session) -> Result<Exit, Fault> {
    let report: Value = session.client.post(Route::of("config").then("reload")).await?;
    let reload = Reload::deserialize(&report).map_err(|source| Fault::NotUnderstood { source })?;
    session.screen.show(&report, |_, look| render(&reload, look))?;
    Ok(match reload.outcome {
        ReloadOutcome::Applied | ReloadOutcome::Unchanged => Exit::Done,
        ReloadOutcome::Rejected => Exit::Usage,
    })
}

fn render(reload: &Reload, look: &Look) -> String {
    let faults: String = reload.diagnostics.iter().map(|fault| escaped_lines(&fault.render()) + "\n\n").collect();
    let generation = reload.generation;
    let verdict = match reload.outcome {
        ReloadOutcome::Unchanged => format!("Nothing has changed: configuration {generation} goes on running.\n"),
        ReloadOutcome::Rejected => {
            format!("{} The files are faulty: configuration {generation} goes on running.\n", look.marks.bad())
        }
        ReloadOutcome::Applied => format!("{} Configuration {generation} is running.\n", look.marks.good()),
    };
    let changes = reload.changes.as_ref().map(told);
    faults + &verdict + &changes.unwrap_or_default()
}

fn told(changes: &Differences) -> String {
    let kinds = [
        ("connection", &changes.connections),
        ("link", &changes.links),
        ("schedule", &changes.schedules),
        ("delegate", &changes.delegates),
    ];
    let mut text: String = kinds.into_iter().filter_map(|(kind, changes)| of_one_kind(kind, changes)).collect();
    if !changes.needs_restart.is_empty() {
        let keys = escaped(&changes.needs_restart.join(", ")).into_owned();
        text.push_str(&format!("{} {keys}\n", Paint::Warning.on("counts after a restart only:")));
    }
    text
}

/// `  links: 1 added, 2 removed`.
fn of_one_kind(kind: &str, changes: &Changes) -> Option<String> {
    let words = [(&changes.added, "added"), (&changes.changed, "changed"), (&changes.removed, "removed")];
    let words = words.into_iter().filter(|(names, _)| !names.is_empty());
    let told: Vec<_> = words.map(|(names, word)| format!("{} {word}", count(names.len() as u64, kind))).collect();
    (!told.is_empty()).then(|| format!("  {}\n", told.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::look::tests::{look, plain};
    use super::*;

    fn rendered(report: Value) -> String {
        plain(&render(&serde_json::from_value(report).unwrap(), &look()))
    }

    #[test]
    fn a_reload_tells_what_it_changed() {
        let none = json!({"added": [], "changed": [], "removed": [], "unchanged": []});
        let links =
            json!({"added": ["a", "b"], "changed": [{"name": "c", "matters": true}], "removed": [], "unchanged": []});
        let schedules = json!({"added": [], "changed": [], "removed": ["nightly"], "unchanged": []});
        let mut changes = json!({"connections": none, "links": links, "schedules": schedules, "delegates": none});
        changes["needs_restart"] = json!(["agent.socket"]);
        let report = json!({"outcome": "applied", "generation": 3, "changes": changes, "diagnostics": []});
        insta::assert_snapshot!(rendered(report), @"
        ✓ Configuration 3 is running.
          2 links added, 1 link changed
          1 schedule removed
        counts after a restart only: agent.socket
        ");
    }

    #[test]
    fn faulty_files_are_told_with_their_place() {
        let place = json!({"file": "/c.toml", "line": 3, "column": 1});
        let mut fault = json!({"severity": "error", "message": "no such key", "help": null});
        fault.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
        let report = json!({"outcome": "rejected", "generation": 3, "changes": null, "diagnostics": [fault]});
        insta::assert_snapshot!(rendered(report), @"
        error: no such key
         --> /c.toml:3:1

        ✗ The files are faulty: configuration 3 goes on running.
        ");
    }
}
