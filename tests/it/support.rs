//! A whole site for a test: a Git server with its own authority and token, a configuration, and an agent on it.

pub(crate) mod connection;
pub(crate) mod katalon;
pub(crate) mod nats;
pub(crate) mod plugin;
pub(crate) mod processes;
pub(crate) mod protocol;
pub(crate) mod relay;
pub(crate) mod room;
pub(crate) mod running;
pub(crate) mod schedule;
pub(crate) mod station;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use suitesync_loopback::{Authority, GitServer, IssueOptions, Login, SampleRepository, ServerOptions};
use tempfile::TempDir;

pub(crate) use running::{RunningAgent, RunningStation};

/// The token that the server wants.
pub(crate) const TOKEN: &str = "canary-5f0c1e7a-token";

/// Long enough for a loaded machine, short enough to fail within a test's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) server: GitServer,
}

impl Site {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("Test Site Authority").unwrap();
        let root = folder.path().join("repositories");
        std::fs::create_dir_all(&root).unwrap();
        let identity = authority.issue(&IssueOptions::default()).unwrap();
        let options = ServerOptions::new(&root).identity(identity).login(Login::Token(TOKEN.to_owned()));
        let server = GitServer::start(options).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        std::fs::create_dir_all(folder.path().join("etc/conf.d")).unwrap();
        Self { folder, server }
    }

    /// A site with a repository `shop.git` of a small project, a connection `server` and a link `shop`; and its commit.
    pub(crate) fn with_shop() -> (Self, SampleRepository, String) {
        let site = Self::new();
        let repository = site.repository("shop.git");
        let commit = repository.commit("main", "first", &katalon::small_project()).unwrap();
        site.configure(&(site.connection("server", "shop.git") + &site.link("shop", "server", "shop.git", "")));
        (site, repository, commit)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn repository(&self, name: &str) -> SampleRepository {
        SampleRepository::create(self.path("repositories").join(name)).unwrap()
    }

    pub(crate) fn main_file(&self) -> PathBuf {
        self.path("etc/suitesync.toml")
    }

    /// Writes the configuration: the agent's own part, then `rest`.
    pub(crate) fn configure(&self, rest: &str) {
        let text = format!(
            "[agent]\nname = \"test\"\nstate_dir = {:?}\nsocket = {:?}\n\n{rest}",
            self.path("state"),
            self.path("agent.sock"),
        );
        replace(&self.main_file(), &text);
    }

    pub(crate) fn drop_in(&self, name: &str, text: &str) {
        replace(&self.path("etc/conf.d").join(name), text);
    }

    /// A connection to everything on the server, tested by `test_repository`.
    pub(crate) fn connection(&self, name: &str, test_repository: &str) -> String {
        self.connection_with(name, test_repository, "SITE_TOKEN", &self.path("ca.pem"))
    }

    pub(crate) fn connection_with(
        &self,
        name: &str,
        test_repository: &str,
        token_env: &str,
        authority: &Path,
    ) -> String {
        format!(
            "[[connection]]\nname = \"{name}\"\nprovider = \"git\"\nurl = \"{}\"\nurl_type = \"organization\"\n\
             test_repository = \"{test_repository}\"\nadditional_certs_path = {authority:?}\ntest_every = \"1h\"\n\
             [connection.credentials]\nusername = \"\"\npassword = {{ env = \"{token_env}\" }}\n\n",
            self.server.url("/"),
        )
    }

    /// A link that is polled every second; `keys` are further lines of TOML.
    pub(crate) fn link(&self, name: &str, connection: &str, repository: &str, keys: &str) -> String {
        format!(
            "[[link]]\nname = \"{name}\"\nconnection = \"{connection}\"\nurl = \"{}\"\nsync_every = \"1s\"\n{keys}\n\n",
            self.server.url(&format!("/{repository}")),
        )
    }

    pub(crate) fn agent(&self) -> RunningAgent {
        RunningAgent::start(self)
    }

    /// The binary with a clean environment and this site's configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_suitesync"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.folder.path());
        command.env("SITE_TOKEN", TOKEN).env("WRONG_TOKEN", "canary-wrong-token");
        command.arg("--config").arg(self.main_file()).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command prints as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[&["--json"], arguments].concat());
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{out}\n{err}"))
    }

    /// One link of `link list`.
    pub(crate) fn link_view(&self, name: &str) -> Value {
        find(&self.json(&["link", "list"]), "name", name)
    }

    pub(crate) fn connection_view(&self, name: &str) -> Value {
        find(&self.json(&["connection", "list"]), "name", name)
    }

    /// Waits until a link is in a status, and returns it.
    pub(crate) fn wait_for_link(&self, name: &str, status: &str) -> Value {
        wait_for(&format!("link {name} to be {status}"), || {
            Some(self.link_view(name)).filter(|link| link["status"] == status)
        })
    }

    /// Waits until a link's catalog is at a commit.
    pub(crate) fn wait_for_commit(&self, name: &str, commit: &str) -> Value {
        wait_for(&format!("link {name} to be at {commit}"), || {
            Some(self.link_view(name)).filter(|link| link["commit"] == commit && link["status"] == "active")
        })
    }

    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        self.json(&["event", "list", "--event", name]).as_array().unwrap().clone()
    }
}

/// The element whose `key` is `value`, or null.
pub(crate) fn find(list: &Value, key: &str, value: &str) -> Value {
    list.as_array().unwrap().iter().find(|element| element[key] == value).cloned().unwrap_or_default()
}

/// Waits until `probe` finds something.
pub(crate) fn wait_for<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, what, probe)
}

/// Waits until `probe` finds something, with another patience than usual.
pub(crate) fn wait_within<T>(patience: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::yield_now();
    }
}

/// Replaces a file as editors do: written beside, renamed over.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(&beside, path).unwrap();
}
