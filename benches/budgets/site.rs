//! The server that everything is measured at, with its repositories, in a temporary folder.

use std::cell::OnceCell;
use std::path::PathBuf;

use suitesync_loopback::{Authority, GitServer, IssueOptions, Login, SampleRepository, ServerOptions};
use tempfile::TempDir;

use crate::measuring::{Link, Terms};
use crate::source_tree;

/// The token that the server wants; it serves nobody but this process and its children.
const TOKEN: &str = "budgets-token";

const SMALL: &str = "small";
const LARGE: &str = "large";

pub(crate) struct Site {
    folder: TempDir,
    pub(crate) server: GitServer,
    small: OnceCell<SampleRepository>,
    large: OnceCell<SampleRepository>,
}

impl Site {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("suitesync-budgets-").tempdir()?;
        for name in ["repositories", "no-certificates"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        let authority = Authority::new("suitesync budgets authority")?;
        std::fs::write(folder.path().join("ca.pem"), authority.pem())?;
        let identity = authority.issue(&IssueOptions::default())?;
        let login = Login::Token(TOKEN.to_owned());
        let options = ServerOptions::new(folder.path().join("repositories")).identity(identity).login(login);
        Ok(Self { folder, server: GitServer::start(options)?, small: OnceCell::new(), large: OnceCell::new() })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder of its own that goes when it is dropped.
    pub(crate) fn scratch(&self) -> anyhow::Result<TempDir> {
        Ok(TempDir::new_in(self.folder.path())?)
    }

    pub(crate) fn terms(&self) -> Terms {
        Terms { authority: self.path("ca.pem"), empty_folder: self.path("no-certificates"), token: TOKEN.to_owned() }
    }

    pub(crate) fn repository(&self, name: &str) -> anyhow::Result<SampleRepository> {
        Ok(SampleRepository::create(self.path("repositories").join(name))?)
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
        let directory = source_tree::TESTS.to_owned();
        Link { url: self.server.url(&format!("/{LARGE}")), directory, known: None }
    }
}
