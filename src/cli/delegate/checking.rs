//! `delegate check`: validates the file of a delegate that runs by itself, without an agent.

use crate::cli::arguments::Globals;
use crate::cli::check::conclude;
use crate::cli::fault::{Exit, Fault};
use crate::cli::screen::Screen;
use crate::cli::wording::count;
use crate::config::{self, DelegateFile, Environment};

pub(in crate::cli) fn run(globals: &Globals, environment: &Environment, screen: &mut Screen) -> Result<Exit, Fault> {
    let Some(path) = &globals.config else {
        let hint = "name it: `suitesync delegate check --config /etc/suitesync-delegate/delegate.toml`";
        return Err(Fault::Usage { message: "there is no file to check".to_owned(), hint: hint.to_owned() });
    };
    let loaded = config::load_delegate_file(path, environment);
    conclude(&loaded.diagnostics, loaded.file.as_ref().map(content), screen)
}

fn content(file: &DelegateFile) -> String {
    let secrets = count(file.secrets.len() as u64, "secret");
    match &file.station {
        Some(station) => {
            let (name, agent) = (&station.delegate.name, &station.agent);
            format!("the file is valid: delegate {name} of agent {agent}, {secrets}")
        }
        None => format!("the file is valid: a delegate of an agent on this host, {secrets}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::render;
    use crate::cli::look::tests::{look, plain};

    fn rendered(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("delegate.toml");
        std::fs::write(&path, text).unwrap();
        let loaded = config::load_delegate_file(&path, &Environment::of([("PAT", "p")]));
        let shown = render(&loaded.diagnostics, loaded.file.as_ref().map(content).as_deref(), &look());
        plain(&shown).replace(&path.display().to_string(), "delegate.toml")
    }

    #[test]
    fn a_valid_file_is_told_with_whose_delegate_it_makes() {
        let secret = "[secrets.pat]\nenv = \"PAT\"\n";
        assert_eq!(rendered(secret), "✓ the file is valid: a delegate of an agent on this host, 1 secret\n");
        let remote = "[delegate]\nname = \"dc2\"\nagent = \"ci\"\n[remote]\nurl = \"tls://nats.example.org:4222\"\n";
        assert_eq!(rendered(remote), "✓ the file is valid: delegate dc2 of agent ci, 0 secrets\n");
    }

    #[test]
    fn every_fault_is_shown_with_its_line_and_the_key_that_was_meant() {
        insta::assert_snapshot!(rendered("[delegate]\nagnet = \"ci\"\n[remot]\n"), @r#"
        error: unknown key `agnet` in [delegate]
         --> delegate.toml:2:1
          |
        2 | agnet = "ci"
          | ^^^^^
          |
          = help: did you mean `agent`?

        error: unknown key `remot` in a delegate's file
         --> delegate.toml:3:2
          |
        3 | [remot]
          |  ^^^^^
          |
          = help: did you mean `remote`?

        ✗ 2 errors, 0 warnings
        "#);
    }
}
