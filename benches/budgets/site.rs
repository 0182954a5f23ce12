//! The server that everything is measured at, with its repositories, in a temporary folder.

use std::cell::OnceCell;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use suitesync_loopback::{
    Authority, GitServer, IssueOptions, Login, SampleRepository, ServerOptions, SshKey, SshKeyFormat, SshKeyKind,
    SshOptions, SshServer,
};
use tempfile::TempDir;

use crate::measuring::{Link, Terms};
use crate::source_tree;

/// The token that the server wants; it serves nobody but this process and its children.
const TOKEN: &str = "budgets-token";

const SMALL: &str = "small";
const LARGE: &str = "large";
/// Below any server.
pub(crate) const LARGE_PATH: &str = "/large";

const REPOSITORIES: &str = "repositories";
const SSH_KEY: &str = "ssh-key";
const KNOWN_HOSTS: &str = "known-hosts";
/// Lets a server send whole commits only, so that a fetch of the large repository takes a while.
const NO_FILTER: (&str, &str) = ("uploadpack.allowFilter", "false");

pub(crate) struct Site {
    folder: TempDir,
    authority: Authority,
    pub(crate) server: GitServer,
    ssh: OnceCell<SshServer>,
    small: OnceCell<SampleRepository>,
    large: OnceCell<SampleRepository>,
}

impl Site {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("suitesync-budgets-").tempdir()?;
        for name in [REPOSITORIES, "no-certificates"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        let authority = Authority::new("suitesync budgets authority")?;
        std::fs::write(folder.path().join("ca.pem"), authority.pem())?;
        let server = GitServer::start(options(folder.path().join(REPOSITORIES), &authority)?)?;
        let (ssh, small, large) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Ok(Self { folder, authority, server, ssh, small, large })
    }

    /// One more server of the same repositories, which sends whole commits only.
    pub(crate) fn server_without_filter(&self) -> anyhow::Result<GitServer> {
        let options = options(self.path(REPOSITORIES), &self.authority)?;
        Ok(GitServer::start(options.git_config(NO_FILTER.0, NO_FILTER.1))?)
    }

    /// The same repositories over SSH, sent whole, by a server that is started when it is first asked for.
    pub(crate) fn ssh(&self) -> anyhow::Result<&SshServer> {
        if let Some(started) = self.ssh.get() {
            return Ok(started);
        }
        let key = SshKey::generate(SshKeyKind::Ed25519, SshKeyFormat::OpenSsh, None)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path(SSH_KEY))?;
        file.write_all(key.private_text().as_bytes())?;
        let options = SshOptions::new(self.path(REPOSITORIES)).authorize(&key);
        let server = SshServer::start(options.git_config(NO_FILTER.0, NO_FILTER.1))?;
        std::fs::write(self.path(KNOWN_HOSTS), server.known_hosts("127.0.0.1"))?;
        Ok(self.ssh.get_or_init(|| server))
    }

    /// What both servers have counted.
    pub(crate) fn traffic(&self) -> Traffic {
        let over_ssh = self.ssh.get().map(SshServer::connections).unwrap_or_default();
        Traffic {
            bytes: self.server.bytes_sent(),
            requests: self.server.request_count(),
            connections: self.server.connections() + over_ssh,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder of its own that goes when it is dropped.
    pub(crate) fn scratch(&self) -> anyhow::Result<TempDir> {
        Ok(TempDir::new_in(self.folder.path())?)
    }

    pub(crate) fn terms(&self) -> Terms {
        Terms {
            authority: self.path("ca.pem"),
            empty_folder: self.path("no-certificates"),
            token: TOKEN.to_owned(),
            ssh_key: self.path(SSH_KEY),
            known_hosts: self.path(KNOWN_HOSTS),
        }
    }

    pub(crate) fn repository(&self, name: &str) -> anyhow::Result<SampleRepository> {
        Ok(SampleRepository::create(self.path(REPOSITORIES).join(name))?)
    }

    /// A repository with a handful of files and one commit, made when it is first asked for.
    pub(crate) fn small(&self) -> anyhow::Result<&SampleRepository> {
        if let Some(made) = self.small.get() {
            return Ok(made);
        }
        let repository = self.repository(SMALL)?;
        repository.commit("main", "Add tests", &source_tree::small())?;
        Ok(self.small.get_or_init(|| repository))
    }

    /// A repository of 20,000 files and 8,000 commits, made when it is first asked for.
    pub(crate) fn large(&self) -> anyhow::Result<&SampleRepository> {
        if let Some(made) = self.large.get() {
            return Ok(made);
        }
        let repository = self.repository(LARGE)?;
        source_tree::fill_large(&repository)?;
        Ok(self.large.get_or_init(|| repository))
    }

    /// The whole small repository.
    pub(crate) fn small_link(&self) -> Link {
        Link { url: self.server.url(&format!("/{SMALL}")), directory: String::new(), known: None }
    }

    /// The directory with the tests of the large repository.
    pub(crate) fn large_link(&self) -> Link {
        Self::large_link_at(self.server.url(LARGE_PATH))
    }

    /// The same at another server.
    pub(crate) fn large_link_at(url: String) -> Link {
        Link { url, directory: source_tree::TESTS.to_owned(), known: None }
    }
}

/// What servers have done so far; bytes and requests are those over HTTPS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    pub(crate) bytes: u64,
    pub(crate) requests: u64,
    pub(crate) connections: u64,
}

fn options(root: PathBuf, authority: &Authority) -> anyhow::Result<ServerOptions> {
    let identity = authority.issue(&IssueOptions::default())?;
    Ok(ServerOptions::new(root).identity(identity).login(Login::Token(TOKEN.to_owned())))
}
