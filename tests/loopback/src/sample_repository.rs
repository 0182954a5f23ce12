//! Bare repositories to serve, made by the real Git, with the same ids every time.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::clean_git::{AUTHOR_EMAIL, AUTHOR_NAME, FIRST_COMMIT_AT, clean_git};
use crate::error::LoopbackError;
use crate::sample_change::Change;
use crate::sample_change::import_bytes;

/// Between a commit and the next one on its branch.
const SECONDS_BETWEEN_COMMITS: u64 = 60;

/// A bare repository with `main` as its default branch.
#[derive(Debug)]
pub struct SampleRepository {
    folder: PathBuf,
}

/// The commit that a new one goes on top of.
struct Parent {
    commit: String,
    committed_at: u64,
}

impl SampleRepository {
    /// An empty repository in a folder that is made, with those above it.
    pub fn create(folder: impl Into<PathBuf>) -> Result<Self, LoopbackError> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(|source| LoopbackError::Folder { folder: folder.clone(), source })?;
        let repository = Self { folder };
        repository.git(&["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], b"")?;
        Ok(repository)
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Commits changes on top of a branch, which is made when it is not there; the commit's id.
    pub fn commit(&self, branch: &str, message: &str, changes: &[Change]) -> Result<String, LoopbackError> {
        let parent = self.parent(branch)?;
        let committed_at = parent.as_ref().map_or(FIRST_COMMIT_AT, |p| p.committed_at + SECONDS_BETWEEN_COMMITS);
        let mut stream = format!(
            "commit refs/heads/{branch}\nmark :1\ncommitter {AUTHOR_NAME} <{AUTHOR_EMAIL}> {committed_at} +0000\n"
        )
        .into_bytes();
        import_bytes(message.as_bytes(), &mut stream);
        if let Some(parent) = parent {
            stream.extend_from_slice(format!("from {}\n", parent.commit).as_bytes());
        }
        for change in changes {
            change.import_into(&mut stream);
        }
        stream.extend_from_slice(b"\nget-mark :1\ndone\n");
        self.git(&["fast-import", "--quiet", "--done"], &stream)
    }

    /// Makes a branch, or moves it to wherever: a forced push.
    pub fn branch(&self, name: &str, at: &str) -> Result<(), LoopbackError> {
        self.update_ref(&format!("refs/heads/{name}"), at)
    }

    /// A lightweight tag.
    pub fn tag(&self, name: &str, at: &str) -> Result<(), LoopbackError> {
        self.update_ref(&format!("refs/tags/{name}"), at)
    }

    /// A tag that is an object of its own.
    pub fn annotated_tag(&self, name: &str, at: &str) -> Result<(), LoopbackError> {
        self.git(&["tag", "--annotate", "--force", "--message", name, name, at], b"").map(drop)
    }

    /// Takes a ref away, by its full name.
    pub fn delete_ref(&self, name: &str) -> Result<(), LoopbackError> {
        self.git(&["update-ref", "-d", name], b"").map(drop)
    }

    /// Makes a branch the default one, whether it is there or not.
    pub fn set_head(&self, branch: &str) -> Result<(), LoopbackError> {
        self.git(&["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")], b"").map(drop)
    }

    /// The object id of whatever Git understands as a revision.
    pub fn resolve(&self, revision: &str) -> Result<String, LoopbackError> {
        self.git(&["rev-parse", "--verify", "--end-of-options", revision], b"")
    }

    fn update_ref(&self, name: &str, at: &str) -> Result<(), LoopbackError> {
        let commit = self.resolve(&format!("{at}^{{commit}}"))?;
        self.git(&["update-ref", name, &commit], b"").map(drop)
    }

    fn parent(&self, branch: &str) -> Result<Option<Parent>, LoopbackError> {
        let pattern = format!("refs/heads/{branch}");
        let listed = self.git(&["for-each-ref", "--format=%(objectname) %(committerdate:unix)", &pattern], b"")?;
        let parent = listed
            .split_once(' ')
            .and_then(|(commit, at)| Some(Parent { commit: commit.to_owned(), committed_at: at.parse().ok()? }));
        Ok(parent)
    }

    /// What Git prints, without the line's end.
    fn git(&self, arguments: &[&str], input: &[u8]) -> Result<String, LoopbackError> {
        let action = arguments.first().copied().unwrap_or_default().to_owned();
        let output = run(clean_git().arg("-C").arg(&self.folder).args(arguments), input)
            .map_err(|source| LoopbackError::Run { action: action.clone(), source })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        Err(LoopbackError::Git { action, said })
    }
}

fn run(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A Git that reads no more has its say on stderr, which tells more than a broken pipe.
        match stdin.write_all(input) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    child.wait_with_output()
}
