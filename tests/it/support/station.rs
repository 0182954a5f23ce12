//! Delegates as they are on another host: processes of their own that know NATS, their file and nothing of the agent's.

use std::path::PathBuf;
use std::process::Command;

use super::nats::Nats;
use super::{RunningStation, Site, TOKEN, find, wait_for};

/// What the file of a delegate says.
pub(crate) struct StationFile<'a> {
    pub(crate) name: &'a str,
    /// Of NATS, as the delegate sees it.
    pub(crate) url: String,
    /// Lines of `[delegate]`.
    pub(crate) lines: String,
}

impl Site {
    /// The file of a delegate that has the tag `elsewhere`, and may send the site's token to its server.
    pub(crate) fn station_file(&self, file: &StationFile<'_>) -> PathBuf {
        let StationFile { name, url, lines } = file;
        let text = format!(
            "[delegate]\nagent = \"test\"\nname = \"{name}\"\ntags = [\"elsewhere\"]\nstate_dir = {:?}\n{lines}\n\
             [secrets.token]\nenv = \"ELSEWHERE\"\nhosts = [\"{}\"]\n\
             [remote]\nurl = \"{url}\"\nnkey = {{ file = {:?} }}\nadditional_certs_path = {:?}\n",
            self.path(&format!("{name}-state")),
            self.server.address(),
            self.path("delegate.nk"),
            self.path("nats-ca.pem"),
        );
        let path = self.path(&format!("{name}.toml"));
        super::replace(&path, &text);
        path
    }

    /// Starts a delegate that finds NATS where it is.
    pub(crate) fn station(&self, nats: &Nats, name: &str) -> RunningStation {
        self.start_station(&StationFile { name, url: nats.url(), lines: String::new() })
    }

    pub(crate) fn start_station(&self, file: &StationFile<'_>) -> RunningStation {
        let path = self.station_file(file);
        self.spawn_station(&path, file.name)
    }

    /// Starts one by the file that it had before.
    pub(crate) fn restart_station(&self, name: &str) -> RunningStation {
        self.spawn_station(&self.path(&format!("{name}.toml")), name)
    }

    fn spawn_station(&self, file: &std::path::Path, name: &str) -> RunningStation {
        let mut command = Command::new(env!("CARGO_BIN_EXE_suitesync"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.folder.path());
        command.env("ELSEWHERE", TOKEN).args(["delegate", "run", "--config"]).arg(file);
        RunningStation::spawn(&mut command, &self.path(&format!("{name}.log")))
    }

    /// Waits until a delegate is in a status.
    pub(crate) fn wait_for_delegate(&self, name: &str, status: &str) {
        wait_for(&format!("delegate {name} to be {status}"), || {
            (find(&self.json(&["delegate", "list"]), "name", name)["status"] == status).then_some(())
        });
    }
}
